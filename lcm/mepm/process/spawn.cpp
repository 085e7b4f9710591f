#include "lcm/mepm/process/spawn.h"

#include <fcntl.h>
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

namespace mx2::mepm::process {
namespace {

constexpr unsigned kFirstInherited = 3;

enum class Stage : int { kGate, kSession, kFiles, kLimits, kUser, kDirectory, kExecute };

const char* to_text(Stage stage) {
  switch (stage) {
    case Stage::kSession: return "cannot begin a session";
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
  if (!set_files(plan)) refuse(plan, Stage::kFiles);
  if (!set_limits(plan)) refuse(plan, Stage::kLimits);
  if (!become(plan.request.user)) refuse(plan, Stage::kUser);
  if (::chdir(plan.request.directory.c_str()) != 0) refuse(plan, Stage::kDirectory);
  ::execve(plan.request.executable.c_str(), plan.arguments.data(), plan.environment.data());
  refuse(plan, Stage::kExecute);
}

Result<void> await_execution(int report) {
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(report, &failure, sizeof(failure));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(failure))) return {};  // closed by execve()
  return unavailable(std::string(to_text(failure.stage)) + ": " + std::strerror(failure.error));
}

Error end_child(pid_t child, const Error& error) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return error;
}

}  // namespace

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

Result<Spawned> spawn(const SpawnRequest& request,
                      const std::function<Result<void>(pid_t)>& before) {
  auto gate = make_pipe();
  auto report = make_pipe();
  if (!gate) return gate.error();
  if (!report) return report.error();
  const Fd log(::open(request.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
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
            report->writer.get()};
  CPU_ZERO(&plan.cpus);
  for (const int cpu : request.cpus) CPU_SET(static_cast<std::size_t>(cpu), &plan.cpus);
  const pid_t child = ::fork();
  if (child < 0) return unavailable(std::string("cannot fork: ") + std::strerror(errno));
  if (child == 0) run_child(plan);
  Spawned spawned{child, open_pidfd(child)};
  if (!spawned.pidfd.is_open()) return end_child(child, unavailable("this kernel has no pidfd"));
  if (auto written = before(child); !written) return end_child(child, written.error());
  report->writer.close();
  if (::write(gate->writer.get(), "", 1) != 1) return end_child(child, unavailable("it has gone"));
  if (auto runs = await_execution(report->reader.get()); !runs) {
    return end_child(child, runs.error());
  }
  return spawned;
}

}  // namespace mx2::mepm::process
