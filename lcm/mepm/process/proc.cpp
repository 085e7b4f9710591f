#include "lcm/mepm/process/proc.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>

#include "api/base/text.h"

namespace mx2::mepm::process {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 256U << 10U;
constexpr std::uint64_t kKib = 1024;
constexpr int kFieldsToSession = 3;     // state, ppid, pgrp, then session
constexpr int kFieldsToStartTime = 19;  // from state

struct Stat {
  char state = 'X';
  pid_t session = 0;
  std::uint64_t start_time = 0;
};

std::string proc_file(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

// proc(5): the command, in parentheses, may hold anything; the last ')' ends it.
std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file(proc_file(pid, "stat"));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto end = line.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(end + 1));
  Stat stat;
  std::string skipped;
  fields >> stat.state;
  for (int i = 1; i < kFieldsToSession; ++i) fields >> skipped;
  fields >> stat.session;
  for (int i = kFieldsToSession + 1; i < kFieldsToStartTime; ++i) fields >> skipped;
  fields >> stat.start_time;
  if (!fields) return std::nullopt;
  return stat;
}

bool carries(pid_t pid, const std::string& instance_id) {
  std::ifstream file(proc_file(pid, "environ"), std::ios::binary);
  std::string environment(kEnvironmentBytesMax, '\0');
  file.read(environment.data(), static_cast<std::streamsize>(environment.size()));
  environment.resize(static_cast<std::size_t>(file.gcount()));
  return environment.find("MX2_APP_INSTANCE_ID=" + instance_id) != std::string::npos;
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
    if (!status || !line.starts_with("RssAnon:")) continue;
    fields >> status->memory_bytes;
    status->memory_bytes *= kKib;
    break;
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

bool is_member(pid_t pid, const Membership& of) {
  if (of.uid) {
    const auto status = read_status(pid);
    if (!status || status->user != *of.uid) return false;
  }
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return false;
  return of.uid || (of.session > 0 && stat->session == of.session) || carries(pid, of.instance_id);
}

// A kill of everything a user has, at once, which no fork can outrun: only that user can ask for
// it. The child of a program with threads must do nothing but system calls.
void kill_user(uid_t uid) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::syscall(SYS_setresuid, uid, uid, uid) == 0) ::kill(-1, SIGKILL);
    ::_exit(0);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
}

}  // namespace

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return stat->start_time;
}

std::vector<pid_t> members(const Membership& of) {
  std::vector<pid_t> found;
  each_process([&](pid_t pid) {
    if (is_member(pid, of)) found.push_back(pid);
  });
  return found;
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

bool kill_members(const Membership& of) {
  if (of.session > 0) ::kill(-of.session, SIGKILL);
  const auto left = members(of);
  if (left.empty()) return true;
  if (of.uid) kill_user(*of.uid);
  for (const auto pid : left) {
    if (is_member(pid, of)) ::kill(pid, SIGKILL);
  }
  return false;
}

}  // namespace mx2::mepm::process
