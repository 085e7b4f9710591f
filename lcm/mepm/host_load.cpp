#include "lcm/mepm/host_load.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "api/operator/codec.h"
#include "lcm/mepm/process/proc.h"

namespace mx2::mepm {
namespace {

constexpr int kIdleFields = 2;  // idle and iowait, the fourth and fifth
constexpr int kFieldsBeforeIdle = 3;
constexpr int kFieldsMax = 8;  // up to steal; guests are counted in user already

struct AppSum {
  AppLoad load;
  double p50_weighted = 0;
  double weight = 0;

  void add(const InstanceUsage& usage) {
    load.instances = load.instances.value_or(0) + 1;
    if (usage.in_flight) load.in_flight = load.in_flight.value_or(0) + *usage.in_flight;
    if (usage.request_rate) load.request_rate = load.request_rate.value_or(0) + *usage.request_rate;
    if (usage.p95_ms) load.p95_ms = std::max(load.p95_ms.value_or(0), *usage.p95_ms);
    if (!usage.p50_ms) return;
    const double much = std::max(usage.request_rate.value_or(0), 1e-3);
    p50_weighted += *usage.p50_ms * much;
    weight += much;
    load.p50_ms = p50_weighted / weight;
  }
};

}  // namespace

std::optional<double> HostMeter::cpu() {
  std::ifstream file(proc_ + "/stat");
  std::string word;
  if (!(file >> word) || word != "cpu") return std::nullopt;
  std::uint64_t all = 0;
  std::uint64_t idle = 0;
  std::uint64_t ticks = 0;
  for (int i = 0; i < kFieldsMax && file >> ticks; ++i) {
    all += ticks;
    if (i >= kFieldsBeforeIdle && i < kFieldsBeforeIdle + kIdleFields) idle += ticks;
  }
  const auto before = std::exchange(last_, std::pair(all - idle, all));
  if (!before || all <= before->second) return std::nullopt;
  const double share =
      static_cast<double>(all - idle - before->first) / static_cast<double>(all - before->second);
  return std::clamp(share, 0.0, 1.0);
}

std::optional<double> HostMeter::memory() const {
  const auto total = process::sum_of_lines(proc_ + "/meminfo", {"MemTotal:"});
  const auto available = process::sum_of_lines(proc_ + "/meminfo", {"MemAvailable:"});
  if (!total || !available || *total == 0) return std::nullopt;
  return std::clamp(1 - static_cast<double>(*available) / static_cast<double>(*total), 0.0, 1.0);
}

std::string encode_load(const std::string& mepm_key, const std::optional<double>& cpu,
                        const std::optional<double>& memory,
                        const std::vector<std::pair<AppInstanceInfo, InstanceUsage>>& instances) {
  std::map<std::string, AppSum> apps;
  AppSum host;
  for (const auto& [info, usage] : instances) {
    if (state_of(info) != AppInstanceState::kStarted) continue;
    apps[info.app_d_id].add(usage);
    host.add(usage);
  }
  HostReport report;
  report.mepm_key = mepm_key;
  report.load.cpu = cpu;
  report.load.memory = memory;
  report.load.in_flight = host.load.in_flight;
  report.load.request_rate = host.load.request_rate;
  for (auto& [id, sum] : apps) {
    sum.load.app_d_id = id;
    report.load.apps.push_back(std::move(sum.load));
  }
  return json::dump(codec::to_json(report));
}

}  // namespace mx2::mepm
