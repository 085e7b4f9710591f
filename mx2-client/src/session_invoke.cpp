#include <algorithm>

#include "mx2-client/src/convert.h"
#include "mx2-client/src/session.h"

namespace mx2::device {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskAgainLeast{50};
constexpr milliseconds kAskAgainMost{400};
constexpr int kFirstServerError = 500;

}  // namespace

client::Result<Called> Session::invoke(std::string_view payload, const std::string& content_type) {
  if (is_closed()) return closed();
  if (const auto fine = check_content_type(content_type); !fine) return error_of(fine.error());
  const auto begin = Clock::now();
  const Call call{std::string(payload), content_type};
  ++calls_;
  auto endpoint = state_.endpoint();
  if (endpoint.empty()) endpoint = next_endpoint(endpoint, false, begin);
  if (endpoint.empty()) return no_endpoint();
  auto last = attempt(call, endpoint);
  Called called;
  const auto ended = Clock::now();
  called.is_answer = is_answer(last, ended);
  if (!called.is_answer) {
    const auto next = next_endpoint(endpoint, !last.received, ended);
    if (!next.empty()) {
      ++retries_;
      ++called.reply.attempts;
      last = shared_->invoker.call(next, call);
      called.is_answer = is_answer(last, Clock::now());
    }
  }
  if (!last.reply) return error_of(last.reply.error());
  auto& reply = called.reply;
  reply.status = last.reply->status;
  reply.content_type = std::move(last.reply->content_type);
  reply.body = std::move(last.reply->body);
  reply.endpoint = std::move(last.endpoint);
  reply.latency = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  return called;
}

bool Session::is_answer(const Attempt& attempt, When ended) {
  if (!attempt.reply) return false;
  const auto& moved = shared_->options.moved_statuses;
  const auto status = attempt.reply->status;
  if (std::find(moved.begin(), moved.end(), status) == moved.end()) return true;
  return status < kFirstServerError && is_led_to(attempt.endpoint, ended);
}

// Applications answer 404 all the time, so it must cost nothing: the channel tells of a move, and
// asking once makes up for what it has not told yet. Who does not answer is not asked again either,
// before the channel works again.
bool Session::is_led_to(const std::string& endpoint, When ended) {
  const auto known = news();
  if (led_there_ != known && (!ended || refresh(*ended) == Outcome::kGone)) return false;
  const auto now = led_there_ == known ? known : news();
  const auto all = state_.endpoints();
  if (std::find(all.begin(), all.end(), endpoint) == all.end()) return false;
  led_there_ = now;
  return true;
}

Attempt Session::attempt(const Call& call, const std::string& primary) {
  if (options_.strategy == client::Strategy::kSingle) return shared_->invoker.call(primary, call);
  auto runners = companions(primary);
  if (runners.empty()) return shared_->invoker.call(primary, call);
  runners.insert(runners.begin(), primary);
  const auto is_good = [this](const Attempt& each) { return is_answer(each); };
  auto fastest = shared_->invoker.race(runners, call, is_good);
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

std::string Session::next_endpoint(const std::string& endpoint, bool may_repeat,
                                   Clock::time_point failed) {
  const auto deadline = failed + shared_->options.move_wait;
  if (options_.strategy == client::Strategy::kMultiple) {
    refresh(failed);
    for (auto& other : state_.endpoints()) {
      if (other != endpoint) return other;
    }
  }
  auto delay = kAskAgainLeast;
  for (auto now = failed;; now = Clock::now()) {
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
Session::Outcome Session::refresh(Clock::time_point asked) {
  const std::lock_guard lock(refresh_mutex_);
  if (refreshed_ >= asked) return refresh_outcome_;
  const auto begin = Clock::now();
  auto http = shared_->quick.lease();
  refresh_outcome_ = look(*http);  // a loss is the keeper's to see
  refreshed_ = begin;
  return refresh_outcome_;
}

}  // namespace mx2::device
