#include "optimizer/evacuation.h"

#include <algorithm>

#include "optimizer/evaluation.h"

namespace mx2::optimizer {

Placement evacuated(const Snapshot& snapshot, std::string reason) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  std::vector<std::size_t> leaving;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    if (snapshot.groups[i].fixed || feasible.may_stay(snapshot.groups[i])) continue;
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
    const auto units = load_of(snapshot, group);
    const auto host = cheapest_host(snapshot, group, [&](Index h) {
      return feasible.may_enter(group, h) && snapshot.hosts[h].capacity - load[h] >= units;
    });
    placement.host_of_group[i] = host;
    if (host != kNone) load[host] += units;
  }
  placement.degraded = std::move(reason);
  return placement;
}

}  // namespace mx2::optimizer
