#include "mx2-client/src/session.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "api/http/problem.h"
#include "mx2-client/src/convert.h"

namespace mx2::device {
namespace {

using client::Channel;
using std::chrono::milliseconds;

constexpr milliseconds kDelayLeast{100};
constexpr milliseconds kDelayMost{10000};
constexpr milliseconds kShortLife{10000};  // a context lost sooner than this is not made at once

int whole_ms(milliseconds time) {
  return static_cast<int>(std::clamp<milliseconds::rep>(time.count(), 1, 86'400'000));
}

http::ClientOptions http_options(const client::ClientOptions& options, milliseconds timeout) {
  http::ClientOptions out;
  out.timeout_ms = whole_ms(timeout);
  out.connect_timeout_ms = std::min(out.timeout_ms, whole_ms(options.timeout));
  out.response_bytes_max = 4UL * 1024 * 1024;
  out.bearer_token = options.bearer_token;
  out.ca_file = options.ca_file;
  return out;
}

Channel next_channel(Channel channel) {
  if (channel == Channel::kEvents) return Channel::kCallback;
  return channel == Channel::kCallback ? Channel::kPolling : Channel::kEvents;
}

}  // namespace

Shared::Shared(client::ClientOptions given)
    : options(bounded(std::move(given))),
      api(options.url),
      orchestrator(http_options(options, options.timeout)),
      quick(http_options(
          options, std::min(options.timeout, std::max(options.move_wait, milliseconds(100))))),
      invoker(options),
      hub(options.url, options.callback_address, options.callback_port) {}

Session::Session(std::shared_ptr<Shared> shared, AppContext request, SessionOptions options)
    : shared_(std::move(shared)),
      request_(std::move(request)),
      options_(options),
      waiting_(http_options(shared_->options, shared_->options.timeout + milliseconds(25000))),
      asking_(http_options(shared_->options, shared_->options.timeout)),
      channel_(options.channel == Channel::kAuto ? Channel::kEvents : options.channel) {}

Session::~Session() { close_mailbox(); }

Result<void> Session::start() {
  if (options_.channel == Channel::kCallback) {
    if (auto opened = open_mailbox(); !opened) return opened;
  }
  if (auto created = create(); !created) return created;
  try {
    keeper_ = std::thread([self = shared_from_this()] { self->run(); });
  } catch (const std::system_error& e) {
    static_cast<void>(close());
    return internal(e.what());
  }
  return {};
}

bool Session::is_closed() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

Result<void> Session::close(Clock::time_point deadline) {
  std::thread keeper;
  bool closing = false;  // by somebody else
  {
    const std::lock_guard lock(mutex_);
    closing = std::exchange(stopping_, true);
    keeper = std::move(keeper_);
    if (mailbox_) mailbox_->close();
  }
  wake_.notify_all();
  waiting_.interrupt();
  asking_.interrupt();
  state_.close();  // no callback is running any more, whoever began to close
  if (closing) return {};
  if (keeper.joinable()) keeper.join();  // it never runs callbacks, so it is not who closes
  const auto id = state_.context_id();
  if (id.empty()) return {};
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
  http::CurlClient http(http_options(shared_->options, std::max(left, milliseconds(50))));
  return shared_->api.remove(http, id);
}

client::Statistics Session::statistics() const {
  client::Statistics out;
  out.moves = state_.moves();
  out.recreations = recreations_;
  out.calls = calls_;
  out.retries = retries_;
  const std::lock_guard lock(mutex_);
  out.connected = connected_;
  out.channel = connected_ || options_.channel != Channel::kAuto ? channel_ : Channel::kAuto;
  out.last_error = last_error_;
  return out;
}

void Session::run() noexcept {
  while (!is_closed()) {
    try {
      after(step());
    } catch (const std::exception& e) {
      failed(e.what());
      back_off();
    }
  }
}

Session::Outcome Session::step() {
  if (lost_) {
    recreate();
    return Outcome::kFine;
  }
  switch (channel_) {
    case Channel::kCallback: return follow_callbacks();
    case Channel::kPolling: return poll();
    default: return follow_events();
  }
}

void Session::after(Outcome outcome) {
  if (outcome != Outcome::kFine) {
    const std::lock_guard lock(mutex_);
    connected_ = false;
  }
  switch (outcome) {
    case Outcome::kFine: break;
    case Outcome::kRetry: back_off(); break;
    case Outcome::kUnsupported: fall_back(); break;
    case Outcome::kGone:
      lost_ = true;
      if (Clock::now() - created_ < kShortLife) back_off();
      break;
  }
}

void Session::fall_back() {
  if (options_.channel != Channel::kAuto || channel_ == Channel::kPolling) {
    back_off();  // nothing else to try, so the same again
    if (options_.channel != Channel::kAuto) return;
  }
  const std::lock_guard lock(mutex_);
  channel_ = next_channel(channel_);
  connected_ = false;
}

Result<void> Session::create() {
  callback_registered_ = false;
  request_.callback_reference.reset();
  // Another path for each context, so that late notifications of the last one are not ours.
  if (created_ != Clock::time_point() && !callback_reference_.empty()) {
    if (const auto opened = open_mailbox(); !opened) failed(opened.error().detail);
  }
  if (!callback_reference_.empty()) request_.callback_reference = callback_reference_;
  auto http = shared_->orchestrator.lease();
  auto made = shared_->api.create(*http, request_);
  if (!made) return made.error();
  callback_registered_ = request_.callback_reference.has_value();
  last_event_id_.clear();
  created_ = Clock::now();
  state_.begin(made->context.context_id, made->context.app_info.user_app_instance_info,
               made->revision);
  return {};
}

void Session::recreate() {
  const auto created = create();
  if (!created) {
    failed("the context is lost and cannot be made again: " + created.error().detail);
    return back_off();
  }
  lost_ = false;
  ++recreations_;
}

void Session::back_off() {
  delay_ = std::clamp(delay_ * 2, kDelayLeast, kDelayMost);
  // Jitter: not all clients of a server that comes back ask it at once.
  thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> factor(0.5, 1.0);
  pause(milliseconds(static_cast<int>(static_cast<double>(delay_.count()) * factor(random))));
}

void Session::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [&] { return stopping_; });
}

Session::Outcome Session::failed(const std::string& why, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) last_error_ = why;
  return outcome;
}

void Session::worked() {
  // A short life keeps its delay, or a context that is deleted at once would be made all the time.
  if (Clock::now() - created_ >= kShortLife || recreations_ == 0) delay_ = {};
  const std::lock_guard lock(mutex_);
  if (!std::exchange(connected_, true)) ++connections_;
  last_error_.clear();
}

}  // namespace mx2::device
