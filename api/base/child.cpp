#include "api/base/child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>

namespace mx2 {
namespace {

constexpr int kExecuteMsMax = 3000;
constexpr int kKilledMsMax = 1000;
constexpr int kLastSignal = 31;
constexpr int kCannotExecute = 127;
constexpr int kEndUnknown = 255;
constexpr int kDescriptorsMax = 1024;

struct Failure {
  std::size_t step = 0;
  int error = 0;
};

struct Pipe {
  Fd reader;
  Fd writer;
};

Error cannot(const char* what) {
  return unavailable(std::string(what) + ": " + std::strerror(errno));
}

// Beyond the descriptors that a child is given, which are put in their places one by one.
Fd out_of_the_way(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, kHandedFd + 1)); }

bool make_pipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  pipe = {out_of_the_way(reader.get()), out_of_the_way(writer.get())};
  return pipe.reader.is_open() && pipe.writer.is_open();
}

// ThreadSanitizer must know of every new process.
#ifdef __SANITIZE_THREAD__
constexpr bool kMayClone = false;
#else
constexpr bool kMayClone = true;
#endif

// As fork(), in a control group if there is one. Moving a process later costs the kernel
// milliseconds (it waits for all processors), beginning there does not.
Fork clone_into(int group) {
  Fork child;
  if (!kMayClone) return child;
  int pidfd = -1;
  struct clone_args arguments {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (group >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(group);
  }
  child.pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof(arguments)));
  child.pidfd = Fd(pidfd);
  return child;
}

Fork fork_with_pidfd() {
  auto child = clone_into(-1);
  if (child.pid >= 0) return child;
  child.pid = ::fork();
  if (child.pid > 0) child.pidfd = open_pidfd(child.pid);
  return child;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// From here to run_child(): in the child of a program with threads, system calls only.

// Before the gate, which tells of an end of ours that the signal would miss.
bool become_leader(const Launch& launch) {
  if (launch.death_signal != 0 && ::prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0) return false;
  return launch.leads_session ? ::setsid() >= 0 : ::setpgid(0, 0) == 0;
}

bool pass_gate(Pipe& gate) {
  gate.writer.close();
  char go = 0;
  return ::read(gate.reader.get(), &go, 1) == 1;
}

bool reset_signals() {
  for (int number = 1; number <= kLastSignal; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

bool set_files(int null, int output, int handed) {
  const bool standard = ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
                        ::dup2(output, STDERR_FILENO) >= 0;
  if (!standard || (handed >= 0 && ::dup2(handed, kHandedFd) < 0)) return false;
  const unsigned first = handed >= 0 ? kHandedFd + 1 : kHandedFd;
  if (::syscall(SYS_close_range, first, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */) == 0) return true;
  // Older than Linux 5.11, or forbidden by a container: those that there may be.
  for (int fd = static_cast<int>(first); fd < kDescriptorsMax; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  return true;
}

[[noreturn]] void run_child(const std::vector<ChildStep>& steps, int report) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].take()) continue;
    const Failure failure{i, errno};
    (void)!::write(report, &failure, sizeof(failure));
    break;
  }
  ::_exit(kCannotExecute);
}

bool becomes_readable(int fd, int within_ms) {
  struct pollfd wanted {
    fd, POLLIN, 0
  };
  int ready = 0;
  do {
    ready = ::poll(&wanted, 1, within_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// Not for ever: who has the same user may have stopped it, or its disk is gone.
Result<void> await_execution(const std::vector<ChildStep>& steps, int report) {
  if (!becomes_readable(report, kExecuteMsMax)) return unavailable("executing it takes too long");
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(report, &failure, sizeof(failure));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(failure))) return {};  // closed by execve()
  if (failure.step >= steps.size()) return unavailable("it cannot be executed");
  errno = failure.error;
  auto error = cannot(steps[failure.step].failure);
  error.cause = steps[failure.step].cause;
  return error;
}

}  // namespace

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool send_signal(int pidfd, int number) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) == 0;
}

