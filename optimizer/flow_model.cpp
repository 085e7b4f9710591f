#include "optimizer/flow_model.h"

#include <algorithm>
#include <numeric>

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kCostScaleMax = 5040;

// cost × times / by, where the product may not fit.
std::int64_t scaled(std::int64_t cost, std::int64_t times, std::int64_t by = 1) {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(cost, times, &product)) {
    return std::min(product / by, Transport::kCostMax);
  }
  return static_cast<std::int64_t>(
      std::min<Wide>(Wide{cost} * times / by, Wide{Transport::kCostMax}));
}

// The same function for steps of `load` units: a step across a border costs what its parts cost.
std::vector<Segment> in_steps(const std::vector<Segment>& segments, const FlowScale& scale) {
  std::vector<Segment> steps;
  std::int64_t begun = 0;  // units of a step that is not complete
  std::int64_t begun_cost = 0;
  for (auto segment : segments) {
    if (begun > 0) {
      const auto taken = std::min(segment.units, scale.load - begun);
      begun += taken;
      begun_cost = std::min(begun_cost + scaled(segment.cost_us, taken), Transport::kCostMax);
      segment.units -= taken;
      if (begun < scale.load) continue;
      steps.push_back({1, scaled(begun_cost, scale.cost)});
    }
    const auto whole = segment.units / scale.load;
    if (whole > 0) steps.push_back({whole, scaled(segment.cost_us, scale.load * scale.cost)});
    begun = segment.units % scale.load;
    begun_cost = scaled(segment.cost_us, begun);
  }
  return steps;
}

struct Builder {
  const Snapshot& snapshot;
  const Feasibility& feasible;
  const Classes& classes;
  const FlowScale& scale;
  Transport problem;

  // What a group's cost is for each of its units.
  [[nodiscard]] std::int64_t of_unit(const DemandClass& c, std::int64_t context_us) const {
    return scaled(context_us, c.contexts * scale.cost, scale.units(snapshot, c));
  }

  void add_hosts() {
    const auto fixed = fixed_load(snapshot);
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      problem.hosts.push_back(
          in_steps(beyond(congestion_segments(snapshot.hosts[h]), fixed[h]), scale));
    }
  }

  void add_refusals() {
    std::vector<std::int64_t> contexts(snapshot.apps.size());
    std::vector<std::int64_t> refused(snapshot.apps.size());
    for (const auto& group : snapshot.groups) {
      contexts[group.app] += group.contexts;
      if (group.fixed && group.host == kNone) refused[group.app] += group.contexts;
    }
    for (Index a = 0; a < snapshot.apps.size(); ++a) {
      const auto& app = snapshot.apps[a];
      const auto allowed = std::max<std::int64_t>(0, refusable(app, contexts[a]) - refused[a]);
      const auto cost = [&](std::int64_t us) {
        return scaled(weighed(app, us), scale.cost * scale.load, app.weight);
      };
      problem.refusals.push_back(
          {{allowed * app.weight / scale.load, cost(snapshot.cost.unserved_us)},
           {0, cost(snapshot.cost.below_minimum_us)}});
    }
  }

  // Those of the class that are at the same host and all rest, or none of them.
  struct Stay {
    Index host = 0;
    std::uint32_t groups = 0;
    std::int64_t leaving_us = 0;  // of each context
  };

  [[nodiscard]] std::vector<Stay> stays_of(const DemandClass& c) const {
    std::vector<Stay> stays;
    if (!c.placed) return stays;
    for (std::uint32_t i = 0; i < c.groups;) {
      const auto& first = snapshot.groups[classes.member(c, i)];
      const auto begin = i;
      const auto is_alike = [&](const Group& group) {
        return group.host == first.host && group.resting == first.resting;
      };
      while (i < c.groups && is_alike(snapshot.groups[classes.member(c, i)])) ++i;
      if (!feasible.may(c, first.host, first.host)) continue;
      stays.push_back(
          {first.host, i - begin, leaving_cost(snapshot, c, first.host, first.resting)});
    }
    return stays;
  }

  void add_source(std::size_t index) {
    const auto& c = classes.classes[index];
    auto& source = problem.sources.emplace_back();
    source.units = c.groups * scale.units(snapshot, c);
    source.refusal = c.app;
    // Who stays saves what leaving costs; so that no arc costs less than nothing, whoever does not
    // save the most pays the difference.
    const auto stays = stays_of(c);
    std::int64_t most = 0;
    for (const auto& stay : stays) most = std::max(most, stay.leaving_us);
    source.refusal_cost = of_unit(c, most);
    const auto migration = c.placed ? weighed(snapshot.apps[c.app], snapshot.cost.migration_us) : 0;
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      if (!feasible.may_enter(c, h)) {
        problem.cost.push_back(Transport::kForbidden);
        continue;
      }
      const auto cost = context_cost(snapshot, c.app, c.attachment, h).total() + migration;
      const auto descent = c.placed ? descent_cost(snapshot, c.app, c.tier, h) : 0;
      problem.cost.push_back(of_unit(c, cost + descent + most));
    }
    for (const auto& stay : stays) {
      const auto cost = context_cost(snapshot, c.app, c.attachment, stay.host).total();
      source.stays.push_back({stay.host, stay.groups * scale.units(snapshot, c),
                              of_unit(c, cost + most - stay.leaving_us)});
    }
  }
};

// Of one unit of flow, before it is scaled.
std::int64_t arc_cost_max(const Snapshot& snapshot) {
  const auto here = context_cost_max(snapshot);
  auto most = here + overload_cost_us(snapshot) + snapshot.hysteresis.rest_us;
  for (const auto& app : snapshot.apps) {
    most = std::max(most, here * 2 + 2 * snapshot.hysteresis.rest_us +
                              weighed(app, snapshot.cost.migration_us) +
                              weighed(app, snapshot.hysteresis.gain_us_min));
  }
  return std::max<std::int64_t>(1, most);
}

}  // namespace

FlowScale flow_scale(const Snapshot& snapshot, const Classes& classes) {
  FlowScale scale{0, 1};
  for (const auto& c : classes.classes) {
    scale.load = std::gcd(scale.load, snapshot.apps[c.app].weight * c.contexts);
  }
  scale.load = std::max<std::int64_t>(scale.load, 1);
  for (const auto& c : classes.classes) {
    scale.cost = std::lcm(scale.cost, scale.units(snapshot, c));
    if (scale.cost > kCostScaleMax) break;
  }
  scale.cost = std::min(scale.cost, kCostScaleMax);
  const auto most = Transport::kCostMax / arc_cost_max(snapshot);
  scale.cost = std::clamp<std::int64_t>(most, 1, scale.cost);
  return scale;
}

Transport build_transport(const Snapshot& snapshot, const Feasibility& feasible,
                          const Classes& classes, const FlowScale& scale) {
  Builder builder{snapshot, feasible, classes, scale, {}};
  builder.add_hosts();
  builder.add_refusals();
  builder.problem.cost.reserve(classes.classes.size() * snapshot.hosts.size());
  for (std::size_t i = 0; i < classes.classes.size(); ++i) builder.add_source(i);
  return std::move(builder.problem);
}

}  // namespace mx2::optimizer
