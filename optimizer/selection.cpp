#include "optimizer/selection.h"

#include <algorithm>
#include <unordered_map>

namespace mx2::optimizer {
namespace {

constexpr int kPassesMax = 8;
constexpr std::size_t kLooksMax = 16;  // groups of a lane that are tried for their size

}  // namespace

Selection::Selection(const Snapshot& snapshot, const Placement& wanted,
                     const SelectionLimits& limits)
    : snapshot_(snapshot),
      wanted_(wanted),
      limits_(limits),
      feasible_(snapshot),
      accepted_(current_placement(snapshot)),
      load_(mx2::optimizer::load_of(snapshot, accepted_)),
      lanes_(snapshot.hosts.size()),
      overload_us_(overload_cost_us(snapshot)) {
  for (const auto& host : snapshot.hosts) segments_.push_back(congestion_segments(host));
}

Placement Selection::run() {
  collect();
  for (int pass = 0; pass < kPassesMax; ++pass) {
    dead_ends_ = {};
    if (!go_through()) break;
  }
  accepted_.degraded = wanted_.degraded;
  return std::move(accepted_);
}

// Urgent moves are done; the others wait.
void Selection::collect() {
  std::vector<GroupIndex> pending;
  for (GroupIndex i = 0; i < snapshot_.groups.size(); ++i) {
    const auto& group = snapshot_.groups[i];
    if (to(i) == group.host) continue;
    if (feasible_.may_stay(group)) {
      pending.push_back(i);
    } else if (rows_ < limits_.rows) {
      ++rows_;
      accept(i);
    }
  }
  std::erase_if(pending, [this](GroupIndex i) { return must_not_come_down(i); });
  sort_into_lanes(pending);
}

// Unless there is no room up there.
bool Selection::must_not_come_down(GroupIndex group) const {
  if (!limits_.must_pay || to(group) == kNone || relieves(group)) return false;
  const auto tier = snapshot_.hosts[from(group)].tier;
  return descent_cost(snapshot_, snapshot_.groups[group].app, tier, to(group)) > 0;
}

void Selection::sort_into_lanes(const std::vector<GroupIndex>& pending) {
  std::vector<std::pair<std::int64_t, GroupIndex>> order;
  order.reserve(pending.size());
  for (const auto group : pending) order.emplace_back(-gain_us(group), group);
  std::sort(order.begin(), order.end());
  for (const auto& [loss, group] : order) {
    pending_.push_back(group);
    auto& lanes = lanes_[from(group)];
    auto lane = std::find_if(lanes.begin(), lanes.end(),
                             [&, host = to(group)](const Lane& l) { return l.to == host; });
    if (lane == lanes.end()) lane = lanes.insert(lane, Lane{to(group), {}, 0});
    lane->groups.push_back(group);
  }
}

bool Selection::go_through() {
  bool any = false;
  for (const auto group : pending_) {
    if (!waits(group)) continue;
    const auto chain = chain_of(group);
    if (!chain.empty() && pays(chain) && afford(chain)) any = true;
  }
  return any;
}

// Empty if there is none.
Selection::Chain Selection::chain_of(GroupIndex group) {
  if (has_room(to(group), group)) return {group};
  return leads_nowhere(group) ? Chain() : search(group);
}

bool Selection::leads_nowhere(GroupIndex head) const {
  const auto known = dead_ends_.reached.find({to(head), units(head)});
  if (known != dead_ends_.reached.end() && !known->second[from(head)]) return true;
  return dead_ends_.tried.contains({from(head), to(head), units(head)});
}

// Breadth first over the hosts, so the shortest.
Selection::Chain Selection::search(GroupIndex head) {
  std::unordered_map<Index, GroupIndex> reached = {{to(head), head}};  // by whom
  std::vector<Index> queue = {to(head)};
  const auto back = [&](GroupIndex last) {
    Chain chain = {last};
    while (chain.back() != head) chain.push_back(reached.at(from(chain.back())));
    std::reverse(chain.begin(), chain.end());
    return chain;
  };
  bool came_back = false;  // to the head's host, but the ring did not fit
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const auto host = queue[i];
    const auto needed = units(reached.at(host)) - room(host);
    for (auto& lane : lanes_[host]) {
      if (lane.to != kNone && reached.contains(lane.to)) continue;
      const auto next = fitting(lane, needed);
      if (next == kNone) continue;
      const bool closes = lane.to == from(head) && room(lane.to) + units(head) >= units(next);
      if (closes || has_room(lane.to, next)) return back(next);
      came_back = came_back || lane.to == from(head);
      if (lane.to == from(head)) continue;
      reached.emplace(lane.to, next);
      queue.push_back(lane.to);
    }
  }
  dead_ends_.tried.insert({from(head), to(head), units(head)});
  if (came_back) return {};
  std::vector<bool> hosts(snapshot_.hosts.size());
  for (const auto host : queue) hosts[host] = true;
  dead_ends_.reached.insert_or_assign({to(head), units(head)}, std::move(hosts));
  return {};
}

// The best of a lane that leaves enough room behind; kNone if there is none.
Selection::GroupIndex Selection::fitting(Lane& lane, std::int64_t units_min) const {
  while (lane.first < lane.groups.size() && !waits(lane.groups[lane.first])) ++lane.first;
  const auto end = std::min(lane.groups.size(), lane.first + kLooksMax);
  for (auto i = lane.first; i < end; ++i) {
    if (waits(lane.groups[i]) && units(lane.groups[i]) >= units_min) return lane.groups[i];
  }
  return kNone;
}

bool Selection::pays(const Chain& chain) const {
  if (!limits_.must_pay || relieves(chain.front())) return true;
  Wide gain = 0;
  for (const auto i : chain) {
    const auto& group = snapshot_.groups[i];
    gain += Wide{gain_us(i) - leaving_cost(snapshot_, group, group.host, group.resting)} *
            group.contexts;
  }
  return gain >= 0;
}

// Accepts unless the budget is spent; relief does not count.
bool Selection::afford(const Chain& chain) {
  std::int64_t contexts = 0;
  for (const auto group : chain) {
    if (!relieves(group)) contexts += snapshot_.groups[group].contexts;
  }
  if (contexts > limits_.contexts - contexts_ || chain.size() > limits_.rows - rows_) return false;
  contexts_ += contexts;
  rows_ += chain.size();
  for (const auto group : chain) accept(group);
  return true;
}

void Selection::accept(GroupIndex group) {
  auto& at = accepted_.host_of_group[group];
  if (at != kNone) load_[at] -= units(group);
  at = to(group);
  if (at != kNone) load_[at] += units(group);
}

// Of one context of a group at a host whose load differs by `extra` units.
std::int64_t Selection::cost_us(GroupIndex group, Index host, std::int64_t extra) const {
  const auto& g = snapshot_.groups[group];
  const auto& app = snapshot_.apps[g.app];
  if (host == kNone) return weighed(app, snapshot_.cost.unserved_us);
  const auto load = load_[host] + extra;
  const auto marginal = room(host) < extra ? overload_us_ : marginal_cost(segments_[host], load);
  return context_cost(snapshot_, g.app, g.attachment, host).total() +
         std::min(marginal, kContextCostMax / app.weight) * app.weight;
}

std::int64_t Selection::gain_us(GroupIndex group) const {
  const auto& app = snapshot_.apps[snapshot_.groups[group].app];
  const auto migration = to(group) == kNone ? 0 : weighed(app, snapshot_.cost.migration_us);
  return cost_us(group, from(group), -1) - cost_us(group, to(group), 0) - migration;
}

}  // namespace mx2::optimizer
