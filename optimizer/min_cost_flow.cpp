#include "optimizer/min_cost_flow.h"

#include <algorithm>

#include "api/base/log.h"
#include "optimizer/flow_model.h"

namespace mx2::optimizer {
namespace {

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
    return load_[host] + units(c) * scale_.load <= model.capacity;
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
      const auto host = cheapest_with_room(c);
      if (host == kNone) return;
      take(c, host, 1, count);
    }
  }

  [[nodiscard]] Index cheapest_with_room(const DemandClass& c) const {
    Index best = kNone;
    std::int64_t least = 0;
    for (Index h = 0; h < snapshot_.hosts.size(); ++h) {
      if (!feasible_.may_enter(c, h) || !has_room(c, h)) continue;
      const auto cost = context_cost(snapshot_, c.app, c.attachment, h).total();
      if (best == kNone || cost < least) {
        best = h;
        least = cost;
      }
    }
    return best;
  }

  // Who is at a host stays as long as its count allows; the others fill what is left, in order.
  void hand_out(std::size_t i, Count& count, Placement& placement) const {
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
      placement.host_of_group[member] = to == count.end() ? kNone : to->first;
      if (to != count.end()) --to->second;
    }
  }

  const Snapshot& snapshot_;
  const Feasibility& feasible_;
  const Classes& classes_;
  const FlowScale& scale_;
  std::vector<std::int64_t> load_;
};

}  // namespace

Placement MinCostFlowPolicy::place(const Snapshot& snapshot) const {
  Statistics ignored;
  return place(snapshot, ignored);
}

Placement MinCostFlowPolicy::place(const Snapshot& snapshot, Statistics& statistics) const {
  const Feasibility feasible(snapshot);
  const auto classes = classify(snapshot);
  const auto scale = flow_scale(snapshot, classes);
  const auto flow = solve(build_transport(snapshot, feasible, classes, scale));
  if (!flow) {
    log::error("no plan: everybody stays", {{"reason", flow.error().detail}});
    return current_placement(snapshot);
  }
  statistics = {classes.classes.size(), flow->arcs, flow->rounds};
  return Rounding(snapshot, feasible, classes, scale).run(*flow);
}

}  // namespace mx2::optimizer
