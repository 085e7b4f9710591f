// Starts an executable with less than we have: another user, limits, a directory, nothing
// inherited.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/base/fd.h"
#include "api/base/result.h"
#include "lcm/mepm/process/cgroup.h"

namespace mx2::mepm::process {

struct SpawnRequest {
  std::string executable;                // absolute
  std::vector<std::string> arguments;    // the first is the name
  std::vector<std::string> environment;  // NAME=value, nothing else
  std::string directory;
  std::string log_file;       // standard output and error are appended to it
  std::optional<uid_t> user;  // and group of the same number; none: ours
  Cgroup cgroup;              // that it is in from the beginning
  std::uint64_t address_space_bytes_max = 0;
  std::uint64_t files_max = 0;  // open at once
  std::uint64_t file_bytes_max = 0;
  std::uint64_t processes_max = 0;  // of the user; only where it has one of its own
  std::vector<int> cpus;            // empty: any
  int nice = 0;
};

inline constexpr const char* kNoGroup = "no-control-group";

struct Spawned {
  pid_t pid = 0;  // also its session and process group
  Fd pidfd;
};

// `before` is called with the pid before the executable runs: what it writes down is known even if
// we end right then, and its error ends the child. unavailable with a text that says which step
// failed, or that it took too long; with cause kNoGroup if it may not enter its control group.
// On the thread that reaps; others may run meanwhile.
[[nodiscard]] Result<Spawned> spawn(const SpawnRequest& request,
                                    const std::function<Result<void>(pid_t)>& before);

[[nodiscard]] Fd open_pidfd(pid_t pid);

struct Child {
  pid_t pid = -1;  // 0 in the child; below: there is none
  Fd pidfd;        // of the child, also if somebody else reaps it
};

// As fork(). The child has no file of ours: what it holds open nobody waits for. In the child of a
// program with threads system calls alone are possible.
[[nodiscard]] Child fork_child();

// Waits for a child of ours that should end by itself, and kills it when that takes longer. Reaps
// it; one that the kernel, or a debugger, still holds a second later in a thread of its own.
void end_child(Fd pidfd, int wait_ms);

}  // namespace mx2::mepm::process
