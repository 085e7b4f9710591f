#include "orchestrator/core/retry_timer.h"

#include <chrono>
#include <utility>

namespace mx2 {
namespace {

constexpr auto kDelay = std::chrono::seconds(1);

}  // namespace

RetryTimer::RetryTimer(std::function<void()> work)
    : work_(std::move(work)), thread_([this] { run(); }) {}

bool RetryTimer::later() {
  {
    const std::lock_guard guard(mutex_);
    if (stopped_) return false;
    asked_ = true;
  }
  changed_.notify_one();
  return true;
}

bool RetryTimer::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  return std::exchange(asked_, false);
}

void RetryTimer::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    changed_.wait(lock, [this] { return stopped_ || asked_; });
    if (changed_.wait_for(lock, kDelay, [this] { return stopped_; })) return;
    asked_ = false;
    lock.unlock();
    work_();
    lock.lock();
  }
}

}  // namespace mx2
