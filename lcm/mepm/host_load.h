// What this host reports of itself: CPU and memory from /proc, and per app what its instances say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/mec/app_lcm.h"
#include "lcm/mepm/backend.h"

namespace mx2::mepm {

// One thread.
class HostMeter {
 public:
  // Of a directory like /proc.
  explicit HostMeter(std::string proc = "/proc") : proc_(std::move(proc)) {}

  // Share of the CPUs in use since the last call, 0 to 1; none the first time.
  [[nodiscard]] std::optional<double> cpu();
  // Share of memory in use.
  [[nodiscard]] std::optional<double> memory() const;

 private:
  std::string proc_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> last_;  // busy, all
};

// The body of PUT /operator/v1/hosts/{id}/load. Instances are the ready ones; rates and requests in
// flight are added up, times of service weighted by rate (the median) or the worst (the 95th
// percentile). What no instance of an app tells is left out.
[[nodiscard]] std::string encode_load(
    const std::string& mepm_key, const std::optional<double>& cpu,
    const std::optional<double>& memory,
    const std::vector<std::pair<AppInstanceInfo, InstanceUsage>>& instances);

}  // namespace mx2::mepm
