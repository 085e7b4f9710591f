#include "optimizer/simple_policies.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "optimizer/evaluation.h"
#include "optimizer/feasibility.h"

namespace mx2::optimizer {
namespace {

// Groups that may move, the largest first, otherwise in their order.
std::vector<std::size_t> movable_by_size(const Snapshot& snapshot) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    if (!snapshot.groups[i].fixed) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return snapshot.groups[a].contexts > snapshot.groups[b].contexts;
  });
  return order;
}

// The least by `key` of the hosts that may take the group; kNone without any.
template <typename Key>
Index best_host(const Snapshot& snapshot, const Feasibility& feasible, const Group& group,
                Key key) {
  return least_host(
      snapshot, [&](Index h) { return feasible.may(group, group.host, h); }, key);
}

}  // namespace

Placement place_static(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    if (group.fixed) continue;
    const auto home = snapshot.apps[group.app].default_host;
    const bool usable = home != kNone && feasible.may(group, group.host, home);
    placement.host_of_group[i] =
        usable ? home : best_host(snapshot, feasible, group, [](Index h) { return h; });
  }
  return placement;
}

Placement place_nearest(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    if (group.fixed) continue;
    // Among equals who is there stays.
    placement.host_of_group[i] = best_host(snapshot, feasible, group, [&](Index h) {
      return std::pair(reckoned_latency_us(snapshot, group.attachment, h), h != group.host);
    });
  }
  return placement;
}

// A list kept ascending by load, where an updated host goes behind its equals.
Placement place_count_greedy(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  std::set<std::tuple<std::int64_t, std::uint64_t, Index>> hosts;  // load, age in the list, host
  std::uint64_t sequence = 0;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) hosts.emplace(0, sequence++, h);
  for (const auto i : movable_by_size(snapshot)) {
    const auto& group = snapshot.groups[i];
    const Demand demand{group.app, kNone, group.area};  // latencies do not count
    const auto it = std::find_if(hosts.begin(), hosts.end(), [&](const auto& entry) {
      return feasible.may(demand, group.host, std::get<2>(entry));
    });
    placement.host_of_group[i] = it == hosts.end() ? kNone : std::get<2>(*it);
    if (it == hosts.end()) continue;
    const auto [load, age, host] = *it;
    hosts.erase(it);
    hosts.emplace(load + group.contexts, sequence++, host);
  }
  return placement;
}

Placement place_least_loaded(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  auto placement = current_placement(snapshot);
  auto load = fixed_load(snapshot);
  std::vector<std::size_t> waiting;
  for (const auto i : movable_by_size(snapshot)) {
    const auto& group = snapshot.groups[i];
    const auto units = load_of(snapshot, group);
    const bool stays =
        feasible.may_stay(group) && load[group.host] + units <= snapshot.hosts[group.host].capacity;
    if (stays) {
      load[group.host] += units;
    } else {
      waiting.push_back(i);
    }
  }
  for (const auto i : waiting) {
    const auto& group = snapshot.groups[i];
    const auto units = load_of(snapshot, group);
    const auto host = best_host(snapshot, feasible, group, [&](Index h) {
      const auto capacity = snapshot.hosts[h].capacity;
      const auto utilisation =
          static_cast<double>(load[h] + units) / static_cast<double>(std::max(capacity, units));
      return std::tuple(load[h] + units > capacity, utilisation, h);
    });
    const bool room = host != kNone && load[host] + units <= snapshot.hosts[host].capacity;
    placement.host_of_group[i] = room ? host : kNone;
    if (room) load[host] += units;
  }
  return placement;
}

}  // namespace mx2::optimizer
