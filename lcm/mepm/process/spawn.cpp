#include "lcm/mepm/process/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace mx2::mepm::process {
namespace {

constexpr unsigned kFirstInherited = 3;
constexpr int kExecuteMsMax = 3000;
constexpr int kKilledMsMax = 1000;

enum class Stage : int { kGate, kSession, kGroup, kFiles, kLimits, kUser, kDirectory, kExecute };

const char* to_text(Stage stage) {
  switch (stage) {
    case Stage::kSession: return "cannot begin a session";
    case Stage::kGroup: return "cannot enter its control group";
    case Stage::kFiles: return "cannot set up its files";
    case Stage::kLimits: return "cannot set its limits";
    case Stage::kUser: return "cannot become its user";
    case Stage::kDirectory: return "cannot enter its directory";
    case Stage::kExecute: return "cannot execute it";
    default: return "cannot begin";
  }
}

struct Failure {
  Stage stage = Stage::kGate;
  int error = 0;
};

struct Pipe {
  Fd reader;
  Fd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return unavailable("cannot start anything now", std::strerror(errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Moving a process costs the kernel milliseconds (it waits for all processors), beginning in a
// group of version 2 does not, nor does moving oneself in version 1.
struct Groups {
  Fd unified;
  Fd memory;
  Fd pids;
};

Result<Groups> open_groups(const Cgroup& group) {
  const auto open = [](const std::string& path) {
    return Fd(::open(path.c_str(), (path.ends_with("/tasks") ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  };
  Groups groups;
  bool fine = true;
  const auto add = [&](const std::string& directory, const char* file, Fd& fd) {
    if (directory.empty() || (file[0] != '\0' && directory == group.unified)) return;
    fd = open(directory + file);
    fine &= fd.is_open();
  };
  add(group.unified, "", groups.unified);
  add(group.memory, "/tasks", groups.memory);
  add(group.pids, "/tasks", groups.pids);
  if (fine) return groups;
  const bool passing = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
  auto error = unavailable(std::string("cannot enter its control group: ") + std::strerror(errno));
  if (!passing) error.cause = kNoGroup;
  return error;
}

// All that the child needs, made before it exists: it may not allocate.
struct Plan {
  const SpawnRequest& request;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int log = -1;
  int null = -1;
  int gate = -1;
  int gate_writer = -1;
  int report = -1;
  int memory_group = -1;
  int pids_group = -1;
  cpu_set_t cpus{};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// From here to run_child(): in the child of a program with threads, system calls only.

bool limit(int resource, std::uint64_t value) {
  const struct rlimit64 both { value, value };
  return ::syscall(SYS_prlimit64, 0, resource, &both, nullptr) == 0;
}

bool set_limits(const Plan& plan) {
  const auto& request = plan.request;
  if (request.nice != 0) ::syscall(SYS_setpriority, PRIO_PROCESS, 0, request.nice);
  if (!request.cpus.empty()) ::sched_setaffinity(0, sizeof(plan.cpus), &plan.cpus);
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, request.files_max) &&
         limit(RLIMIT_FSIZE, request.file_bytes_max) &&
         (!request.user || limit(RLIMIT_NPROC, request.processes_max)) &&
         limit(RLIMIT_AS, request.address_space_bytes_max) &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool enter_groups(const Plan& plan) {
  for (const int group : {plan.memory_group, plan.pids_group}) {
    if (group >= 0 && ::write(group, "0", 1) != 1) return false;
  }
  return true;
}

bool become(const std::optional<uid_t>& user) {
  if (!user) return true;
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
         ::syscall(SYS_setresgid, *user, *user, *user) == 0 &&
         ::syscall(SYS_setresuid, *user, *user, *user) == 0;
}

bool set_files(const Plan& plan) {
  if (::dup2(plan.null, STDIN_FILENO) < 0 || ::dup2(plan.log, STDOUT_FILENO) < 0 ||
      ::dup2(plan.log, STDERR_FILENO) < 0) {
    return false;
  }
  return ::syscall(SYS_close_range, kFirstInherited, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */) == 0;
}

void reset_signals() {
  for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void refuse(const Plan& plan, Stage stage) {
  const Failure failure{stage, errno};
  (void)!::write(plan.report, &failure, sizeof(failure));
  ::_exit(127);
}

[[noreturn]] void run_child(const Plan& plan) {
  if (::setsid() < 0) refuse(plan, Stage::kSession);
  ::close(plan.gate_writer);
  char go = 0;
  if (::read(plan.gate, &go, 1) != 1) ::_exit(127);  // the parent has gone, or thought better of it
  reset_signals();
  ::umask(022);
  if (!enter_groups(plan)) refuse(plan, Stage::kGroup);
  if (!set_files(plan)) refuse(plan, Stage::kFiles);
  if (!set_limits(plan)) refuse(plan, Stage::kLimits);
  if (!become(plan.request.user)) refuse(plan, Stage::kUser);
  if (::chdir(plan.request.directory.c_str()) != 0) refuse(plan, Stage::kDirectory);
  ::execve(plan.request.executable.c_str(), plan.arguments.data(), plan.environment.data());
  refuse(plan, Stage::kExecute);
}

bool becomes_readable(int fd, int within_ms) {
  struct pollfd wanted {
    fd, POLLIN, 0
  };
  return ::poll(&wanted, 1, within_ms) > 0;
}

// Not for ever: who has the same user may have stopped it, or its disk is gone.
Result<void> await_execution(int report) {
  if (!becomes_readable(report, kExecuteMsMax)) return unavailable("executing it takes too long");
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(report, &failure, sizeof(failure));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(failure))) return {};  // closed by execve()
  auto error =
      unavailable(std::string(to_text(failure.stage)) + ": " + std::strerror(failure.error));
  if (failure.stage == Stage::kGroup) error.cause = kNoGroup;
  return error;
}

// ThreadSanitizer must know of every new process.
#ifdef __SANITIZE_THREAD__
constexpr bool kMayClone = false;
#else
constexpr bool kMayClone = true;
#endif

// As fork(), in a group of version 2 if there is one; `entered`: whether that has been possible.
pid_t fork_into(int group, bool& entered) {
  if (kMayClone && group >= 0) {
    struct clone_args arguments {};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(group);
    const auto child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
    entered = child >= 0;
    if (entered) return static_cast<pid_t>(child);
  }
  return ::fork();
}

Error give_up(pid_t child, const Error& error) {
  end_child(open_pidfd(child), 0);  // not reaped by anybody else: see spawn()
  return error;
}

}  // namespace

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

Child fork_child() {
  Child child;
  if (kMayClone) {
    int pidfd = -1;
    struct clone_args arguments {};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    child.pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof(arguments)));
    child.pidfd = Fd(pidfd);
  }
  if (child.pid < 0) {
    child.pid = ::fork();
    if (child.pid > 0) child.pidfd = open_pidfd(child.pid);
  }
  if (child.pid == 0) ::syscall(SYS_close_range, 0U, ~0U, 0U);
  return child;
}

void end_child(Fd pidfd, int wait_ms) {
  if (!pidfd.is_open()) return;
  if (!becomes_readable(pidfd.get(), wait_ms)) {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    becomes_readable(pidfd.get(), kKilledMsMax);
  }
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd.get());
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0 || info.si_pid != 0) return;
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

Result<Spawned> spawn(const SpawnRequest& request,
                      const std::function<Result<void>(pid_t)>& before) {
  auto groups = open_groups(request.cgroup);
  if (!groups) return groups.error();
  auto gate = make_pipe();
  auto report = make_pipe();
  if (!gate) return gate.error();
  if (!report) return report.error();
  // Not waited for, should somebody have put a pipe in its place.
  const Fd log(::open(request.log_file.c_str(),
                      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (log.is_open()) ::fcntl(log.get(), F_SETFL, O_APPEND);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!log.is_open() || !null.is_open()) {
    return unavailable(std::string("cannot open its log: ") + std::strerror(errno));
  }
  Plan plan{request,
            pointers(request.arguments),
            pointers(request.environment),
            log.get(),
            null.get(),
            gate->reader.get(),
            gate->writer.get(),
            report->writer.get(),
            groups->memory.get(),
            groups->pids.get()};
  CPU_ZERO(&plan.cpus);
  for (const int cpu : request.cpus) CPU_SET(static_cast<std::size_t>(cpu), &plan.cpus);
  bool entered = !groups->unified.is_open();
  const pid_t child = fork_into(groups->unified.get(), entered);
  if (child < 0) return unavailable(std::string("cannot fork: ") + std::strerror(errno));
  if (child == 0) run_child(plan);
  Spawned spawned{child, open_pidfd(child)};
  if (!spawned.pidfd.is_open()) return give_up(child, unavailable("this kernel has no pidfd"));
  if (!entered) {
    if (auto moved = request.cgroup.attach(child); !moved) return give_up(child, moved.error());
  }
  if (auto written = before(child); !written) return give_up(child, written.error());
  report->writer.close();
  if (::write(gate->writer.get(), "", 1) != 1) return give_up(child, unavailable("it has gone"));
  if (auto runs = await_execution(report->reader.get()); !runs) {
    return give_up(child, runs.error());
  }
  return spawned;
}

}  // namespace mx2::mepm::process
