#include "optimizer/flow_model.h"

#include <algorithm>
#include <numeric>

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kCostScaleMax = 5040;

// The same function for steps of `load` units: a step across a border costs what its parts cost.
std::vector<Segment> in_steps(const std::vector<Segment>& segments, const FlowScale& scale) {
  std::vector<Segment> steps;
  std::int64_t begun = 0;  // units of a step that is not complete
  std::int64_t begun_cost = 0;
  for (auto segment : segments) {
    if (begun > 0) {
      const auto taken = std::min(segment.units, scale.load - begun);
      begun += taken;
      begun_cost += taken * segment.cost_us;
      segment.units -= taken;
      if (begun < scale.load) continue;
      steps.push_back({1, begun_cost * scale.cost});
    }
    const auto whole = segment.units / scale.load;
    if (whole > 0) steps.push_back({whole, segment.cost_us * scale.load * scale.cost});
    begun = segment.units % scale.load;
    begun_cost = begun * segment.cost_us;
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
    return context_us * c.contexts * scale.cost / scale.units(snapshot, c);
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
        return us * app.qos.utility * scale.cost * scale.load / app.weight;
      };
      problem.refusals.push_back(
          {{allowed * app.weight / scale.load, cost(snapshot.cost.unserved_us)},
           {0, cost(snapshot.cost.below_minimum_us)}});
    }
  }

  void add_stays(const DemandClass& c, Transport::Source& source) const {
    for (std::uint32_t i = 0; i < c.groups;) {
      const auto host = snapshot.groups[classes.member(c, i)].host;
      const auto begin = i;
      while (i < c.groups && snapshot.groups[classes.member(c, i)].host == host) ++i;
      if (host == kNone || !feasible.may(c, host, host)) continue;
      const auto cost = context_cost(snapshot, c.app, c.attachment, host).total();
      source.stays.push_back({host, (i - begin) * scale.units(snapshot, c), of_unit(c, cost)});
    }
  }

  void add_source(std::size_t index) {
    const auto& c = classes.classes[index];
    auto& source = problem.sources.emplace_back();
    source.units = c.groups * scale.units(snapshot, c);
    source.refusal = c.app;
    const auto migration = c.placed ? snapshot.cost.migration_us : 0;
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      const auto cost = context_cost(snapshot, c.app, c.attachment, h).total() + migration;
      problem.cost.push_back(feasible.may_enter(c, h) ? of_unit(c, cost) : Transport::kForbidden);
    }
    if (c.placed) add_stays(c, source);
  }
};

}  // namespace

FlowScale flow_scale(const Snapshot& snapshot, const Classes& classes) {
  FlowScale scale{0, 1};
  for (const auto& c : classes.classes) {
    scale.load = std::gcd(scale.load, snapshot.apps[c.app].weight * c.contexts);
  }
  scale.load = std::max<std::int64_t>(scale.load, 1);
  for (const auto& c : classes.classes) {
    scale.cost = std::lcm(scale.cost, scale.units(snapshot, c));
    if (scale.cost > kCostScaleMax) return {scale.load, kCostScaleMax};
  }
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
