#include "lcm/mepm/process/proc.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "api/base/child.h"
#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2::mepm::process {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 256U << 10U;
constexpr int kFieldsToGroup = 2;       // state, ppid, then pgrp and session
constexpr int kFieldsToStartTime = 19;  // from state
constexpr uid_t kLastHumanUid = 0x7fffffff;
constexpr int kKillMsMax = 200;

struct Stat {
  char state = 'X';
  pid_t group = 0;
  pid_t session = 0;
  std::uint64_t start_time = 0;
};

std::string proc_file(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

// proc(5): the command, in parentheses, may hold anything, also the end of a line; the last ')'
// ends it.
std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file(proc_file(pid, "stat"));
  std::string line;
  if (!std::getline(file, line, '\0')) return std::nullopt;
  const auto end = line.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(end + 1));
  Stat stat;
  std::string skipped;
  fields >> stat.state;
  for (int i = 1; i < kFieldsToGroup; ++i) fields >> skipped;
  fields >> stat.group >> stat.session;
  for (int i = kFieldsToGroup + 2; i < kFieldsToStartTime; ++i) fields >> skipped;
  fields >> stat.start_time;
  if (!fields) return std::nullopt;
  return stat;
}

struct Status {
  uid_t user = 0;  // the owner of /proc/<pid> says nothing of one that made itself unreadable
  std::uint64_t memory_bytes = 0;
};

std::optional<Status> read_status(pid_t pid) {
  std::ifstream file(proc_file(pid, "status"));
  std::string line;
  std::optional<Status> status;
  while (std::getline(file, line)) {
    std::istringstream fields(line.substr(line.find(':') + 1));
    if (line.starts_with("Uid:")) fields >> status.emplace().user;
    if (!status) continue;
    if (!line.starts_with("RssAnon:") && !line.starts_with("RssShmem:") &&
        !line.starts_with("VmSwap:")) {
      continue;
    }
    std::uint64_t kib = 0;
    fields >> kib;
    status->memory_bytes += kib * whole::kKib;
  }
  return status;
}

// Of every process there is.
template <typename Use>
void each_process(const Use& use) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (!directory) return;
  while (const auto* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    const auto pid = parse_uint(entry->d_name);
    if (pid && *pid > 1) use(static_cast<pid_t>(*pid));
  }
}

bool is_dead(const Stat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

std::vector<Process> members_of_user(uid_t uid) {
  std::vector<Process> found;
  each_process([&](pid_t pid) {
    const auto status = read_status(pid);
    if (!status || status->user != uid) return;
    const auto stat = read_stat(pid);
    if (stat && !is_dead(*stat)) found.push_back({pid, stat->start_time, stat->group});
  });
  return found;
}

std::vector<Process> members_of_session(const Membership& of) {
  std::vector<Process> found;
  std::vector<Process> in_session;
  const auto leader = of.session > 0 ? read_stat(of.session) : std::nullopt;
  bool is_its = leader && leader->start_time == of.session_start;
  each_process([&](pid_t pid) {
    const auto stat = read_stat(pid);
    if (!stat || is_dead(*stat)) return;
    const Process process{pid, stat->start_time, stat->group};
    const bool in = of.session > 0 && stat->session == of.session;
    const bool marked = carries(pid, of.instance_id);
    if (marked || in) (marked ? found : in_session).push_back(process);
    is_its |= marked && in;
  });
  if (is_its) found.insert(found.end(), in_session.begin(), in_session.end());
  return found;
}

std::vector<Process> members_of_group(const Cgroup& group) {
  std::vector<Process> found;
  for (const auto pid : group.processes()) {
    const auto stat = read_stat(pid);
    if (stat && !is_dead(*stat)) found.push_back({pid, stat->start_time, stat->group});
  }
  return found;
}

// A real user that nobody is: then those of the effective one may be signalled, but cannot signal.
// None where the number is somebody's (credentials(7), kill(2)).
std::optional<uid_t> nobody_beside(uid_t uid) {
  if (uid >= kLastHumanUid) return std::nullopt;
  return uid | ~kLastHumanUid;
}

// A kill of everything a user has, at once, which no fork can outrun: only that user can ask for
// it. The child of a program with threads must do nothing but system calls; where it has only their
// user they can stop it, so it is not waited for longer than it should take.
void kill_user(uid_t uid) {
  const auto other = nobody_beside(uid).value_or(uid);
  auto child = fork_bare();
  if (child.pid == 0) {
    if (::syscall(SYS_setresuid, other, uid, other) == 0 ||
        ::syscall(SYS_setresuid, uid, uid, uid) == 0) {
      ::kill(-1, SIGKILL);
    }
    ::_exit(0);
  }
  if (child.pid > 0) end_child(std::move(child.pidfd), kKillMsMax);
}

std::uint64_t proportional_memory(pid_t pid) {
  const auto kib =
      sum_of_lines(proc_file(pid, "smaps_rollup"), {"Pss_Anon:", "Pss_Shmem:", "SwapPss:"});
  if (kib) return *kib * whole::kKib;
  const auto status = read_status(pid);
  return status ? status->memory_bytes : 0;
}

}  // namespace

