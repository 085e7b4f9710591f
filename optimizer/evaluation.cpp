#include "optimizer/evaluation.h"

#include <algorithm>
#include <cmath>

#include "api/base/units.h"

namespace mx2::optimizer {
namespace {

// Eight terms are added up, so none of them may be more.
constexpr std::int64_t kSumMax = std::numeric_limits<std::int64_t>::max() / 8;

void add(std::int64_t& sum, std::int64_t cost, std::int64_t times) {
  std::int64_t product = 0;
  const bool fits = !__builtin_mul_overflow(cost, times, &product) && product < kSumMax - sum;
  sum = fits ? sum + product : kSumMax;
}

// The most latency that is in time.
std::int64_t limit_us(const Snapshot& snapshot, const AppModel& app, Index host) {
  auto limit = std::numeric_limits<std::int64_t>::max();
  if (app.required_latency_us > 0) limit = app.required_latency_us;
  if (app.qos.response_us_max == 0) return limit;
  const auto waiting = snapshot.waiting_us.empty() ? 0 : snapshot.waiting_us[host];
  return std::min(limit, app.qos.response_us_max - snapshot.hosts[host].service_us - waiting);
}

using Samples = std::vector<std::pair<std::int32_t, std::int64_t>>;  // µs, contexts

void set_statistics(Samples& samples, Evaluation& result) {
  std::sort(samples.begin(), samples.end());
  std::int64_t contexts = 0;
  double sum = 0;
  for (const auto& [us, count] : samples) {
    contexts += count;
    sum += static_cast<double>(us) * static_cast<double>(count);
  }
  if (contexts == 0) return;
  result.latency_mean_ms = sum / static_cast<double>(contexts) / kUsPerMs;
  const auto rank = (contexts * 95 + 99) / 100;
  std::int64_t seen = 0;
  for (const auto& [us, count] : samples) {
    seen += count;
    if (seen < rank) continue;
    result.latency_p95_ms = us / kUsPerMs;
    return;
  }
}

struct Tally {
  const Snapshot& snapshot;
  const Feasibility feasible;
  Evaluation result;
  Samples samples;
  std::vector<std::int64_t> unserved_of_app;
  std::vector<std::int64_t> contexts_of_app;

  void add_group(const Group& group, Index host) {
    const std::int64_t contexts = group.contexts;
    result.contexts += contexts;
    contexts_of_app[group.app] += contexts;
    if (group.host != kNone && group.host != host) add_leaving(group, host);
    if (host == kNone) {
      result.unserved_contexts += contexts;
      unserved_of_app[group.app] += contexts;
      return;
    }
    const auto cost = context_cost(snapshot, group.app, group.attachment, host);
    add(result.latency, cost.latency_us, contexts);
    add(result.late, cost.late_us, contexts);
    add(result.off_tree, cost.off_tree_us, contexts);
    if (cost.late_us > 0) result.late_contexts += contexts;
    const auto us = snapshot.latency.at(group.attachment, host);
    if (us < 0) {
      result.unknown_latency_contexts += contexts;
      return;
    }
    if (!samples.empty() && samples.back().first == us) {
      samples.back().second += contexts;
    } else {
      samples.emplace_back(us, contexts);
    }
  }

  void add_leaving(const Group& group, Index host) {
    const std::int64_t contexts = group.contexts;
    if (feasible.may(group, group.host, group.host)) {
      add(result.leaving, leaving_cost(snapshot, group, group.host, group.resting), contexts);
    }
    if (host == kNone) return;
    result.moves += contexts;
    const auto& app = snapshot.apps[group.app];
    add(result.migration, weighed(app, snapshot.cost.migration_us), contexts);
    const auto tier = snapshot.hosts[group.host].tier;
    add(result.leaving, descent_cost(snapshot, group.app, tier, host), contexts);
  }

  void add_unserved() {
    for (Index a = 0; a < unserved_of_app.size(); ++a) {
      const auto& app = snapshot.apps[a];
      const auto within = std::min(unserved_of_app[a], refusable(app, contexts_of_app[a]));
      add(result.unserved, weighed(app, snapshot.cost.unserved_us), within);
      add(result.unserved, weighed(app, snapshot.cost.below_minimum_us),
          unserved_of_app[a] - within);
    }
  }

  void add_hosts() {
    const auto overload_us = overload_cost_us(snapshot);
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      const auto& host = snapshot.hosts[h];
      add(result.congestion, congestion_cost(congestion_segments(host), result.load[h]), 1);
      const auto over = result.load[h] - host.capacity;
      if (over <= 0 || result.load[h] == 0) continue;
      ++result.overloaded_hosts;
      add(result.overload, overload_us, over);
    }
  }
};

Evaluation tally(const Snapshot& snapshot, const Placement& placement,
                 std::vector<std::int64_t> load) {
  Tally tally{snapshot, Feasibility(snapshot), {}, {}, {}, {}};
  tally.result.load = std::move(load);
  tally.unserved_of_app.resize(snapshot.apps.size());
  tally.contexts_of_app.resize(snapshot.apps.size());
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    tally.add_group(snapshot.groups[i], placement.host_of_group[i]);
  }
  tally.add_unserved();
  tally.add_hosts();
  set_statistics(tally.samples, tally.result);
  return tally.result;
}

}  // namespace

