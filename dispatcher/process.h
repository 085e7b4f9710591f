// HAProxy as a child process, in master-worker mode: started, reloaded, ended. It ends when we do,
// however that is, so start() must be called by a thread that lives as long as we. What ends our
// process group must not cut off its calls: it has one of its own, and is ended in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/base/child.h"
#include "api/base/fd.h"
#include "api/base/result.h"

namespace mx2::dispatcher {

// A listening TCP socket. It is ours, and HAProxy inherits it: while HAProxy is started again, its
// clients wait and are not refused; and with port 0 the kernel chooses one.
struct Listener {
  Fd fd;
  std::uint16_t port = 0;
};
[[nodiscard]] Result<Listener> listen_on(const std::string& address, std::uint16_t port);

// A bound UNIX datagram socket; does not block.
[[nodiscard]] Result<Fd> bind_datagrams(const std::string& path);

// How HAProxy begins a line that says why it does not do what it was told.
inline constexpr std::string_view kAlert = "[ALERT]";

class Process {
 public:
  // `listen_fd` becomes kHandedFd of the child.
  Process(std::string program, int listen_fd)
      : program_(std::move(program)), listen_fd_(listen_fd) {}
  ~Process() { stop(0); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] Result<void> start(const std::string& configuration, const std::string& master);
  // Why the program would not take a configuration, in its words; empty: it would, or nobody says.
  // Waits for that, some seconds at most.
  [[nodiscard]] std::string refusal(const std::string& configuration) const;
  // The status with which it ended, once; nothing while it runs or was never started.
  [[nodiscard]] std::optional<int> ended() { return child_.ended(); }
  // What it has written since, in lines.
  [[nodiscard]] std::vector<std::string> words();
  // Calls under way have the grace to end; then SIGTERM, and a second later SIGKILL.
  void stop(int grace_ms);
  // Until ended() has told its end.
  [[nodiscard]] bool is_running() const { return child_.is_known(); }

 private:
  std::string program_;
  int listen_fd_;
  Child child_;
  Fd output_;
  std::string partial_;
};

}  // namespace mx2::dispatcher
