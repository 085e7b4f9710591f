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

namespace mx2::mepm::process {

struct SpawnRequest {
  std::string executable;                // absolute
  std::vector<std::string> arguments;    // the first is the name
  std::vector<std::string> environment;  // NAME=value, nothing else
  std::string directory;
  std::string log_file;       // standard output and error are appended to it
  std::optional<uid_t> user;  // and group of the same number; none: ours
  std::uint64_t address_space_bytes_max = 0;
  std::uint64_t files_max = 0;  // open at once
  std::uint64_t file_bytes_max = 0;
  std::uint64_t processes_max = 0;  // of the user; only where it has one of its own
  std::vector<int> cpus;            // empty: any
  int nice = 0;
};

struct Spawned {
  pid_t pid = 0;  // also its session and process group
  Fd pidfd;
};

// `before` is called with the pid before the executable runs: what it writes down is known even if
// we end right then, and its error ends the child. unavailable with a text that says which step
// failed. Callable while other threads run.
[[nodiscard]] Result<Spawned> spawn(const SpawnRequest& request,
                                    const std::function<Result<void>(pid_t)>& before);

[[nodiscard]] Fd open_pidfd(pid_t pid);

}  // namespace mx2::mepm::process
