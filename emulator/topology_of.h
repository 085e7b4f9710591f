// What a scenario's Optimizer knows of hosts, cells and λ beside what the orchestrator tells it:
// the same in simulated and in real time.
#pragma once

#include <string>
#include <vector>

#include "api/base/ip.h"
#include "api/operator/types.h"
#include "emulator/network.h"
#include "emulator/processor.h"
#include "emulator/random.h"
#include "emulator/scenario.h"
#include "optimizer/topology.h"

namespace mx2::emulator {

// Every cell has a network of its own, and a UE an address in the one where it is.
[[nodiscard]] std::string cell_name(std::uint32_t cell);
[[nodiscard]] std::string address_in(std::uint32_t cell, std::uint32_t ue);
[[nodiscard]] IpPrefix prefix_of(std::uint32_t cell);
// "ue-7" and back.
[[nodiscard]] std::string device_of(std::uint32_t ue);
[[nodiscard]] std::uint32_t ue_of(const std::string& device);
// Of each cell: where the dispatcher for it is.
[[nodiscard]] std::vector<std::uint32_t> nearest_hosts(const Scenario& scenario,
                                                       const Network& network);
// The λ that a UE uses.
[[nodiscard]] std::uint32_t lambda_of(const Scenario& scenario, std::uint32_t ue);
// The hosts that offer a λ, in their order.
[[nodiscard]] std::vector<Target> targets_of(const Scenario& scenario, std::uint32_t lambda);
// What a call of so many bytes needs; `sizes` is drawn from where that varies.
[[nodiscard]] Task task_of(const LambdaSpec& lambda, std::uint32_t id, std::uint32_t bytes,
                           Stream& sizes);
// What a host reports. `requests`: of each container since the last report, begun anew.
[[nodiscard]] HostLoad load_of(const Scenario& scenario, const HostSpec& host, double cpu,
                               std::vector<std::uint32_t>& requests, double seconds);

// Capacity is what all cores can do; a load unit is one request a second. Latency is there and
// back, with the time that a call and its answer take to be sent.
[[nodiscard]] optimizer::Topology topology_of(const Scenario& scenario, const Network& network);

}  // namespace mx2::emulator
