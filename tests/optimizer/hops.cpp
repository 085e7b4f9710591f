#include "tests/optimizer/hops.h"

#include "optimizer/advantedge/path.h"

namespace mx2::optimizer::advantedge::test {
namespace {

Comparison compare_one(const Scenario& scenario, Index ue, const std::vector<Index>& hosts) {
  Comparison result{ue, 0, {}, {}};
  const auto from = end_of_node(scenario, ue);
  for (const auto host : hosts) {
    const auto latency = path(scenario, from, end_of_node(scenario, host)).latency_ms;
    const auto hops = hops_between(scenario, ue, host);
    auto& near = result.by_hops;
    auto& fast = result.by_latency;
    const bool nearer = hops && (near.host == kNone || *hops < result.hops ||
                                 (*hops == result.hops && latency < near.latency_ms));
    if (nearer) {
      near = {host, latency};
      result.hops = *hops;
    }
    if (fast.host == kNone || latency < fast.latency_ms) fast = {host, latency};
  }
  return result;
}

}  // namespace

std::optional<int> hops_between(const Scenario& scenario, Index a, Index b) {
  if (a == b) return 0;
  const auto la = scenario.nodes[a].location;
  const auto lb = scenario.nodes[b].location;
  int hops = 2;
  if (la == lb) return hops;
  const auto& at_a = scenario.locations[la];
  const auto& at_b = scenario.locations[lb];
  hops += (at_a.is_default ? 0 : 1) + (at_b.is_default ? 0 : 1);
  if (at_a.zone == at_b.zone) return hops;
  const auto& in_a = scenario.zones[at_a.zone];
  const auto& in_b = scenario.zones[at_b.zone];
  hops += (in_a.is_common ? 0 : 1) + (in_b.is_common ? 0 : 1);
  return in_a.domain == in_b.domain ? std::optional(hops) : std::nullopt;
}

std::vector<Comparison> compare(const Scenario& scenario) {
  std::vector<Index> hosts;
  for (Index n = 0; n < scenario.nodes.size(); ++n) {
    if (scenario.nodes[n].is_host()) hosts.push_back(n);
  }
  std::vector<Comparison> comparisons;
  for (Index n = 0; n < scenario.nodes.size(); ++n) {
    if (scenario.nodes[n].is_host() || !scenario.nodes[n].connected) continue;
    const auto one = compare_one(scenario, n, hosts);
    if (one.by_hops.host != kNone) comparisons.push_back(one);
  }
  return comparisons;
}

Means means(const std::vector<Comparison>& comparisons) {
  Means sum;
  for (const auto& one : comparisons) {
    sum.by_hops_ms += one.by_hops.latency_ms;
    sum.by_latency_ms += one.by_latency.latency_ms;
  }
  const auto n = comparisons.empty() ? 1.0 : static_cast<double>(comparisons.size());
  return {sum.by_hops_ms / n, sum.by_latency_ms / n};
}

}  // namespace mx2::optimizer::advantedge::test
