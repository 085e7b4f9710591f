#include "emulator/topology_of.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace mx2::emulator {
namespace {

constexpr std::string_view kDevicePrefix = "ue-";
// A load unit is one request a second: what a context of the usual UE makes.
constexpr std::int64_t kUnitsPerRate = 1;
constexpr std::uint32_t kOctet = 250;

double ops_of(const LambdaSpec& lambda, std::uint32_t bytes) {
  return lambda.ops_offset + lambda.ops_per_byte * bytes;
}

double mean_ops(const Scenario& scenario, const HostSpec& host) {
  double sum = 0;
  for (const auto l : host.lambdas) {
    sum += ops_of(scenario.lambdas[l], scenario.ues.request_bytes);
  }
  return std::max(1.0, sum / static_cast<double>(std::max<std::size_t>(1, host.lambdas.size())));
}

}  // namespace

std::string cell_name(std::uint32_t cell) { return "cell-" + std::to_string(cell); }

std::string address_in(std::uint32_t cell, std::uint32_t ue) {
  return "10." + std::to_string(cell) + "." + std::to_string(ue / kOctet % kOctet) + "." +
         std::to_string(ue % kOctet);
}

IpPrefix prefix_of(std::uint32_t cell) {
  return *IpPrefix::parse("10." + std::to_string(cell) + ".0.0/16");
}

std::string device_of(std::uint32_t ue) { return std::string(kDevicePrefix) + std::to_string(ue); }

std::uint32_t ue_of(const std::string& device) {
  std::uint32_t ue = 0;
  std::from_chars(device.data() + kDevicePrefix.size(), device.data() + device.size(), ue);
  return ue;
}

std::vector<std::uint32_t> nearest_hosts(const Scenario& scenario, const Network& network) {
  std::vector<std::uint32_t> nearest(network.cells());
  for (std::uint32_t cell = 0; cell < network.cells(); ++cell) {
    for (std::uint32_t h = 1; h < scenario.hosts.size(); ++h) {
      const auto hops = network.hops(cell, scenario.hosts[h].cell);
      if (hops < network.hops(cell, scenario.hosts[nearest[cell]].cell)) nearest[cell] = h;
    }
  }
  return nearest;
}

std::uint32_t lambda_of(const Scenario& scenario, std::uint32_t ue) {
  return ue % static_cast<std::uint32_t>(scenario.lambdas.size());
}

std::vector<Target> targets_of(const Scenario& scenario, std::uint32_t lambda) {
  std::vector<Target> targets;
  for (const auto& host : scenario.hosts) {
    const bool offers =
        std::find(host.lambdas.begin(), host.lambdas.end(), lambda) != host.lambdas.end();
    if (offers) targets.push_back({Target::Kind::kHost, host.id});
  }
  return targets;
}

Task task_of(const LambdaSpec& lambda, std::uint32_t id, std::uint32_t bytes, Stream& sizes) {
  Task task{id, ops_of(lambda, bytes), lambda.memory_offset + lambda.memory_per_byte * bytes};
  if (lambda.exponential) task.ops = sizes.exponential(task.ops);
  return task;
}

HostLoad load_of(const Scenario& scenario, const HostSpec& host, double cpu,
                 std::vector<std::uint32_t>& requests, double seconds) {
  HostLoad load;
  load.cpu = cpu;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    AppLoad app;
    app.app_d_id = scenario.lambdas[host.lambdas[i]].id;
    app.request_rate = std::exchange(requests[i], 0) / seconds;
    load.apps.push_back(std::move(app));
  }
  return load;
}

optimizer::Topology topology_of(const Scenario& scenario, const Network& network) {
  optimizer::Topology topology;
  const auto& ues = scenario.ues;
  for (const auto& lambda : scenario.lambdas) {
    auto& app = topology.apps[lambda.id];
    app.weight = kUnitsPerRate;
    app.weight_by_request = true;
  }
  for (const auto& spec : scenario.hosts) {
    auto& host = topology.hosts[spec.id];
    const auto ops = mean_ops(scenario, spec);
    const auto per_second = spec.processor.speed * spec.processor.cores / ops;
    host.capacity = std::llround(per_second * static_cast<double>(kUnitsPerRate));
    host.cores = spec.processor.cores;
    host.service_us = std::llround(ops / spec.processor.speed * 1e6);
  }
  const auto access = 2 * network.access_delay() + network.access_time(ues.request_bytes) +
                      network.access_time(ues.response_bytes);
  const auto sending = network.hop_time(ues.request_bytes) + network.hop_time(ues.response_bytes);
  for (std::uint32_t cell = 0; cell < network.cells(); ++cell) {
    topology.attachments.push_back({cell_name(cell), {}, {prefix_of(cell)}, {}});
    for (const auto& host : scenario.hosts) {
      const auto hops = network.hops(cell, host.cell);
      const auto there_and_back = access + 2 * network.delay(cell, host.cell) + hops * sending;
      topology.latency_us[cell_name(cell)][host.id] =
          static_cast<std::int32_t>(there_and_back / 1000);
    }
  }
  return topology;
}

}  // namespace mx2::emulator
