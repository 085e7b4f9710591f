// Starts an executable with less than we have: another user, limits, a directory, nothing
// inherited.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/base/child.h"
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

// As Child::start(), in a session of its own. `before` is called with the pid before the executable
// runs: what it writes down is known even if we end right then, and its error ends the child. Cause
// kNoGroup if it may not enter its control group. On the thread that reaps; others may run
// meanwhile.
[[nodiscard]] Result<Child> spawn(const SpawnRequest& request,
                                  const std::function<Result<void>(pid_t)>& before);

}  // namespace mx2::mepm::process
