// How a placement is chosen. Policies are pure and deterministic: the same snapshot gives the same
// placement. Groups that are `fixed` stay where they are; their load counts.
//
//   static         the host that the app's row for everybody names
//   nearest        the least latency, whatever the load
//   count-greedy   the Optimizer of Cicconetti et al.'s prototype, for comparison: largest group
//                  first to the host with the fewest contexts; no capacity, latency, or present
//                  host
//   least-loaded   the least utilisation that has room; who is served well stays
//   min-cost-flow  the least total cost (evaluation.h), exactly
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "optimizer/model.h"

namespace mx2::optimizer {

struct Policy {
  std::string name;
  // Unserved demand is part of the answer, never a failure.
  Placement (*place)(const Snapshot& snapshot);
  // Its answer for a few groups makes sense while all others stay where they are.
  bool places_singly = false;
  // It minimises the costs of evaluation.h, those of leaving a host included.
  bool counts_all_costs = false;
};

// Those that do not look at capacity come first.
[[nodiscard]] const std::vector<Policy>& policies();
[[nodiscard]] std::vector<std::string> policy_names();
// Null for an unknown name.
[[nodiscard]] const Policy* find_policy(std::string_view name);

// Each app by its own policy: `policy_of_app` has a name for each app of the snapshot. Those that
// do not look at capacity go first, so that the others see the load they leave. What policies
// answer that do not count all costs goes through `settle`, if given, before others see it; for
// them who rests is fixed.
using Settle = std::function<Placement(const Snapshot& part, const Placement& wanted)>;
[[nodiscard]] Placement place_by_app(const Snapshot& snapshot,
                                     const std::vector<std::string>& policy_of_app,
                                     const Settle& settle = {});

}  // namespace mx2::optimizer
