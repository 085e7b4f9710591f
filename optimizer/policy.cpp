#include "optimizer/policy.h"

#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "optimizer/simple_policies.h"

namespace mx2::optimizer {

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> kNames = {"static", "nearest", "count-greedy",
                                                  "least-loaded", "min-cost-flow"};
  return kNames;
}

std::unique_ptr<PlacementPolicy> make_policy(const std::string& name) {
  if (name == "static") return std::make_unique<StaticPolicy>();
  if (name == "nearest") return std::make_unique<NearestPolicy>();
  if (name == "count-greedy") return std::make_unique<CountGreedyPolicy>();
  if (name == "least-loaded") return std::make_unique<LeastLoadedPolicy>();
  if (name == "min-cost-flow") return std::make_unique<MinCostFlowPolicy>();
  return nullptr;
}

bool places_singly(const std::string& name) { return name == "nearest" || name == "min-cost-flow"; }

bool counts_all_costs(const std::string& name) { return name == "min-cost-flow"; }

namespace {

Placement place_settled(Snapshot& part, const std::string& name, const Settle& settle) {
  const auto policy = make_policy(name);
  if (counts_all_costs(name)) return policy->place(part);
  for (auto& group : part.groups) group.fixed = group.fixed || group.resting;
  const auto wanted = policy->place(part);
  return settle ? settle(part, wanted) : wanted;
}

}  // namespace

Placement place_by_app(const Snapshot& snapshot, const std::vector<std::string>& policy_of_app,
                       const Settle& settle) {
  if (policy_of_app.empty()) return current_placement(snapshot);
  const auto& first = policy_of_app.front();
  const bool same = std::all_of(policy_of_app.begin(), policy_of_app.end(),
                                [&](const auto& name) { return name == first; });
  if (same && counts_all_costs(first)) return make_policy(first)->place(snapshot);
  auto part = snapshot;
  if (same) return place_settled(part, first, settle);

  auto placement = current_placement(snapshot);
  for (auto& group : part.groups) {
    if (!group.fixed) group.host = kNone;  // its turn has not come: it weighs nothing
    group.fixed = true;
  }
  for (const auto& name : policy_names()) {
    const auto of_this = [&](std::size_t i) {
      return !snapshot.groups[i].fixed && policy_of_app[snapshot.groups[i].app] == name;
    };
    for (std::size_t i = 0; i < part.groups.size(); ++i) {
      if (of_this(i)) part.groups[i] = snapshot.groups[i];
    }
    const auto placed = place_settled(part, name, settle);
    if (!placed.degraded.empty()) placement.degraded = placed.degraded;
    for (std::size_t i = 0; i < part.groups.size(); ++i) {
      if (!of_this(i)) continue;
      placement.host_of_group[i] = part.groups[i].host = placed.host_of_group[i];
      part.groups[i].fixed = true;
    }
  }
  return placement;
}

}  // namespace mx2::optimizer
