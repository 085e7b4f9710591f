// The scenarios under tests/optimizer/advantedge, and shorthands of the tests that use them.
#pragma once

#include <string>
#include <string_view>

#include "optimizer/advantedge/topology_of.h"
#include "tests/support/paths.h"

namespace mx2::optimizer::advantedge::test {

inline std::string scenario_file(const std::string& name) {
  return mx2::test::source_file("tests/optimizer/advantedge/" + name);
}

inline Scenario load(const std::string& name) {
  auto scenario = read_scenario_file(scenario_file(name));
  return scenario ? std::move(*scenario) : Scenario{};
}

inline std::string_view to_text(Reach reach) {
  switch (reach) {
    case Reach::kReachable: return "reachable";
    case Reach::kDisconnected: return "disconnected";
    case Reach::kBetweenUes: return "no way between UEs";
    case Reach::kNoSession: break;
  }
  return "no PDU session";
}

inline End end_of_process(const Scenario& scenario, Index process) {
  auto end = end_of_node(scenario, scenario.processes[process].node);
  end.process = process;
  return end;
}

inline const std::string& name_of(const Scenario& scenario, const Segment& segment) {
  static const std::string kAnyUe = "*";
  switch (segment.level) {
    case Level::kProcess: return scenario.processes[segment.index].name;
    case Level::kNode: return segment.index == kNone ? kAnyUe : scenario.nodes[segment.index].name;
    case Level::kLocation: return scenario.locations[segment.index].name;
    case Level::kZone: return scenario.zones[segment.index].name;
    case Level::kDomain: return scenario.domains[segment.index].name;
    case Level::kDeployment: break;
  }
  return scenario.name;
}

// E.g. "poa-1^ zone1^ zone1v", ^ for uplink and v for downlink.
inline std::string describe_segments(const Scenario& scenario, const Path& path) {
  std::string text;
  for (std::size_t i = 0; i < path.size; ++i) {
    const auto& segment = path.segments[i];
    text += (i == 0 ? "" : " ") + name_of(scenario, segment) + (segment.uplink ? "^" : "v");
  }
  return text;
}

inline Path between(const Scenario& scenario, const std::string& from, const std::string& to,
                    EdgeEdge edge_edge = EdgeEdge::kCorrected) {
  const auto a = find(scenario.node_index, from);
  const auto b = find(scenario.node_index, to);
  return path(scenario, end_of_node(scenario, a), end_of_node(scenario, b), edge_edge);
}

// E.g. "11/3": ms of latency and of jitter.
inline std::string delay(const Path& path) {
  if (!path.reachable()) return std::string(to_text(path.reach));
  return std::to_string(static_cast<long>(path.latency_ms)) + "/" +
         std::to_string(static_cast<long>(path.jitter_ms));
}

inline std::string lines_of(const std::vector<std::string>& problems) {
  std::string all;
  for (const auto& problem : problems) all += problem + "\n";
  return all;
}

}  // namespace mx2::optimizer::advantedge::test
