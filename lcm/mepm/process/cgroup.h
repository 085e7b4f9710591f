// Control groups (cgroups(7)): whatever a process of an instance does, it and its children stay in
// the instance's group. Looked for in both kinds of hierarchy: version 2 finds and kills all at
// once; "memory" and "pids" are in the one that has them, version 2 or 1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.h"

namespace mx2::mepm::process {

// The directories of one group; empty: none in that hierarchy. A copy is the same group.
struct Cgroup {
  std::string unified;  // version 2
  std::string memory;   // of the controller, which may be the same directory
  std::string pids;

  [[nodiscard]] bool exists() const { return !unified.empty() || !pids.empty() || !memory.empty(); }
  // Into the group of version 2; cause kNoGroup (spawn.h) when that is not allowed.
  [[nodiscard]] Result<void> attach(pid_t pid) const;
  [[nodiscard]] std::vector<pid_t> processes() const;
  // Anonymous memory, shared memory (tmpfs, memfd) and swap; none: no controller.
  [[nodiscard]] std::optional<std::uint64_t> memory_bytes() const;
  // Processes that the kernel has ended for want of memory, since the group was made.
  [[nodiscard]] std::uint64_t memory_kills() const;
  // What the kernel enforces, as far as there are controllers.
  void limit(std::uint64_t memory_bytes, std::int64_t processes) const;
  // SIGKILL to all, which no fork outruns; true when none were left.
  bool kill() const;
  // When nobody is in it any more; false: not yet.
  bool remove() const;
};

// Where the kernel has mounted hierarchies, and where we are in them.
class Cgroups {
 public:
  // Of /proc/self; `name` is of the folder that all our groups are in, one for each MEPM.
  // What cannot be used is told in one line of the log, once.
  explicit Cgroups(const std::string& name, const std::string& proc_self = "/proc/self");

  // unavailable: this host has none, or none for us.
  [[nodiscard]] Result<Cgroup> make(const std::string& name);
  // No more of them: `why` is told, once.
  void give_up(const std::string& why);
  // Kills and removes all groups of ours but these.
  void end_others(const std::vector<Cgroup>& known) const;
  ~Cgroups();  // the folders stay as long as there are groups in them
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

 private:
  [[nodiscard]] Cgroup at(const std::string& name) const;

  Cgroup folders_;
};

}  // namespace mx2::mepm::process
