// What an instance has on this host besides its processes: a directory, a port, a user, CPUs, a
// control group; and what is written down of them, for the next life of the MEPM.
//
// An instance's identifier is its secret (Mp1), so nothing that others can see is named by it:
// directories and groups are named by the port.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "lcm/mepm/process/cgroup.h"
#include "lcm/mepm/process/proc.h"
#include "lcm/mepm/process/sweeper.h"

namespace mx2::mepm::process {

struct Place {
  std::string instance_id;
  std::string directory;
  std::string address;  // to serve on; empty: whatever an earlier version has told it
  std::uint16_t port = 0;
  std::optional<uid_t> user;
  Cgroup cgroup;
  // Of the process; 0: none was started, or none since the machine was.
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  bool ready = false;   // it has been
  bool bygone = false;  // all of it was of an earlier start of the machine: no process is its

  [[nodiscard]] std::string work_directory() const { return directory + "/work"; }
  [[nodiscard]] std::string log_file() const { return directory + "/log"; }
  [[nodiscard]] std::string token_file() const { return directory + "/token"; }
  // To a file that only its user (or we, if it has none of its own) can read.
  [[nodiscard]] Result<void> write_token(const std::string& token) const;
  [[nodiscard]] Membership membership() const;
  // Whether the very process that was started still runs.
  [[nodiscard]] bool is_alive() const;
};

struct PlaceOptions {
  std::string directory = "instances";
  int port_first = 20000;
  int ports = 1000;
  std::int64_t uid_first = 200000;  // 0: instances run as we do
  std::int64_t uids = 1000;
  bool control_groups = true;  // where there are any
};

// One thread.
class Places {
 public:
  explicit Places(PlaceOptions options);

  // A port that nobody listens on, a user without processes (if we are root), an empty directory.
  // unavailable when there is none left.
  [[nodiscard]] Result<Place> take(const std::string& instance_id);
  [[nodiscard]] Result<void> save(const Place& place) const;
  // Nothing of it is left soon, but for processes: end them first. Its user is given to nobody
  // before all that it has left in the places that are everybody's is gone.
  void give_back(const Place& place);
  // As they were written down; a process of an earlier start of the machine is none. What a record
  // that does not say of which start it is (as earlier versions wrote) has left is still its
  // group's, its user's, or carries its identifier. Directories that hold no readable record are
  // removed, groups that no record names are ended.
  [[nodiscard]] std::vector<Place> load();
  // A group for its next process, with these limits, if there are groups. A new one each time:
  // Linux 6.14 and later end at once what is made in a group of which all were killed before.
  void provide_group(Place& place, std::uint64_t memory_bytes, std::int64_t processes);
  // It could not be entered: there will be no more groups.
  void give_up_group(Place& place, const std::string& why);

  // The CPUs with the fewest instances, as many as asked for; empty: all there are.
  [[nodiscard]] std::vector<int> take_cpus(int count);
  void give_back_cpus(const std::vector<int>& cpus);

 private:
  [[nodiscard]] Result<std::uint16_t> free_port();
  [[nodiscard]] Result<std::optional<uid_t>> free_user();
  void discard(const std::string& directory, const std::optional<uid_t>& user);

  PlaceOptions options_;
  Sweeper sweeper_;
  std::unique_ptr<Cgroups> cgroups_;  // none: they are switched off
  std::set<std::uint16_t> ports_;
  std::set<uid_t> users_;
  int next_port_ = 0;
  std::int64_t next_user_ = 0;
  std::uint64_t discarded_ = 0;
  std::map<int, int> instances_on_cpu_;
};

}  // namespace mx2::mepm::process