std::optional<siginfo_t> take_end(int pidfd) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd);
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return {};
  return info;
}

Fork fork_bare() {
  auto child = fork_with_pidfd();
  if (child.pid == 0) ::syscall(SYS_close_range, 0U, ~0U, 0U);
  return child;
}

void end_child(Fd pidfd, int wait_ms) {
  if (!pidfd.is_open()) return;
  if (!becomes_readable(pidfd.get(), wait_ms)) {
    send_signal(pidfd.get(), SIGKILL);
    becomes_readable(pidfd.get(), kKilledMsMax);
  }
  if (take_end(pidfd.get())) return;
  try {
    std::thread([held = std::move(pidfd)] {
      siginfo_t end{};
      while (::waitid(P_PIDFD, static_cast<id_t>(held.get()), &end, WEXITED) != 0 &&
             errno == EINTR) {
      }
    }).detach();
  } catch (const std::system_error&) {
    // Without a thread it stays a zombie until we end.
  }
}

Result<Child> Child::start(const Launch& launch) {
  Pipe gate;
  Pipe report;
  if (!make_pipe(gate) || !make_pipe(report)) return cannot("cannot start anything now");
  const auto null = out_of_the_way(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get());
  const auto output = out_of_the_way(launch.output);
  const auto handed = out_of_the_way(launch.handed);
  const bool has_all = null.is_open() && output.is_open();
  if (!has_all || handed.is_open() != (launch.handed >= 0)) return cannot("cannot open its files");
  const auto arguments = pointers(launch.arguments);
  const auto variables = launch.environment ? pointers(*launch.environment) : std::vector<char*>();
  char* const* environment = launch.environment ? variables.data() : environ;
  std::vector<ChildStep> steps{{"cannot begin a session", [&] { return become_leader(launch); }},
                               {"it has nobody to wait for", [&] { return pass_gate(gate); }},
                               {"cannot reset its signals", reset_signals},
                               {"cannot set up its files",
                                [&] { return set_files(null.get(), output.get(), handed.get()); }}};
  steps.insert(steps.end(), launch.steps.begin(), launch.steps.end());
  steps.push_back({"cannot execute it", [&] {
                     ::execve(launch.executable.c_str(), arguments.data(), environment);
                     return false;
                   }});
  auto forked = launch.control_group >= 0 ? clone_into(launch.control_group) : Fork{};
  const bool grouped = forked.pid >= 0;
  if (!grouped) forked = fork_with_pidfd();
  if (forked.pid == 0) run_child(steps, report.writer.get());
  if (forked.pid < 0) return cannot("cannot fork");
  Child child;
  child.pid_ = forked.pid;
  child.pidfd_ = std::move(forked.pidfd);
  if (!child.is_known()) {
    gate.writer.close();  // and it ends
    return unavailable("this kernel has no pidfd");
  }
  if (launch.admit) {
    if (auto admitted = launch.admit(child.pid_, grouped); !admitted) return admitted.error();
  }
  report.writer.close();
  if (::write(gate.writer.get(), "", 1) != 1) return unavailable("it has gone");
  if (auto runs = await_execution(steps, report.reader.get()); !runs) return runs.error();
  return child;
}

std::optional<int> Child::ended() {
  if (!is_known() || !becomes_readable(pidfd_.get(), 0)) return std::nullopt;
  const auto info = take_end(pidfd_.get());
  pidfd_.close();
  if (!info) return kEndUnknown;  // reaped by somebody else, or by the kernel
  return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

void Child::signal(int number) const {
  if (is_known()) send_signal(pidfd_.get(), number);
}

void Child::end(std::initializer_list<Request> requests) {
  if (!is_known()) return;
  for (const auto& [number, wait_ms] : requests) {
    signal(number);
    if (becomes_readable(pidfd_.get(), wait_ms)) break;
  }
  end_child(release(), 0);
}

}  // namespace mx2
