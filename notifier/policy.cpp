#include "notifier/policy.h"

#include <algorithm>
#include <cmath>

#include "api/base/text.h"
#include "api/http/async_client.h"

namespace mx2::notifier {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;

bool is_later(int status) { return status == 408 || status == 425 || status == 429; }

bool is_settled(int status) { return status >= 300 && status < 500; }

Verdict again_or_dead(const OutboxEntry& entry, std::int64_t now_ms, bool reached,
                      std::string error, const RetryOptions& options) {
  const bool too_old = now_ms - entry.written_ms >= options.give_up_after_ms;
  return {too_old ? Outcome::Kind::kDead : Outcome::Kind::kRetry, reached, std::move(error)};
}

}  // namespace

Verdict judge(const Result<http::Reply>& reply, const OutboxEntry& entry, std::int64_t now_ms,
              const RetryOptions& options) {
  if (!reply) {
    const auto& error = reply.error();
    const bool hopeless =
        error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kForbidden;
    if (hopeless) return {Outcome::Kind::kDead, true, error.detail};
    return again_or_dead(entry, now_ms, false, error.detail, options);
  }
  const int status = reply->status;
  if (status >= 200 && status < 300) return {};
  auto error = "answered " + std::to_string(status);
  const bool young = now_ms - entry.created_ms < options.young_context_ms;
  const bool may_not_know_it = young && (status == kBadRequest || status == kNotFound);
  if (is_settled(status) && !is_later(status) && !may_not_know_it) {
    if (status < kBadRequest) error += ", and redirects are not followed";
    return {Outcome::Kind::kDead, true, std::move(error)};
  }
  return again_or_dead(entry, now_ms, status < 500, std::move(error), options);
}

std::int64_t delay_after(std::uint32_t attempts, double random, const RetryOptions& options) {
  const auto doublings = std::min<std::uint32_t>(attempts > 0 ? attempts - 1 : 0, 30);
  const auto longest = std::min(
      static_cast<double>(options.delay_max_ms),
      std::ldexp(static_cast<double>(options.first_delay_ms), static_cast<int>(doublings)));
  // Half of it is certain, so that a retry never follows at once.
  return static_cast<std::int64_t>(longest / 2 + random * longest / 2);
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
