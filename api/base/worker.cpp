#include "api/base/worker.h"

#include <algorithm>
#include <utility>

namespace mx2 {

void Worker::start(std::function<Time()> step, std::function<void()> interrupt) {
  step_ = std::move(step);
  interrupt_ = std::move(interrupt);
  thread_ = std::thread([this] { run(); });
}

void Worker::repeat(std::function<void()> step, std::function<void()> interrupt) {
  start(
      [step = std::move(step)] {
        step();
        return kAtOnce;
      },
      std::move(interrupt));
}

bool Worker::wake(Time due) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (due >= due_) return true;
  due_ = due;
  changed_.notify_one();
  return true;
}

bool Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
  }
  if (is_running()) {
    if (interrupt_) interrupt_();
    thread_.join();
  }
  return std::exchange(due_, kWhenWoken) != kWhenWoken;
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (due_ == kWhenWoken) {
      changed_.wait(lock);
    } else if (due_ != kAtOnce && due_ > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, due_);
    } else {
      due_ = kWhenWoken;  // what is asked for from here on is for the next step
      lock.unlock();
      const auto next = step_();
      lock.lock();
      due_ = std::min(due_, next);
    }
  }
}

}  // namespace mx2
