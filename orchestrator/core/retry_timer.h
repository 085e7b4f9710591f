// Tries background work again a little later when the storage fails, so that it does not fail as
// fast as it can.
//
// Threads: later() from any; the work is called on a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace mx2 {

class RetryTimer {
 public:
  explicit RetryTimer(std::function<void()> work);
  ~RetryTimer() { stop(); }
  RetryTimer(const RetryTimer&) = delete;
  RetryTimer& operator=(const RetryTimer&) = delete;

  // In a second, once however often this is called until then. False after stop(): never.
  bool later();
  // Idempotent. What was to be done later is not done; true when there was something.
  bool stop();

 private:
  void run();

  const std::function<void()> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace mx2
