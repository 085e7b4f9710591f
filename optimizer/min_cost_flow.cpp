#include "optimizer/min_cost_flow.h"

#include <algorithm>
#include <optional>

#include "optimizer/evacuation.h"
#include "optimizer/flow_model.h"

namespace mx2::optimizer {
namespace {

constexpr int kTrialsMax = 6;

// From units of flow for each class to a host for each group.
class Rounding {
 public:
  Rounding(const Snapshot& snapshot, const Feasibility& feasible, const Classes& classes,
           const FlowScale& scale)
      : snapshot_(snapshot),
        feasible_(feasible),
        classes_(classes),
        scale_(scale),
        load_(fixed_load(snapshot)) {}

  Placement run(const TransportFlow& flow) {
    auto placement = current_placement(snapshot_);
    std::vector<Count> counts(classes_.classes.size());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = whole_groups(i, flow.parts[i]);
    for (std::size_t i = 0; i < counts.size(); ++i) place_rest(i, flow.parts[i], counts[i]);
    for (std::size_t i = 0; i < counts.size(); ++i) hand_out(i, counts[i], placement);
    return placement;
  }

 private:
  using Count = std::vector<std::pair<Index, std::int64_t>>;  // groups for each host, by host

  Count whole_groups(std::size_t i, const std::vector<TransportFlow::Part>& parts) {
    const auto& c = classes_.classes[i];
    Count count;
    for (const auto& part : parts) take(c, part.host, part.units / units(c), count);
    return count;
  }

  [[nodiscard]] std::int64_t units(const DemandClass& c) const {
    return scale_.units(snapshot_, c);
  }

  void take(const DemandClass& c, Index host, std::int64_t groups, Count& count) {
    load_[host] += groups * units(c) * scale_.load;
    const auto it = std::lower_bound(count.begin(), count.end(), std::pair(host, std::int64_t{}));
    if (it != count.end() && it->first == host) {
      it->second += groups;
    } else {
      count.insert(it, {host, groups});
    }
  }

  [[nodiscard]] bool has_room(const DemandClass& c, Index host) const {
    const auto& model = snapshot_.hosts[host];
    return load_[host] + units(c) * scale_.load <= std::min(model.capacity, model.units_max);
  }

  // Groups whose units were split between hosts: to the host that got most of one, as long as there
  // is room, else to the cheapest with room.
  void place_rest(std::size_t i, const std::vector<TransportFlow::Part>& parts, Count& count) {
    const auto& c = classes_.classes[i];
    if (units(c) == 1) return;
    std::vector<std::pair<std::int64_t, Index>> split;
    std::int64_t units_served = 0;
    std::int64_t groups_served = 0;
    for (const auto& part : parts) {
      units_served += part.units;
      groups_served += part.units / units(c);
      if (part.units % units(c) > 0) split.emplace_back(-(part.units % units(c)), part.host);
    }
    std::sort(split.begin(), split.end());
    auto rest = (units_served + units(c) / 2) / units(c) - groups_served;
    for (const auto& [remainder, host] : split) {
      if (rest > 0 && has_room(c, host)) take(c, host, 1, count), --rest;
    }
    for (; rest > 0; --rest) {
      const auto host = cheapest_host(
          snapshot_, c, [&](Index h) { return feasible_.may_enter(c, h) && has_room(c, h); });
      if (host == kNone) return;
      take(c, host, 1, count);
    }
  }

  // Who is at a host stays as long as its count allows; the others fill what is left, in order.
  void hand_out(std::size_t i, Count& count, Placement& placement) {
    const auto& c = classes_.classes[i];
    std::vector<std::uint32_t> movers;
    for (std::uint32_t k = 0; k < c.groups; ++k) {
      const auto member = classes_.member(c, k);
      const auto host = snapshot_.groups[member].host;
      const auto it = std::lower_bound(count.begin(), count.end(), std::pair(host, std::int64_t{}));
      if (it != count.end() && it->first == host && it->second > 0) {
        --it->second;
      } else {
        movers.push_back(member);
      }
    }
    auto to = count.begin();
    for (const auto member : movers) {
      while (to != count.end() && to->second == 0) ++to;
      placement.host_of_group[member] = to == count.end() ? left_over(c, member) : to->first;
      if (to != count.end()) --to->second;
    }
  }