std::int64_t reckoned_latency_us(const Snapshot& snapshot, Index attachment, Index host) {
  const auto us = snapshot.latency.at(attachment, host);
  return us >= 0 ? us : snapshot.cost.unknown_latency_us;
}

std::int64_t weighed(const AppModel& app, std::int64_t us) {
  if (app.request_weight == 0) return us * app.qos.utility;
  return std::min(us * app.qos.utility * app.weight / app.request_weight, kContextCostMax);
}

ContextCost context_cost(const Snapshot& snapshot, Index app, Index attachment, Index host) {
  const auto& model = snapshot.apps[app];
  const auto us = reckoned_latency_us(snapshot, attachment, host);
  ContextCost cost;
  cost.latency_us = weighed(model, us);
  if (us > limit_us(snapshot, model, host)) cost.late_us = weighed(model, snapshot.cost.late_us);
  if (is_off_tree(snapshot, attachment, host)) {
    cost.off_tree_us = weighed(model, snapshot.cost.off_tree_us);
  }
  return cost;
}

std::int64_t context_cost_max(const Snapshot& snapshot) {
  const auto latency_us =
      std::max<std::int64_t>(snapshot.cost.unknown_latency_us, snapshot.latency.longest());
  std::int64_t most = 0;
  for (const auto& app : snapshot.apps) {
    most = std::max(most, weighed(app, latency_us) + weighed(app, snapshot.cost.late_us) +
                              weighed(app, snapshot.cost.off_tree_us));
  }
  return most;
}

std::int64_t leaving_cost(const Snapshot& snapshot, const Demand& demand, Index host,
                          bool resting) {
  const auto& hysteresis = snapshot.hysteresis;
  const auto& app = snapshot.apps[demand.app];
  auto cost = weighed(app, hysteresis.gain_us_min);
  if (hysteresis.gain_percent_min > 0) {
    auto there = context_cost(snapshot, demand.app, demand.attachment, host).total();
    if (!hysteresis.waiting_us.empty()) there += hysteresis.waiting_us[host] * app.weight;
    cost = std::max(cost, there / 100 * hysteresis.gain_percent_min);
  }
  return std::min(resting ? cost + hysteresis.rest_us : cost, kContextCostMax);
}

std::int64_t descent_cost(const Snapshot& snapshot, Index app, Tier tier, Index host) {
  const auto& to = snapshot.hosts[host];
  if (to.takes_from_above || to.tier >= tier) return 0;
  return weighed(snapshot.apps[app], snapshot.cost.unserved_us) / 2;
}

std::int64_t refusable(const AppModel& app, std::int64_t contexts) {
  return contexts * (100 - app.qos.served_percent_min) / 100;
}

std::int64_t overload_cost_us(const Snapshot& snapshot) {
  std::int64_t most = snapshot.cost.unserved_us;
  for (const auto& app : snapshot.apps) {
    const auto refused_us =
        app.qos.served_percent_min > 0 ? snapshot.cost.below_minimum_us : snapshot.cost.unserved_us;
    most = std::max(most, weighed(app, refused_us));
  }
  return most;
}

// The waiting is that of the placement's own load.
Evaluation evaluate(const Snapshot& snapshot, const Placement& placement) {
  auto load = load_of(snapshot, placement);
  if (!has_response_limits(snapshot)) return tally(snapshot, placement, std::move(load));
  auto judged = snapshot;
  judged.waiting_us = waiting_of(snapshot, load);
  return tally(judged, placement, std::move(load));
}

std::vector<std::int64_t> load_of(const Snapshot& snapshot, const Placement& placement) {
  std::vector<std::int64_t> load(snapshot.hosts.size());
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto host = placement.host_of_group[i];
    if (host != kNone) load[host] += load_of(snapshot, snapshot.groups[i]);
  }
  return load;
}

bool has_response_limits(const Snapshot& snapshot) {
  return std::any_of(snapshot.apps.begin(), snapshot.apps.end(),
                     [](const AppModel& app) { return app.qos.response_us_max > 0; });
}

std::vector<std::int64_t> waiting_of(const Snapshot& snapshot,
                                     const std::vector<std::int64_t>& load) {
  std::vector<std::int64_t> waiting;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    waiting.push_back(waiting_us(snapshot.hosts[h], load[h]));
  }
  return waiting;
}

std::vector<std::int64_t> fixed_load(const Snapshot& snapshot) {
  std::vector<std::int64_t> load(snapshot.hosts.size());
  for (const auto& group : snapshot.groups) {
    if (group.fixed && group.host != kNone) load[group.host] += load_of(snapshot, group);
  }
  return load;
}

Placement current_placement(const Snapshot& snapshot) {
  Placement placement;
  placement.host_of_group.reserve(snapshot.groups.size());
  for (const auto& group : snapshot.groups) placement.host_of_group.push_back(group.host);
  return placement;
}

}  // namespace mx2::optimizer
