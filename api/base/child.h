// Programs as child processes: started, known by a pidfd, ended in bounded time.
//
// Between the fork of a program with threads and execve() only system calls are possible: all that
// a child needs is made before it exists. It has no descriptor of ours but those it is given, its
// standard input is empty, and no signal is blocked or ignored. It waits at a gate until we are
// ready, and goes no further if we end there. One thread starts children at a time, and should live
// as long as they do, if they end with us: the kernel goes by the thread.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/base/fd.h"
#include "api/base/result.h"

namespace mx2 {

// What a child has to do before its program, with system calls alone.
struct ChildStep {
  const char* failure;         // "cannot enter its directory"; a literal
  std::function<bool()> take;  // false: errno says why
  const char* cause = "";      // of the error
};

inline constexpr int kHandedFd = 3;

struct Launch {
  std::string executable;                                    // absolute
  std::vector<std::string> arguments;                        // the first is the name
  std::optional<std::vector<std::string>> environment = {};  // NAME=value, nothing else; none: ours
  int output = -1;                                           // its standard output and error
  int handed = -1;                                           // becomes its kHandedFd
  bool leads_session = false;                                // else only its process group
  int death_signal = 0;    // when we end, however that is; 0: it does not notice
  int control_group = -1;  // directory of version 2 in which it begins, if that is possible
  std::vector<ChildStep> steps = {};
  // At the gate; `grouped`: it is in its control group. An error ends the child.
  std::function<Result<void>(pid_t pid, bool grouped)> admit = {};
};

// One of ours; it ends with this, by SIGKILL.
class Child {
 public:
  // When it runs its program. unavailable with a text that says which step failed, with its cause,
  // or that it took too long.
  [[nodiscard]] static Result<Child> start(const Launch& launch);

  Child() = default;
  ~Child() { end({}); }
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Until its end was taken by ended() or end().
  [[nodiscard]] bool is_known() const { return pidfd_.is_open(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The status with which it ended, as a shell has it, once; nothing while it runs.
  [[nodiscard]] std::optional<int> ended();
  void signal(int number) const;

  struct Request {
    int signal;
    int wait_ms;  // for it to end, before the next one
  };
  // One after the other; then SIGKILL.
  void end(std::initializer_list<Request> requests);
  // It is left alone, and its pidfd the caller's.
  [[nodiscard]] Fd release() { return std::exchange(pidfd_, {}); }

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
};

[[nodiscard]] Fd open_pidfd(pid_t pid);
// False: it has gone.
bool send_signal(int pidfd, int number);
// How a child has ended; reaps it. Nothing if it has not, or somebody else has reaped it.
[[nodiscard]] std::optional<siginfo_t> take_end(int pidfd);
// Waits for a child of ours that should end by itself, and kills it when that takes longer. Reaps
// it; one that the kernel, or a debugger, still holds a second later in a thread of its own.
void end_child(Fd pidfd, int wait_ms);

struct Fork {
  pid_t pid = -1;  // 0 in the child; below: there is none
  Fd pidfd;        // of the child, also if somebody else reaps it
};
// As fork(). The child has no file of ours: what it holds open nobody waits for.
[[nodiscard]] Fork fork_bare();

}  // namespace mx2
