#include "optimizer/evaluation.h"

#include <algorithm>
#include <cmath>

namespace mx2::optimizer {
namespace {

constexpr double kUsPerMs = 1000;

std::int64_t limit_us(const AppModel& app, const HostModel& host) {
  auto limit = std::numeric_limits<std::int64_t>::max();
  if (app.required_latency_us > 0) limit = app.required_latency_us;
  if (app.qos.response_us_max > 0) {
    limit = std::min(limit, app.qos.response_us_max - host.service_us);
  }
  return limit;
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
  Evaluation result;
  Samples samples;
  std::vector<std::int64_t> unserved_of_app;
  std::vector<std::int64_t> contexts_of_app;

  void add(const Group& group, Index host) {
    const std::int64_t contexts = group.contexts;
    result.contexts += contexts;
    contexts_of_app[group.app] += contexts;
    if (host == kNone) {
      result.unserved_contexts += contexts;
      unserved_of_app[group.app] += contexts;
      return;
    }
    const auto cost = context_cost(snapshot, group.app, group.attachment, host);
    result.latency += cost.latency_us * contexts;
    result.late += cost.late_us * contexts;
    result.off_tree += cost.off_tree_us * contexts;
    if (cost.late_us > 0) result.late_contexts += contexts;
    result.load[host] += load_of(snapshot, group);
    if (group.host != kNone && group.host != host) {
      result.moves += contexts;
      result.migration += snapshot.cost.migration_us * contexts;
    }
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

  void add_unserved() {
    for (Index a = 0; a < unserved_of_app.size(); ++a) {
      const auto& app = snapshot.apps[a];
      const auto within = std::min(unserved_of_app[a], refusable(app, contexts_of_app[a]));
      result.unserved += within * snapshot.cost.unserved_us * app.qos.utility;
      result.unserved +=
          (unserved_of_app[a] - within) * snapshot.cost.below_minimum_us * app.qos.utility;
    }
  }

  void add_hosts() {
    const auto overload_us = overload_cost_us(snapshot);
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      const auto& host = snapshot.hosts[h];
      result.congestion += congestion_cost(congestion_segments(host), result.load[h]);
      const auto over = result.load[h] - host.capacity;
      if (over <= 0 || result.load[h] == 0) continue;
      ++result.overloaded_hosts;
      result.overload += over * overload_us;
    }
  }
};

}  // namespace

std::int64_t reckoned_latency_us(const Snapshot& snapshot, Index attachment, Index host) {
  const auto us = snapshot.latency.at(attachment, host);
  return us >= 0 ? us : snapshot.cost.unknown_latency_us;
}

ContextCost context_cost(const Snapshot& snapshot, Index app, Index attachment, Index host) {
  const auto& model = snapshot.apps[app];
  const auto us = reckoned_latency_us(snapshot, attachment, host);
  ContextCost cost;
  cost.latency_us = us * model.qos.utility;
  if (us > limit_us(model, snapshot.hosts[host])) {
    cost.late_us = snapshot.cost.late_us * model.qos.utility;
  }
  if (is_off_tree(snapshot, attachment, host)) cost.off_tree_us = snapshot.cost.off_tree_us;
  return cost;
}

std::int64_t refusable(const AppModel& app, std::int64_t contexts) {
  return contexts * (100 - app.qos.served_percent_min) / 100;
}

std::int64_t overload_cost_us(const Snapshot& snapshot) {
  std::int64_t most = snapshot.cost.unserved_us;
  for (const auto& app : snapshot.apps) {
    const auto refused_us =
        app.qos.served_percent_min > 0 ? snapshot.cost.below_minimum_us : snapshot.cost.unserved_us;
    most = std::max(most, refused_us * app.qos.utility);
  }
  return most;
}

Evaluation evaluate(const Snapshot& snapshot, const Placement& placement) {
  Tally tally{snapshot, {}, {}, {}, {}};
  tally.result.load.resize(snapshot.hosts.size());
  tally.unserved_of_app.resize(snapshot.apps.size());
  tally.contexts_of_app.resize(snapshot.apps.size());
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    tally.add(snapshot.groups[i], placement.host_of_group[i]);
  }
  tally.add_unserved();
  tally.add_hosts();
  set_statistics(tally.samples, tally.result);
  return tally.result;
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
