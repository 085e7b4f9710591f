#include "optimizer/decision.h"

#include "optimizer/moves.h"
#include "optimizer/policy.h"

namespace mx2::optimizer {
namespace {

std::vector<std::string> names_of_policies(const Snapshot& snapshot, const Topology& topology,
                                           const std::string& standard) {
  std::vector<std::string> names;
  for (const auto& app : snapshot.apps) {
    const auto it = topology.apps.find(app.id);
    const bool own = it != topology.apps.end() && !it->second.policy.empty();
    names.push_back(own ? it->second.policy : standard);
  }
  return names;
}

}  // namespace

Decided decide(const Replica& replica, const Topology& topology, const OptimizerOptions& options,
               std::int64_t now_ms) {
  Decision decision;
  decision.made_ms = now_ms;
  decision.dispatched = replica.dispatched();
  auto& snapshot = decision.snapshot;
  snapshot = replica.snapshot(topology, options, now_ms);
  decision.unknown_names = unknown_names(topology, snapshot);
  for (const auto& group : snapshot.groups) decision.pinned.push_back(group.fixed);
  calm(snapshot, options.stability, now_ms);
  decision.policy_of_app = names_of_policies(snapshot, topology, options.policy);
  const auto& policy_of_app = decision.policy_of_app;
  auto fitted =
      fit_plan(replica, snapshot, policy_of_app, {options.orchestrator.plan_rows_max},
               [&](std::size_t groups_max) {
                 return place_calmly(snapshot, policy_of_app, options.stability, groups_max);
               });
  decision.placement = std::move(fitted.placement);
  return {std::move(decision), std::move(fitted.plan), std::move(fitted.body)};
}

bool attach(Decision& decision, const Replica& replica, std::size_t group_index,
            const std::string& attachment) {
  auto& snapshot = decision.snapshot;
  auto& group = snapshot.groups[group_index];
  const auto device = (*snapshot.ue)[group_index].substr(4);  // after "dev:"
  const auto& app = snapshot.apps[group.app].id;
  group.attachment = find_attachment(snapshot, attachment);
  if (group.attachment == kNone) return false;
  if (!group.follows) return true;
  group.moved_ms = replica.moved_ms(app, device);
  group.fixed = decision.pinned[group_index];
  const auto row = replica.rows().find({app, "dev:" + device});
  const bool has_row = row != replica.rows().end();
  const bool own = has_row && row->second.writer == Writer::kOperator;
  if (own || replica.pin_of(app, device) != nullptr) {
    group.fixed = true;
    group.to_come = 0;
  }
  if (!has_row) return true;
  const auto& target = row->second.targets.front();
  const auto host = target.kind == Target::Kind::kHost ? find_host(snapshot, target.value) : kNone;
  if (host != kNone) decision.placement.host_of_group[group_index] = host;
  return true;
}

Plan place_again(Decision& decision, const std::vector<std::size_t>& groups,
                 const StabilityOptions& options, std::int64_t now_ms) {
  std::vector<std::size_t> singly;
  for (const auto group : groups) {
    const auto& policy = decision.policy_of_app[decision.snapshot.groups[group].app];
    if (find_policy(policy)->places_singly) singly.push_back(group);
  }
  decision.made_ms = now_ms;
  if (singly.empty()) return {};
  auto part = part_of(decision.snapshot, decision.placement, singly);
  hold(part, options, now_ms);
  const auto placed = place_calmly(part, decision.policy_of_app, options);
  for (std::size_t k = 0; k < singly.size(); ++k) {
    decision.placement.host_of_group[singly[k]] = placed.host_of_group[k];
  }
  return rows_of(part, placed, decision.policy_of_app);
}

void take_in(Replica& replica, const Plan& plan) {
  for (const auto& change : plan.changes) {
    if (change.remove) (void)replica.remove_row({change.row.app_d_id, change.row.ue.text()});
    if (!change.remove) (void)replica.put_row(change.row);
  }
}

}  // namespace mx2::optimizer
