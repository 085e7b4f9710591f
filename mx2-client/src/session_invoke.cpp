#include <algorithm>

#include "mx2-client/src/convert.h"
#include "mx2-client/src/session.h"

namespace mx2::device {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskAgainLeast{50};
constexpr milliseconds kAskAgainMost{400};

}  // namespace

client::Result<client::Reply> Session::invoke(std::string_view payload,
                                              const std::string& content_type) {
  if (is_closed()) return closed();
  if (const auto fine = check_content_type(content_type); !fine) return error_of(fine.error());
  const auto begin = Clock::now();
  const Call call{std::string(payload), content_type};
  ++calls_;
  auto endpoint = state_.endpoint();
  if (endpoint.empty()) endpoint = next_endpoint(endpoint, false);
  if (endpoint.empty()) return no_endpoint();
  auto last = attempt(call, endpoint);
  int attempts = 1;
  if (!shared_->invoker.is_good(last)) {
    const auto next = next_endpoint(endpoint, !last.received);
    if (!next.empty()) {
      ++retries_;
      ++attempts;
      last = shared_->invoker.call(next, call);
    }
  }
  if (!last.reply) return error_of(last.reply.error());
  client::Reply reply;
  reply.status = last.reply->status;
  reply.content_type = std::move(last.reply->content_type);
  reply.body = std::move(last.reply->body);
  reply.endpoint = std::move(last.endpoint);
  reply.attempts = attempts;
  reply.latency = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  return reply;
}

Attempt Session::attempt(const Call& call, const std::string& primary) {
  if (options_.strategy == client::Strategy::kSingle) return shared_->invoker.call(primary, call);
  auto runners = companions(primary);
  if (runners.empty()) return shared_->invoker.call(primary, call);
  runners.insert(runners.begin(), primary);
  auto fastest = shared_->invoker.race(runners, call);
  if (fastest.endpoint != primary) state_.prefer(fastest.endpoint);
  return fastest;
}

// Uncoordinated access: each of the others with the probability asked for.
std::vector<std::string> Session::companions(const std::string& primary) {
  thread_local std::minstd_rand random(std::random_device{}());
  std::bernoulli_distribution take(options_.persistence);
  auto out = state_.endpoints();
  std::erase_if(out, [&](const auto& each) { return each == primary || !take(random); });
  return out;
}

std::string Session::next_endpoint(const std::string& endpoint, bool may_repeat) {
  const auto failed_at = Clock::now();
  const auto deadline = failed_at + shared_->options.move_wait;
  if (options_.strategy == client::Strategy::kMultiple) {
    refresh(failed_at);
    for (auto& other : state_.endpoints()) {
      if (other != endpoint) return other;
    }
  }
  auto delay = kAskAgainLeast;
  for (auto now = failed_at;; now = Clock::now()) {
    refresh(now);
    if (state_.wait_other(endpoint, std::min(deadline, Clock::now() + delay))) {
      return state_.endpoint();
    }
    if (is_closed()) return "";  // it waits for nothing any more
    if (Clock::now() >= deadline) break;
    delay = std::min(delay * 2, kAskAgainMost);
  }
  return may_repeat ? endpoint : std::string();
}

// Callers that fail together ask together: an answer that was asked for after `asked` is theirs.
void Session::refresh(Clock::time_point asked) {
  const std::lock_guard lock(refresh_mutex_);
  if (refreshed_ >= asked) return;
  const auto begin = Clock::now();
  auto http = shared_->quick.lease();
  static_cast<void>(look(*http));  // a loss is the keeper's to see
  refreshed_ = begin;
}

}  // namespace mx2::device
