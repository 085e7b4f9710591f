#include "optimizer/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/operator/codec.h"
#include "optimizer/explain.h"

namespace mx2::optimizer {
namespace {

constexpr std::size_t kRowsShown = 50;

TableChange put(const Snapshot& snapshot, std::size_t i, Index to, Index second,
                std::string reason) {
  TableChange change;
  change.row.ue.kind = UeSelector::Kind::kDevApp;
  change.row.ue.dev_app_id = (*snapshot.ue)[i].substr(4);  // after "dev:"
  change.row.app_d_id = snapshot.apps[snapshot.groups[i].app].id;
  change.row.targets = {{Target::Kind::kHost, snapshot.hosts[to].id}};
  if (second != kNone) {
    change.row.targets.push_back({Target::Kind::kHost, snapshot.hosts[second].id});
  }
  change.row.writer = Writer::kOptimizer;
  change.row.reason = std::move(reason);
  return change;
}

struct Removals {
  std::vector<TableChange> bound;  // of UEs that an operator's prefix binds
  std::vector<TableChange> idle;   // of UEs that have no context any more: they can wait
};

Removals removals_of(const Replica& replica) {
  Removals removals;
  for (const auto& [key, row] : replica.rows()) {
    const bool ours = row.writer == Writer::kOptimizer && row.ue.kind == UeSelector::Kind::kDevApp;
    if (!ours) continue;
    if (replica.pin_of(row.app_d_id, row.ue.dev_app_id) != nullptr) {
      removals.bound.push_back({row, true});
    } else if (!replica.has_contexts(row.app_d_id, row.ue.dev_app_id)) {
      removals.idle.push_back({row, true});
    }
  }
  return removals;
}

// Moves are whole as they are: what does not fit is what can wait.
Plan joined(const Removals& removals, Plan moves, std::size_t rows_max) {
  auto plan = std::move(moves);
  auto& changes = plan.changes;
  changes.insert(changes.begin(), removals.bound.begin(), removals.bound.end());
  changes.insert(changes.end(), removals.idle.begin(), removals.idle.end());
  if (changes.size() > rows_max) {
    plan.postponed += changes.size() - rows_max;
    changes.resize(rows_max);
  }
  return plan;
}

// Where else, should the chosen host fail before the next plan: the cheapest of the others that has
// room now, for the contexts to come as well.
Index second_host(const Snapshot& snapshot, const Feasibility& feasible, const Evaluation& after,
                  Group group, Index first) {
  group.contexts += group.to_come;
  const auto units = load_of(snapshot, group);
  return cheapest_host(snapshot, group, [&](Index h) {
    return h != first && feasible.may_enter(group, h) &&
           after.load[h] + units <= snapshot.hosts[h].capacity;
  });
}

// Make before break: a target without an instance is passed over until its instance is ready, and
// meanwhile the group stays where it is.
bool stays_until_ready(const Snapshot& snapshot, const Feasibility& feasible, const Group& group,
                       Index to) {
  const auto& running = snapshot.apps[group.app].running;
  return !running.empty() && !running[to] && feasible.may_stay(group);
}

void add_text(std::string& out, const char* what, double before, double after) {
  out += fmt::format("  {:<24} {:>12.2f} -> {:>12.2f}\n", what, before, after);
}

std::string rows_text(const std::vector<TableChange>& changes) {
  std::string out;
  for (std::size_t i = 0; i < std::min(changes.size(), kRowsShown); ++i) {
    const auto& row = changes[i].row;
    out += changes[i].remove ? "- " : "+ ";
    out += row.ue.text() + " " + row.app_d_id;
    if (!changes[i].remove) out += " -> " + row.targets.front().text() + "  (" + row.reason + ")";
    out += "\n";
  }
  if (changes.size() > kRowsShown) {
    out += fmt::format("... and {} more\n", changes.size() - kRowsShown);
  }
  return out;
}

bool is_higher(const Snapshot& snapshot, Index from, Index to) {
  return from != kNone && snapshot.hosts[to].tier > snapshot.hosts[from].tier;
}

}  // namespace

Plan rows_of(const Snapshot& snapshot, const Placement& placement,
             const std::vector<std::string>& policy_of_app) {
  Plan plan;
  plan.before = evaluate(snapshot, current_placement(snapshot));
  plan.after = evaluate(snapshot, placement);
  plan.degraded = placement.degraded;
  const Feasibility feasible(snapshot);
  const MoveReasons reasons(snapshot, plan.before);
  std::vector<TableChange> others;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    const auto to = placement.host_of_group[i];
    if (group.is_pinned() || to == kNone || to == group.host) continue;
    const auto second = stays_until_ready(snapshot, feasible, group, to)
                            ? group.host
                            : second_host(snapshot, feasible, plan.after, group, to);
    auto change = put(snapshot, i, to, second, reasons.reason(i, to, policy_of_app[group.app]));
    const bool may_stay = feasible.may_stay(group);
    if (is_higher(snapshot, group.host, to)) {
      const auto why = !may_stay                     ? Escalation::kHost
                       : reasons.is_full(group.host) ? Escalation::kCapacity
                                                     : Escalation::kCost;
      plan.escalated.at(static_cast<std::size_t>(why)) += group.contexts;
    }
    (may_stay ? others : plan.changes).push_back(std::move(change));
  }
  plan.changes.insert(plan.changes.end(), std::make_move_iterator(others.begin()),
                      std::make_move_iterator(others.end()));
  return plan;
}

