#include "optimizer/policy.h"

#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "optimizer/simple_policies.h"

namespace mx2::optimizer {
namespace {

Placement place_settled(Snapshot& part, const Policy& policy, const Settle& settle) {
  if (policy.counts_all_costs) return policy.place(part);
  for (auto& group : part.groups) group.fixed = group.fixed || group.resting;
  const auto wanted = policy.place(part);
  return settle ? settle(part, wanted) : wanted;
}

}  // namespace

const std::vector<Policy>& policies() {
  static const std::vector<Policy> kPolicies = {
      {"static", place_static},
      {"nearest", place_nearest, true},
      {"count-greedy", place_count_greedy},
      {"least-loaded", place_least_loaded},
      {"min-cost-flow", [](const Snapshot& all) { return place_min_cost_flow(all); }, true, true}};
  return kPolicies;
}

std::vector<std::string> policy_names() {
  std::vector<std::string> names;
  for (const auto& policy : policies()) names.push_back(policy.name);
  return names;
}

const Policy* find_policy(std::string_view name) {
  for (const auto& policy : policies()) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

Placement place_by_app(const Snapshot& snapshot, const std::vector<std::string>& policy_of_app,
                       const Settle& settle) {
  if (policy_of_app.empty()) return current_placement(snapshot);
  const auto& first = policy_of_app.front();
  const bool same = std::all_of(policy_of_app.begin(), policy_of_app.end(),
                                [&](const auto& name) { return name == first; });
  if (same && find_policy(first)->counts_all_costs) return find_policy(first)->place(snapshot);
  auto part = snapshot;
  if (same) return place_settled(part, *find_policy(first), settle);

  auto placement = current_placement(snapshot);
  for (auto& group : part.groups) {
    if (!group.fixed) group.host = kNone;  // its turn has not come: it weighs nothing
    group.fixed = true;
  }
  for (const auto& policy : policies()) {
    const auto of_this = [&](std::size_t i) {
      return !snapshot.groups[i].fixed && policy_of_app[snapshot.groups[i].app] == policy.name;
    };
    for (std::size_t i = 0; i < part.groups.size(); ++i) {
      if (of_this(i)) part.groups[i] = snapshot.groups[i];
    }
    const auto placed = place_settled(part, policy, settle);
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
