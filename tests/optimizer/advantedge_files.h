// The scenarios under tests/optimizer/advantedge, and shorthands of the tests that use them.
#pragma once

#include <string>

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