FittedPlan fit_plan(const Replica& replica, const Snapshot& snapshot,
                    const std::vector<std::string>& policy_of_app, const PlanLimits& limits,
                    const std::function<Placement(std::size_t)>& place) {
  auto removals = removals_of(replica);
  const auto bound = std::min(removals.bound.size(), limits.rows - limits.rows / 2);
  const auto unbound = removals.bound.size() - bound;
  removals.bound.resize(bound);
  std::size_t wanted = 0;  // moves, before their lines were counted
  for (auto groups_max = limits.rows - bound;;) {
    FittedPlan fitted;
    fitted.placement = place(groups_max);
    auto rows = rows_of(snapshot, fitted.placement, policy_of_app);
    const auto moves = rows.changes.size();
    wanted = std::max(wanted, moves);
    fitted.plan = joined(removals, std::move(rows), limits.rows);
    fitted.body = to_ndjson(fitted.plan, limits.bytes);
    fitted.plan.postponed += unbound + wanted - moves;
    const auto kept = fitted.plan.changes.size();
    if (kept >= bound + moves || groups_max == 0) return fitted;
    groups_max = std::min(groups_max - 1, kept > bound ? kept - bound : 0);
  }
}

std::string to_ndjson(Plan& plan, std::size_t bytes_max) {
  std::string out;
  for (std::size_t i = 0; i < plan.changes.size(); ++i) {
    const auto line = codec::encode_table_change(plan.changes[i]);
    if (out.size() + line.size() > bytes_max) {
      plan.postponed += plan.changes.size() - i;
      plan.changes.resize(i);
      return out;
    }
    out += line;
  }
  return out;
}

std::string describe(const Snapshot& snapshot, const Plan& plan) {
  auto out = rows_text(plan.changes);
  out += fmt::format("{} rows change on table version {}", plan.changes.size(), plan.table_version);
  if (plan.postponed > 0) out += fmt::format(", {} later", plan.postponed);
  if (!plan.degraded.empty()) {
    out += "\nDegraded: only those are moved who must leave their host; " + plan.degraded;
  }
  const auto& before = plan.before;
  const auto& after = plan.after;
  out += fmt::format("\nExpected effect for {} contexts, {} of which move:\n", after.contexts,
                     after.moves);
  add_text(out, "latency, mean ms", before.latency_mean_ms, after.latency_mean_ms);
  add_text(out, "latency, p95 ms", before.latency_p95_ms, after.latency_p95_ms);
  const auto count = [&](const char* what, std::int64_t a, std::int64_t b) {
    out += fmt::format("  {:<24} {:>12} -> {:>12}\n", what, a, b);
  };
  count("contexts too late", before.late_contexts, after.late_contexts);
  count("contexts without host", before.unserved_contexts, after.unserved_contexts);
  count("latency not known", before.unknown_latency_contexts, after.unknown_latency_contexts);
  count("overloaded hosts", static_cast<std::int64_t>(before.overloaded_hosts),
        static_cast<std::int64_t>(after.overloaded_hosts));
  std::string heading = "Load of hosts that change:\n";
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    if (before.load[h] == after.load[h]) continue;
    const auto& host = snapshot.hosts[h];
    out += std::exchange(heading, "");
    out += fmt::format("  {:<24} {:>12} -> {:>12} of {}", host.id, before.load[h], after.load[h],
                       host.capacity);
    if (host.status != HostStatus::kUp) out += fmt::format(", {}", to_text(host.status));
    out += "\n";
  }
  return out;
}

}  // namespace mx2::optimizer
