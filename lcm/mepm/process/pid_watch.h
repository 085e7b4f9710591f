// Waits for processes to end, whoever their parent is: one thread on epoll over their pidfds. Where
// we are the parent of those whose own has ended (the init of a container, or a subreaper), also
// for any child of ours.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "api/base/fd.h"
#include "api/base/worker.h"

namespace mx2::mepm::process {

class PidWatch {
 public:
  // `ended` is called from the thread of this, after a token has become ready to take() or a child
  // to be reaped. Blocks SIGCHLD in the calling thread if it adopts(); others should begin later.
  explicit PidWatch(std::function<void()> ended);

  // `token` is given once when the process ends, unless the descriptor is closed before.
  void add(int pidfd, std::uint64_t token);
  [[nodiscard]] std::vector<std::uint64_t> take();
  // Whether orphans become children of ours.
  [[nodiscard]] bool adopts() const { return children_.is_open(); }

 private:
  void wait();

  std::function<void()> ended_;
  Fd epoll_;
  Fd stop_;
  Fd children_;  // signalfd
  std::mutex mutex_;
  std::vector<std::uint64_t> tokens_;
  Worker worker_;
};

}  // namespace mx2::mepm::process
