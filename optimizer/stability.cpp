#include "optimizer/stability.h"

#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/newcomers.h"
#include "optimizer/policy.h"
#include "optimizer/selection.h"

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kRestUsMin = 1'000'000;

void set_hysteresis(Snapshot& snapshot, const StabilityOptions& options,
                    const std::vector<std::int64_t>& load) {
  auto& hysteresis = snapshot.hysteresis;
  hysteresis = {options.gain_us_min, options.gain_percent_min, 0, waiting_of(snapshot, load)};
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    auto& host = snapshot.hosts[h];
    host.takes_from_above =
        options.low_percent >= 100 || load[h] * 100 < host.capacity * options.low_percent;
  }
  // Above what any latency could gain, below what the dearest refusal costs.
  const auto rest_us = std::max(snapshot.cost.unserved_us / 2, kRestUsMin);
  for (const auto& app : snapshot.apps) {
    hysteresis.rest_us = std::max(hysteresis.rest_us, weighed(app, rest_us));
  }
}

// Above what latency gains, as far as nobody is refused for it.
void set_not_ready(Snapshot& snapshot) {
  std::int64_t utility = 1;
  auto refusal_us = kContextCostMax;  // the cheapest, of a load unit
  for (const auto& app : snapshot.apps) {
    utility = std::max(utility, app.qos.utility);
    refusal_us = std::min(refusal_us, weighed(app, snapshot.cost.unserved_us) / app.weight);
  }
  for (auto& host : snapshot.hosts) {
    const auto least = host.not_ready_us;
    host.not_ready_us = std::clamp(least * utility, least, std::max(least, refusal_us / 2));
  }
}

void limit_hosts(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms,
                 const std::vector<std::int64_t>& load) {
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    auto& host = snapshot.hosts[h];
    host.ready_capacity = host.capacity;
    if (host.parent != kNone) host.ready_capacity = host.capacity * options.high_percent / 100;
    const auto age_ms = now_ms - host.up_since_ms;
    if (host.up_since_ms == 0 || age_ms >= options.return_ms) continue;
    const auto percent = age_ms < options.return_wait_ms ? 0 : 100 * age_ms / options.return_ms;
    const auto allowed = std::max(host.capacity * percent / 100, load[h]);
    host.ready_capacity = std::min(host.ready_capacity, allowed);
  }
}

// Contexts that move though they need not, and groups that move.
SelectionLimits spent(const Snapshot& snapshot, const Placement& placed) {
  const Feasibility feasible(snapshot);
  auto load = load_of(snapshot, current_placement(snapshot));
  SelectionLimits result;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    const auto to = placed.host_of_group[i];
    if (to == group.host || to == kNone) continue;
    ++result.rows;
    if (!feasible.may_stay(group)) continue;
    auto& left = load[group.host];
    if (left <= snapshot.hosts[group.host].capacity) result.contexts += group.contexts;
    left -= load_of(snapshot, group);
  }
  return result;
}

Placement within_budget(const Snapshot& snapshot, Placement placed, const SelectionLimits& most) {
  const auto moving = spent(snapshot, placed);
  if (moving.contexts <= most.contexts && moving.rows <= most.rows) return placed;
  return Selection(snapshot, placed, most).run();
}

Placement place_those_here(const Snapshot& snapshot, const std::vector<std::string>& policy_of_app,
                           const StabilityOptions& options, std::size_t rows_max) {
  constexpr auto kAny = std::numeric_limits<std::int64_t>::max();
  if (!options.enabled) {
    return within_budget(snapshot, place_by_app(snapshot, policy_of_app), {false, kAny, rows_max});
  }
  const auto settle = [](const Snapshot& part, const Placement& wanted) {
    return Selection(part, wanted, {true, kAny, std::numeric_limits<std::size_t>::max()}).run();
  };
  return within_budget(snapshot, place_by_app(snapshot, policy_of_app, settle),
                       {true, options.moves_max, rows_max});
}

}  // namespace

void calm(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms) {
  const auto load = load_of(snapshot, current_placement(snapshot));
  snapshot.waiting_us = waiting_of(snapshot, load);
  if (options.enabled) {
    set_hysteresis(snapshot, options, load);
    set_not_ready(snapshot);
    limit_hosts(snapshot, options, now_ms, load);
  }
  hold(snapshot, options, now_ms);
}

void hold(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms) {
  const Feasibility feasible(snapshot);
  for (auto& group : snapshot.groups) {
    group.resting = false;
    if (!is_connected(snapshot, group.attachment)) group.fixed = true;
    if (!options.enabled) continue;
    if (group.fixed || group.moved_ms == 0 || !feasible.may_stay(group)) continue;
    const bool higher = snapshot.hosts[group.host].tier != Tier::kEdge;
    const auto rest_ms = higher ? std::max(options.dwell_ms, options.hold_ms) : options.dwell_ms;
    group.resting = now_ms - group.moved_ms < rest_ms;
  }
}

Placement place_calmly(const Snapshot& snapshot, const std::vector<std::string>& policy_of_app,
                       const StabilityOptions& options, std::size_t rows_max) {
  auto placed = place_those_here(snapshot, policy_of_app, options, rows_max);
  const auto left = rows_max - std::min(rows_max, spent(snapshot, placed).rows);
  return with_newcomers(snapshot, std::move(placed), [&](const Snapshot& part) {
    auto unlimited = options;
    unlimited.moves_max = std::numeric_limits<std::int64_t>::max();
    return place_those_here(part, policy_of_app, unlimited, left);
  });
}

}  // namespace mx2::optimizer
