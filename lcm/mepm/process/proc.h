// What the kernel tells of processes, from /proc; and signals that reach only those that are meant.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lcm/mepm/process/cgroup.h"

namespace mx2::mepm::process {

// Of a file of the kernel's, with lines "name number …": what these names have, added up. None: no
// line has one of them.
[[nodiscard]] std::optional<std::uint64_t> sum_of_lines(
    const std::string& path, std::initializer_list<std::string_view> names);

// Of this start of the machine: pids and start times begin anew with each.
[[nodiscard]] const std::string& boot_id();

// When a process began, in clock ticks since the machine did: with pid and boot, its identity.
// None: it is gone, or only waits to be reaped.
[[nodiscard]] std::optional<std::uint64_t> start_time(pid_t pid);

[[nodiscard]] std::optional<uid_t> user_of(pid_t pid);

// Whether the process was started with that identifier in its environment, as far as we may look.
[[nodiscard]] bool carries(pid_t pid, const std::string& instance_id);

// How the processes of an instance are known: by its control group, where it has one; else all of
// its user's, where it has one of its own; else its session, and whoever has its identifier in the
// environment it was started with. A session's number is given again when nobody is left in it: it
// is the instance's as long as its leader is the process that was started, or one of its members
// carries the identifier. Of nothing at all: nobody.
struct Membership {
  std::optional<uid_t> uid;
  pid_t session = 0;
  std::uint64_t session_start = 0;  // of its leader
  std::string instance_id;
  Cgroup cgroup;
};

struct Process {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  pid_t group = 0;
};

// Every process of it that is not a zombie.
[[nodiscard]] std::vector<Process> members(const Membership& of);

// To that very process, if it is still there (pidfd).
bool send_signal(const Process& to, int signal);

// What all processes of a user, or of a session, use together: one look at all of them. Pages that
// they share are counted for each.
struct Sum {
  std::int64_t processes = 0;
  std::uint64_t memory_bytes = 0;  // anonymous and shared (tmpfs, memfd), resident or swapped
};
struct Census {
  std::map<uid_t, Sum> by_user;
  std::map<pid_t, Sum> by_session;
  [[nodiscard]] Sum of(const Membership& membership) const;
};
[[nodiscard]] Census take_census();

// The memory of all members with every page counted once: slower than a census, and never more.
[[nodiscard]] std::uint64_t proportional_memory(const Membership& of);

// SIGKILL to all of them; true when none were left. Returns within a second, whatever they do.
bool kill_members(const Membership& of);

}  // namespace mx2::mepm::process
