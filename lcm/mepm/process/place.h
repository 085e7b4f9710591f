// What an instance has on this host besides its processes: a directory, a port, a user, CPUs; and
// what is written down of them, for the next life of the MEPM.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "lcm/mepm/process/proc.h"

namespace mx2::mepm::process {

struct Place {
  std::string instance_id;
  std::string directory;
  std::uint16_t port = 0;
  std::optional<uid_t> user;
  // Of the process; 0: none was started.
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  bool ready = false;  // it has been

  [[nodiscard]] std::string work_directory() const { return directory + "/work"; }
  [[nodiscard]] std::string log_file() const { return directory + "/log"; }
  [[nodiscard]] std::string token_file() const { return directory + "/token"; }
  // To a file that only its user (or we, if it has none of its own) can read.
  [[nodiscard]] Result<void> write_token(const std::string& token) const;
  [[nodiscard]] Membership membership() const { return {user, pid, instance_id}; }
  // Whether the very process that was started still runs.
  [[nodiscard]] bool is_alive() const;
};

struct PlaceOptions {
  std::string directory = "instances";
  int port_first = 20000;
  int ports = 1000;
  std::int64_t uid_first = 200000;  // 0: instances run as we do
  std::int64_t uids = 1000;
};

// One thread.
class Places {
 public:
  explicit Places(PlaceOptions options);

  // A port that nobody listens on, a user without processes (if we are root), an empty directory.
  // unavailable when there is none left.
  [[nodiscard]] Result<Place> take(const std::string& instance_id);
  [[nodiscard]] Result<void> save(const Place& place) const;
  // Nothing of it is left afterwards, but for processes: end them first.
  void give_back(const Place& place);
  // As they were written down. Directories that hold no readable record are removed.
  [[nodiscard]] std::vector<Place> load();

  // The CPUs with the fewest instances, as many as asked for; empty: all there are.
  [[nodiscard]] std::vector<int> take_cpus(int count);
  void give_back_cpus(const std::vector<int>& cpus);

 private:
  [[nodiscard]] Result<std::uint16_t> free_port();
  [[nodiscard]] Result<std::optional<uid_t>> free_user();

  PlaceOptions options_;
  std::set<std::uint16_t> ports_;
  std::set<uid_t> users_;
  int next_port_ = 0;
  std::int64_t next_user_ = 0;
  std::map<int, int> instances_on_cpu_;
};

}  // namespace mx2::mepm::process