  // Who found no room where its parts were sent stays, as long as there is some.
  Index left_over(const DemandClass& c, std::uint32_t member) {
    const auto host = snapshot_.groups[member].host;
    const bool stays =
        units(c) > 1 && host != kNone && feasible_.may(c, host, host) && has_room(c, host);
    if (!stays) return kNone;
    load_[host] += units(c) * scale_.load;
    return host;
  }

  const Snapshot& snapshot_;
  const Feasibility& feasible_;
  const Classes& classes_;
  const FlowScale& scale_;
  std::vector<std::int64_t> load_;
};

bool may_all_stay(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  return std::all_of(snapshot.groups.begin(), snapshot.groups.end(),
                     [&](const Group& group) { return group.fixed || feasible.may_stay(group); });
}

// The waiting that the answer brings is assumed next, and where it makes somebody late who would be
// in time with less load, the host takes no more than that. False if there is nobody.
bool hold_to_response(const Snapshot& snapshot, const Placement& placed, Snapshot& trial) {
  std::vector<std::int64_t> within(snapshot.hosts.size());  // for those who are late
  const auto load = load_of(snapshot, placed);
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    const auto h = placed.host_of_group[i];
    const auto& limit_us = snapshot.apps[group.app].qos.response_us_max;
    if (h == kNone || limit_us == 0) continue;
    const auto& host = snapshot.hosts[h];
    const auto left_us =
        limit_us - host.service_us - reckoned_latency_us(snapshot, group.attachment, h);
    if (left_us < 0 || waiting_us(host, load[h]) <= left_us) continue;
    within[h] = std::max(within[h], load_within(host, left_us));
  }
  bool any = false;
  auto held = load;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    if (within[h] == 0) continue;
    any = true;
    held[h] = within[h];
    trial.hosts[h].units_max = within[h];
  }
  trial.waiting_us = waiting_of(snapshot, held);
  return any;
}

// For the waiting that the snapshot assumes.
Placement place_once(const Snapshot& snapshot, std::size_t cells_max) {
  const Feasibility feasible(snapshot);
  const auto classes = classify(snapshot);
  const auto cells = classes.classes.size() * snapshot.hosts.size();
  if (cells > cells_max) {
    return evacuated(snapshot, "the problem is too large to be solved exactly: " +
                                   std::to_string(classes.classes.size()) + " classes of UEs and " +
                                   std::to_string(snapshot.hosts.size()) + " hosts");
  }
  const auto scale = flow_scale(snapshot, classes);
  const auto flow = solve(build_transport(snapshot, feasible, classes, scale));
  if (!flow) return evacuated(snapshot, flow.error().detail);
  return Rounding(snapshot, feasible, classes, scale).run(*flow);
}

Placement place_in_time(const Snapshot& snapshot, std::size_t cells_max) {
  auto trial = snapshot;
  auto best = current_placement(snapshot);
  std::optional<std::int64_t> least;
  if (may_all_stay(snapshot)) least = evaluate(snapshot, best).total();
  trial.waiting_us = waiting_of(snapshot, fixed_load(snapshot));
  for (int round = 0; round < kTrialsMax; ++round) {
    auto placed = place_once(trial, cells_max);
    const auto cost = evaluate(snapshot, placed).total();
    const bool better = !least || cost < *least;
    const bool done = !placed.degraded.empty() || !hold_to_response(snapshot, placed, trial);
    const auto degraded = placed.degraded;
    if (better) {
      least = cost;
      best = std::move(placed);
    }
    if (!degraded.empty()) best.degraded = degraded;  // told, whichever is taken
    if (done) break;
  }
  return best;
}

}  // namespace

Placement place_min_cost_flow(const Snapshot& snapshot, std::size_t cells_max) {
  return has_response_limits(snapshot) ? place_in_time(snapshot, cells_max)
                                       : place_once(snapshot, cells_max);
}

}  // namespace mx2::optimizer
