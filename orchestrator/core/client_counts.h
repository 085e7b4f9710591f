// How many contexts each host serves of each app: what λ instances are for.
//
// Threads: the store writer's changes it, any may ask.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace mx2 {

class ClientCounts {
 public:
  using ByAppAndHost = std::map<std::pair<std::string, std::string>, std::size_t>;

  // `host_id` is empty for contexts that have no host (yet).
  void add(const std::string& app_d_id, const std::string& host_id);
  void remove(const std::string& app_d_id, const std::string& host_id);
  // Those that are not 0.
  [[nodiscard]] ByAppAndHost all() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::unordered_map<std::string, std::size_t>> counts_;
};

}  // namespace mx2
