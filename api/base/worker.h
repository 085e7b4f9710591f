// A thread that an object has for work of its own: it takes a step whenever one is due, and sleeps
// in between. What the step does, tests call themselves, without the thread.
//
//   worker_.start([this] { return step(std::chrono::steady_clock::now()); });
//
// A step says when the next is due; whoever has work for it before calls wake(). One that waits by
// itself, for sockets or a peer, is given something that ends its wait.
//
// Have it as the last member, or stop() it before what its steps use goes.
//
// Threads: wake() from any, from within a step too; start() and stop() one at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace mx2 {

class Worker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kAtOnce = Time::min();
  static constexpr Time kWhenWoken = Time::max();
  [[nodiscard]] static Time in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
  }

  explicit Worker(Time first_step = kAtOnce) : due_(first_step) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // `step` says when it is due again. `interrupt`, called by stop(), ends a step that waits.
  void start(std::function<Time()> step, std::function<void()> interrupt = {});
  // The same for a step that is always due, as it waits by itself.
  void repeat(std::function<void()> step, std::function<void()> interrupt);
  // A step is due then, or before if that was said already. False after stop(): it never comes.
  bool wake(Time due = kAtOnce);
  // Waits for the step that is being taken; there is no other. Idempotent. True: one was due, then
  // or later.
  bool stop();
  [[nodiscard]] bool is_running() const { return thread_.joinable(); }

 private:
  void run();

  std::function<Time()> step_;
  std::function<void()> interrupt_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Time due_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace mx2