std::optional<std::uint64_t> sum_of_lines(const std::string& path,
                                          std::initializer_list<std::string_view> names) {
  std::ifstream file(path);
  std::string line;
  std::optional<std::uint64_t> sum;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t number = 0;
    fields >> name >> number;
    const bool counts = fields && std::find(names.begin(), names.end(), name) != names.end();
    if (counts) sum = sum.value_or(0) + number;
  }
  return sum;
}

const std::string& boot_id() {
  static const std::string kId = [] {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
  }();
  return kId;
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || is_dead(*stat)) return std::nullopt;
  return stat->start_time;
}

std::optional<uid_t> user_of(pid_t pid) {
  const auto status = read_status(pid);
  return status ? std::optional(status->user) : std::nullopt;
}

bool carries(pid_t pid, const std::string& instance_id) {
  if (instance_id.empty()) return false;
  std::ifstream file(proc_file(pid, "environ"), std::ios::binary);
  std::string environment(kEnvironmentBytesMax, '\0');
  file.read(environment.data(), static_cast<std::streamsize>(environment.size()));
  environment.resize(static_cast<std::size_t>(file.gcount()));
  return environment.find("MX2_APP_INSTANCE_ID=" + instance_id) != std::string::npos;
}

std::vector<Process> members(const Membership& of) {
  if (of.cgroup.exists()) return members_of_group(of.cgroup);
  if (of.uid) return members_of_user(*of.uid);
  return members_of_session(of);
}

bool send_signal(const Process& to, int signal) {
  const auto pidfd = open_pidfd(to.pid);  // from here on the pid is its, if it was before
  if (!pidfd.is_open() || start_time(to.pid) != to.start_time) return false;
  return mx2::send_signal(pidfd.get(), signal);
}

Sum Census::of(const Membership& membership) const {
  if (membership.uid) {
    const auto it = by_user.find(*membership.uid);
    return it == by_user.end() ? Sum{} : it->second;
  }
  const auto it = by_session.find(membership.session);
  return it == by_session.end() ? Sum{} : it->second;
}

Census take_census() {
  Census census;
  each_process([&](pid_t pid) {
    const auto stat = read_stat(pid);
    const auto status = read_status(pid);
    if (!stat || !status) return;
    for (auto* sum : {&census.by_user[status->user], &census.by_session[stat->session]}) {
      ++sum->processes;
      sum->memory_bytes += status->memory_bytes;
    }
  });
  return census;
}

std::uint64_t proportional_memory(const Membership& of) {
  std::uint64_t bytes = 0;
  for (const auto& process : members(of)) bytes += proportional_memory(process.pid);
  return bytes;
}

bool kill_members(const Membership& of) {
  if (of.cgroup.exists()) {
    // An administrator may have moved it out.
    const bool moved = of.session > 0 && send_signal({of.session, of.session_start, 0}, SIGKILL);
    return of.cgroup.kill() && !moved;
  }
  const auto left = members(of);
  if (left.empty()) return true;
  if (of.uid) kill_user(*of.uid);
  for (const auto& process : left) send_signal(process, SIGKILL);
  return false;
}

}  // namespace mx2::mepm::process
