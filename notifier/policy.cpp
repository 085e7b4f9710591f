#include "notifier/policy.h"

#include <algorithm>
#include <cmath>

#include "api/base/text.h"
#include "api/http/async_client.h"
#include "notifier/address_guard.h"

namespace mx2::notifier {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;

bool is_later(int status) { return status == 408 || status == 425 || status == 429; }

bool is_settled(int status) { return status >= 300 && status < 500; }

// No later attempt can end otherwise.
bool is_hopeless(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kForbidden ||
         error.cause == http::kImpossibleName;
}

}  // namespace

Times times_of(const OutboxEntry& entry, std::int64_t date_ms, std::int64_t steady_ms,
               const RetryOptions& options) {
  const auto delay_ms = entry.due_ms - date_ms;
  const bool believable = delay_ms <= delay_after(entry.attempts, 1.0, options);
  const auto since = [&](std::int64_t then_ms) {
    return steady_ms - std::max<std::int64_t>(date_ms - then_ms, 0);
  };
  Times times;
  times.due_ms = steady_ms + (believable ? std::max<std::int64_t>(delay_ms, 0) : 0);
  times.written_ms = since(entry.written_ms);
  times.waits_since_ms = steady_ms - entry.waited_ms;
  times.context_since_ms = since(entry.created_ms);
  return times;
}

Verdict judge(const Result<http::Reply>& reply, const Times& times, std::int64_t steady_ms,
              const RetryOptions& options) {
  const bool too_old = steady_ms - times.waits_since_ms >= options.give_up_after_ms;
  const auto later = too_old ? Outcome::Kind::kDead : Outcome::Kind::kRetry;
  if (!reply) {
    const auto& error = reply.error();
    const bool absent = error.cause == http::kNoSuchName &&
                        steady_ms - times.waits_since_ms >= options.absent_name_ms;
    if (absent) return {Outcome::Kind::kDead, false, error.detail};
    const auto hint = error.cause == http::kNotAllowed ? kAllowHint : std::string_view();
    if (is_hopeless(error)) return {Outcome::Kind::kDead, true, error.detail + std::string(hint)};
    return {later, false, error.detail};
  }
  const int status = reply->status;
  if (status >= 200 && status < 300) return {};
  auto error = "answered " + std::to_string(status);
  const bool young = steady_ms - times.context_since_ms < options.young_context_ms;
  const bool may_not_know_it = young && (status == kBadRequest || status == kNotFound);
  if (is_settled(status) && !is_later(status) && !may_not_know_it) {
    if (status < kBadRequest) error += ", and redirects are not followed";
    return {Outcome::Kind::kDead, true, std::move(error)};
  }
  return {later, status < 500, std::move(error)};
}

std::int64_t delay_after(std::uint32_t attempts, double random, const RetryOptions& options) {
  const auto doublings = std::min<std::uint32_t>(attempts > 0 ? attempts - 1 : 0, 30);
  const auto longest = std::min(
      static_cast<double>(options.delay_max_ms),
      std::ldexp(static_cast<double>(options.first_delay_ms), static_cast<int>(doublings)));
  // Half of it is certain, so that a retry never follows at once.
  return static_cast<std::int64_t>(longest / 2 + random * longest / 2);
}

Pace::Pace(const PaceOptions& options) : at_once_(std::min(options.first, options.max)) {}

void Pace::replied(std::int64_t took_ms, std::size_t waiting, const PaceOptions& options) {
  if (took_ms <= options.prompt_ms) return grow(waiting, options);
  prompt_ = 0;
  if (at_once_ > options.first) --at_once_;
}

void Pace::grow(std::size_t waiting, const PaceOptions& options) {
  const bool known_to_bear_it = at_once_ < options.first;
  const bool round = ++prompt_ >= at_once_;
  if (round) prompt_ = 0;
  const bool matters = waiting > kRoundsAhead * at_once_;
  if (at_once_ < options.max && (known_to_bear_it || (round && matters))) ++at_once_;
}

void Pace::failed() {
  at_once_ = std::max<std::size_t>(at_once_ / 2, 1);
  prompt_ = 0;
}

std::string destination_of(const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  const auto end = url.find_first_of("/?#", scheme_end + 3);
  auto destination = to_lower(std::string_view(url).substr(0, end));
  const auto at = destination.rfind('@');  // whoever asks, it is the same destination
  if (at != std::string::npos) destination.erase(scheme_end + 3, at + 1 - (scheme_end + 3));
  const auto colon = destination.rfind(':');
  const auto bracket = destination.rfind(']');  // of an IPv6 address, which has colons of its own
  const bool has_port = colon > scheme_end && (bracket == std::string::npos || colon > bracket);
  if (!has_port) destination += destination.compare(0, 5, "https") == 0 ? ":443" : ":80";
  return destination;
}

}  // namespace mx2::notifier
