// SIGINT and SIGTERM as a wish to end well. The second one ends the program at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace mx2::cli {

class Stop {
 public:
  // Before any other thread is started: the signals are blocked from here on.
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  // Sleeps until then, or until the wish. True: end.
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point time);
  [[nodiscard]] bool wanted() { return wait_until({}); }

 private:
  void watch();

  int signals_ = -1;
  int wake_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  std::thread thread_;
};

}  // namespace mx2::cli
