#include "lcm/mepm/process/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mx2::mepm::process {
namespace {

constexpr mode_t kUmask = 022;

struct Groups {
  Fd unified;
  Fd memory;  // of version 1, which who enters it writes to
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
    const auto found = open(directory + file);  // where the child's own may be to come
    if (found.is_open()) fd = Fd(::fcntl(found.get(), F_DUPFD_CLOEXEC, kHandedFd + 1));
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

// Not waited for, should somebody have put a pipe in its place.
Result<Fd> open_output(const std::string& path) {
  Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                0600));
  if (!log.is_open()) {
    return unavailable(std::string("cannot open its log: ") + std::strerror(errno));
  }
  ::fcntl(log.get(), F_SETFL, O_APPEND);
  return log;
}

cpu_set_t cpu_set_of(const SpawnRequest& request) {
  cpu_set_t cpus{};
  for (const int cpu : request.cpus) CPU_SET(static_cast<std::size_t>(cpu), &cpus);
  return cpus;
}

// From here to spawn(): in the child of a program with threads, system calls only.

bool limit(int resource, std::uint64_t value) {
  const struct rlimit64 both { value, value };
  return ::syscall(SYS_prlimit64, 0, resource, &both, nullptr) == 0;
}

bool set_limits(const SpawnRequest& request, const cpu_set_t& cpus) {
  ::umask(kUmask);
  if (request.nice != 0) ::syscall(SYS_setpriority, PRIO_PROCESS, 0, request.nice);
  if (!request.cpus.empty()) ::sched_setaffinity(0, sizeof(cpus), &cpus);
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, request.files_max) &&
         limit(RLIMIT_FSIZE, request.file_bytes_max) &&
         (!request.user || limit(RLIMIT_NPROC, request.processes_max)) &&
         limit(RLIMIT_AS, request.address_space_bytes_max) &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool enter_groups(const Groups& groups) {
  for (const auto* group : {&groups.memory, &groups.pids}) {
    if (group->is_open() && ::write(group->get(), "0", 1) != 1) return false;
  }
  return true;
}

bool become(const std::optional<uid_t>& user) {
  if (!user) return true;
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
         ::syscall(SYS_setresgid, *user, *user, *user) == 0 &&
         ::syscall(SYS_setresuid, *user, *user, *user) == 0;
}

}  // namespace

Result<Child> spawn(const SpawnRequest& request, const std::function<Result<void>(pid_t)>& before) {
  const auto groups = open_groups(request.cgroup);
  if (!groups) return groups.error();
  const auto log = open_output(request.log_file);
  if (!log) return log.error();
  const auto cpus = cpu_set_of(request);
  Launch launch;
  launch.executable = request.executable;
  launch.arguments = request.arguments;
  launch.environment = request.environment;
  launch.output = log->get();
  launch.leads_session = true;
  launch.control_group = groups->unified.get();
  launch.steps = {
      {"cannot enter its control group", [&] { return enter_groups(*groups); }, kNoGroup},
      {"cannot set its limits", [&] { return set_limits(request, cpus); }},
      {"cannot become its user", [&] { return become(request.user); }},
      {"cannot enter its directory", [&] { return ::chdir(request.directory.c_str()) == 0; }}};
  launch.admit = [&](pid_t pid, bool grouped) -> Result<void> {
    if (groups->unified.is_open() && !grouped) {
      if (auto moved = request.cgroup.attach(pid); !moved) return moved;
    }
    return before(pid);
  };
  return Child::start(launch);
}

}  // namespace mx2::mepm::process
