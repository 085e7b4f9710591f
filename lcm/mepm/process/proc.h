// What the kernel tells of processes, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mx2::mepm::process {

// When a process began, in clock ticks since the machine did: with the pid, its identity. None: it
// is gone, or only waits to be reaped.
[[nodiscard]] std::optional<std::uint64_t> start_time(pid_t pid);

// How the processes of an instance are known: all of its user's, where it has one of its own; else
// its session, and whoever has its identifier in the environment it was started with.
struct Membership {
  std::optional<uid_t> uid;
  pid_t session = 0;
  std::string instance_id;
};

// Every process of it that is not a zombie.
[[nodiscard]] std::vector<pid_t> members(const Membership& of);

// What all processes of a user, or of a session, use together: one look at all of them.
struct Sum {
  std::int64_t processes = 0;
  std::uint64_t memory_bytes = 0;  // resident, and of them alone
};
struct Census {
  std::map<uid_t, Sum> by_user;
  std::map<pid_t, Sum> by_session;
  [[nodiscard]] Sum of(const Membership& membership) const;
};
[[nodiscard]] Census take_census();

// SIGKILL to all of them; true when none were left.
bool kill_members(const Membership& of);

}  // namespace mx2::mepm::process
