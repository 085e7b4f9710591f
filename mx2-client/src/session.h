// One application context: a thread that keeps what is known of it up to date, by whichever channel
// works, and makes it again when the orchestrator has lost it; and calls to wherever its λ is.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "mx2-client/include/mx2/client.h"
#include "mx2-client/src/callback_hub.h"
#include "mx2-client/src/context_state.h"
#include "mx2-client/src/http_pool.h"
#include "mx2-client/src/invoker.h"
#include "mx2-client/src/mailbox.h"
#include "mx2-client/src/mx2_api.h"
#include "mx2-client/src/sse_parser.h"

namespace mx2::device {

// What all contexts of a client share. Immutable, but for what is callable from any thread.
struct Shared {
  explicit Shared(client::ClientOptions given);

  const client::ClientOptions options;
  const Mx2Api api;
  HttpPool orchestrator;  // with options.timeout
  HttpPool quick;         // the same, but no longer than a call may wait for a move
  Invoker invoker;
  CallbackHub hub;
};

struct SessionOptions {
  client::Channel channel = client::Channel::kAuto;
  client::Strategy strategy = client::Strategy::kSingle;
  double persistence = 0;
};

// What a call came to: an answer, or the last that looked like one.
struct Called {
  client::Reply reply;
  bool is_answer = false;  // the λ's own, not of one that has left
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Clock = std::chrono::steady_clock;

  Session(std::shared_ptr<Shared> shared, AppContext request, SessionOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Creates the context and starts the thread, which keeps this alive until close().
  [[nodiscard]] Result<void> start();
  // Ends the thread and deletes the context, within the timeout of the options.
  [[nodiscard]] Result<void> close() { return close(Clock::now() + shared_->options.timeout); }
  // By `deadline`; with little or nothing left, the deletion still has 50 ms.
  [[nodiscard]] Result<void> close(Clock::time_point deadline);

  [[nodiscard]] client::Result<Called> invoke(std::string_view payload,
                                              const std::string& content_type);
  [[nodiscard]] client::Statistics statistics() const;
  [[nodiscard]] ContextState& state() { return state_; }

 private:
  enum class Outcome {
    kFine,
    kRetry,        // not reached, or an answer that may be another one later
    kGone,         // the orchestrator does not know the context
    kUnsupported,  // this orchestrator, or this machine, cannot do that
  };

  // session.cpp: the thread.
  void run() noexcept;
  [[nodiscard]] Outcome step();
  void after(Outcome outcome);
  void fall_back();
  [[nodiscard]] Result<void> create();
  void recreate();
  // Sleeps for the next delay of a growing series.
  void back_off();
  void pause(std::chrono::milliseconds time);
  [[nodiscard]] bool is_closed() const;
  // Notes it for the statistics, and says what it comes to.
  Outcome failed(const std::string& why, Outcome outcome = Outcome::kRetry);
  void worked();

  // session_channels.cpp: one turn of each channel.
  [[nodiscard]] Outcome follow_events();
  [[nodiscard]] bool on_event(const ServerEvent& event, bool& gone);
  [[nodiscard]] Outcome poll();
  [[nodiscard]] Outcome follow_callbacks();
  [[nodiscard]] Outcome register_callback();
  [[nodiscard]] Result<void> open_mailbox();
  void close_mailbox();
  [[nodiscard]] bool apply(const Told& told, bool& gone);
  // Reads the context; `wait`: at the server, until it changes.
  [[nodiscard]] Outcome look(http::Client& http, bool wait = false);
  [[nodiscard]] Outcome take(const http::Reply& reply, std::uint64_t generation, bool& taken);
  // Whether the context is still there, where it cannot be read.
  [[nodiscard]] Outcome probe();

  // session_invoke.cpp
  using When = std::optional<Clock::time_point>;
  // Whether it is the λ's. One of moved_statuses that is a client error is, where the orchestrator
  // leads there, who is asked for news since `ended`, if that is given and there may be any.
  [[nodiscard]] bool is_answer(const Attempt& attempt, When ended = std::nullopt);
  [[nodiscard]] bool is_led_to(const std::string& endpoint, When ended);
  [[nodiscard]] Attempt attempt(const Call& call, const std::string& primary);
  // The endpoint for the next attempt, after one at `endpoint` failed at `failed`; empty: none.
  [[nodiscard]] std::string next_endpoint(const std::string& endpoint, bool may_repeat,
                                          Clock::time_point failed);
  // Reads the context, unless somebody has begun to since `asked`.
  Outcome refresh(Clock::time_point asked);
  // Another number after each change of what is known, and after each loss of the channel.
  [[nodiscard]] std::uint64_t news() const { return 1 + state_.generation() + connections_; }
  [[nodiscard]] std::vector<std::string> companions(const std::string& primary);

  const std::shared_ptr<Shared> shared_;
  AppContext request_;  // of the keeper thread once it runs
  const SessionOptions options_;
  ContextState state_;
  http::CurlClient waiting_;  // of the keeper: requests that wait at the server
  http::CurlClient asking_;   // of the keeper: short ones

  mutable std::mutex mutex_;  // guards down to `keeper_`
  std::condition_variable wake_;
  std::shared_ptr<Mailbox> mailbox_;  // empty: no callback; another one for each creation
  bool stopping_ = false;
  client::Channel channel_ = client::Channel::kAuto;
  bool connected_ = false;
  std::string last_error_;
  std::thread keeper_;

  // Of the keeper thread.
  std::string callback_reference_;  // leads to the mailbox; empty: there is none
  bool callback_registered_ = false;
  std::string last_event_id_;
  std::chrono::milliseconds delay_{0};
  bool lost_ = false;  // to be created again
  Clock::time_point created_;

  std::atomic<bool> events_work_{false};  // the orchestrator has shown that it has them
  std::atomic<bool> reads_work_{false};
  std::atomic<std::uint64_t> recreations_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> retries_{0};
  std::atomic<std::uint64_t> connections_{0};  // times that the channel began to work
  std::mutex refresh_mutex_;
  Clock::time_point refreshed_;                // when the last refresh began
  Outcome refresh_outcome_ = Outcome::kRetry;  // of it
  std::atomic<std::uint64_t> led_there_{0};    // news() when the orchestrator led to all endpoints
};

}  // namespace mx2::device
