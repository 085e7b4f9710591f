// Waits for processes to end, whoever their parent is: one thread on epoll over their pidfds.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "lcm/mepm/process/spawn.h"

namespace mx2::mepm::process {

class PidWatch {
 public:
  // `ended` is called from the thread of this, after a token has become ready to take().
  explicit PidWatch(std::function<void()> ended);
  ~PidWatch();
  PidWatch(const PidWatch&) = delete;
  PidWatch& operator=(const PidWatch&) = delete;

  // `token` is given once when the process ends, unless the descriptor is closed before.
  void add(int pidfd, std::uint64_t token);
  [[nodiscard]] std::vector<std::uint64_t> take();

 private:
  void run();

  std::function<void()> ended_;
  Fd epoll_;
  Fd stop_;
  std::mutex mutex_;
  std::vector<std::uint64_t> tokens_;
  std::thread thread_;
};

}  // namespace mx2::mepm::process
