#include "optimizer/evacuation.h"

#include <algorithm>

#include "optimizer/evaluation.h"

namespace mx2::optimizer {
namespace {

bool must_leave(const Feasibility& feasible, const Group& group) {
  if (group.fixed) return false;
  return group.host == kNone || !feasible.may(group, group.host, group.host);
}

Index cheapest_with_room(const Snapshot& snapshot, const Feasibility& feasible, const Group& group,
                         const std::vector<std::int64_t>& load) {
  Index best = kNone;
  std::int64_t least = 0;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    const auto room = snapshot.hosts[h].capacity - load[h];
    if (!feasible.may_enter(group, h) || room < load_of(snapshot, group)) continue;
    const auto cost = context_cost(snapshot, group.app, group.attachment, h).total();
    if (best != kNone && cost >= least) continue;
    best = h;
    least = cost;
  }
  return best;
}

}  // namespace

Placement evacuated(const Snapshot& snapshot, std::string reason) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  std::vector<std::size_t> leaving;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    if (!must_leave(feasible, snapshot.groups[i])) continue;
    placement.host_of_group[i] = kNone;
    leaving.push_back(i);
  }
  const auto refusal = [&](std::size_t i) {
    return weighed(snapshot.apps[snapshot.groups[i].app], snapshot.cost.unserved_us);
  };
  std::stable_sort(leaving.begin(), leaving.end(),
                   [&](std::size_t a, std::size_t b) { return refusal(a) > refusal(b); });
  auto load = load_of(snapshot, placement);
  for (const auto i : leaving) {
    const auto& group = snapshot.groups[i];
    const auto host = cheapest_with_room(snapshot, feasible, group, load);
    placement.host_of_group[i] = host;
    if (host != kNone) load[host] += load_of(snapshot, group);
  }
  placement.degraded = std::move(reason);
  return placement;
}

}  // namespace mx2::optimizer
