#include "optimizer/stability.h"

#include <algorithm>

#include "optimizer/evaluation.h"

namespace mx2::optimizer {
namespace {

constexpr int kPassesMax = 8;

struct Move {
  std::uint32_t group = 0;
  std::int64_t gain_us = 0;  // for each context, when the plan begins
};

class Selection {
 public:
  Selection(const Snapshot& snapshot, const Placement& wanted, const StabilityOptions& options)
      : snapshot_(snapshot),
        wanted_(wanted),
        options_(options),
        feasible_(snapshot),
        accepted_(current_placement(snapshot)),
        before_(evaluate(snapshot, accepted_).load),
        load_(before_),
        from_(snapshot.hosts.size()),
        overload_us_(overload_cost_us(snapshot)) {
    for (const auto& host : snapshot.hosts) segments_.push_back(congestion_segments(host));
  }

  Placement run() {
    collect();
    for (int pass = 0; pass < kPassesMax; ++pass) {
      if (!go_through()) break;
    }
    return std::move(accepted_);
  }

 private:
  // Urgent moves are done; the others wait, the best first.
  void collect() {
    for (std::uint32_t i = 0; i < snapshot_.groups.size(); ++i) {
      const auto& group = snapshot_.groups[i];
      if (wanted_.host_of_group[i] == group.host) continue;
      const bool must_leave = group.host == kNone || !feasible_.may(group, group.host, group.host);
      if (must_leave) {
        accept(i);
      } else if (!must_stay_up(group, wanted_.host_of_group[i])) {
        pending_.push_back({i, 0});
      }
    }
    for (auto& move : pending_) move.gain_us = gain_us(move.group);
    std::stable_sort(pending_.begin(), pending_.end(),
                     [](const Move& a, const Move& b) { return a.gain_us > b.gain_us; });
    for (const auto& move : pending_)
      from_[snapshot_.groups[move.group].host].push_back(move.group);
  }

  // Down again only to a host below its low mark, unless there is no room up there.
  [[nodiscard]] bool must_stay_up(const Group& group, Index to) const {
    if (options_.low_percent >= 100 || to == kNone) return false;
    const auto& up = snapshot_.hosts[group.host];
    const auto& down = snapshot_.hosts[to];
    if (down.tier >= up.tier || before_[group.host] > up.capacity) return false;
    return before_[to] * 100 >= down.capacity * options_.low_percent;
  }

  bool go_through() {
    bool any = false;
    for (const auto& move : pending_) {
      if (!waits(move.group)) continue;
      const auto to = wanted_.host_of_group[move.group];
      if (has_room(to, move.group)) {
        const bool worth = relieves(move.group) || pays(move.group, gain_us(move.group));
        if (worth && afford(move.group)) any = true;
      } else if (swap(move.group, to)) {
        any = true;
      }
    }
    return any;
  }

  // Makes room at `to` by a move away from there, if both together pay.
  bool swap(std::uint32_t group, Index to) {
    const auto& leaving = from_[to];
    const auto other = std::find_if(leaving.begin(), leaving.end(), [&](std::uint32_t candidate) {
      return waits(candidate) && has_room(wanted_.host_of_group[candidate], candidate) &&
             load_of(snapshot_, snapshot_.groups[candidate]) >=
                 load_of(snapshot_, snapshot_.groups[group]);
    });
    if (other == leaving.end()) return false;
    if (!pays(group, gain_us(group) + gain_us(*other))) return false;
    return afford(*other) && afford(group);
  }

  [[nodiscard]] bool waits(std::uint32_t group) const {
    return accepted_.host_of_group[group] != wanted_.host_of_group[group];
  }

  [[nodiscard]] std::int64_t room(Index host) const {
    return snapshot_.hosts[host].capacity - load_[host];
  }

  [[nodiscard]] bool has_room(Index to, std::uint32_t group) const {
    return to == kNone || room(to) >= load_of(snapshot_, snapshot_.groups[group]);
  }

  [[nodiscard]] bool relieves(std::uint32_t group) const {
    return room(accepted_.host_of_group[group]) < 0;
  }

  [[nodiscard]] bool pays(std::uint32_t group, std::int64_t gain) const {
    const auto now = cost_us(group, accepted_.host_of_group[group], -1);
    return gain >= options_.gain_us_min && gain * 100 >= now * options_.gain_percent_min;
  }

  // Accepts unless the budget is spent; relief does not count.
  bool afford(std::uint32_t group) {
    const std::int64_t contexts = snapshot_.groups[group].contexts;
    if (!relieves(group)) {
      if (spent_ + contexts > options_.moves_max) return false;
      spent_ += contexts;
    }
    accept(group);
    return true;
  }

  void accept(std::uint32_t group) {
    const auto units = load_of(snapshot_, snapshot_.groups[group]);
    auto& at = accepted_.host_of_group[group];
    if (at != kNone) load_[at] -= units;
    at = wanted_.host_of_group[group];
    if (at != kNone) load_[at] += units;
  }

  // Of one context of a group at a host whose load differs by `extra` units.
  [[nodiscard]] std::int64_t cost_us(std::uint32_t group, Index host, std::int64_t extra) const {
    const auto& g = snapshot_.groups[group];
    const auto& app = snapshot_.apps[g.app];
    if (host == kNone) return snapshot_.cost.unserved_us * app.qos.utility;
    const auto load = load_[host] + extra;
    const auto marginal = room(host) < extra ? overload_us_ : marginal_cost(segments_[host], load);
    return context_cost(snapshot_, g.app, g.attachment, host).total() + marginal * app.weight;
  }

  [[nodiscard]] std::int64_t gain_us(std::uint32_t group) const {
    const auto to = wanted_.host_of_group[group];
    const auto migration = to == kNone ? 0 : snapshot_.cost.migration_us;
    return cost_us(group, accepted_.host_of_group[group], -1) - cost_us(group, to, 0) - migration;
  }

  const Snapshot& snapshot_;
  const Placement& wanted_;
  const StabilityOptions& options_;
  const Feasibility feasible_;
  Placement accepted_;
  const std::vector<std::int64_t> before_;  // load of each host
  std::vector<std::int64_t> load_;
  std::vector<std::vector<Segment>> segments_;
  std::vector<Move> pending_;
  std::vector<std::vector<std::uint32_t>> from_;  // pending groups by present host
  std::int64_t overload_us_;
  std::int64_t spent_ = 0;
};

void limit_hosts(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms) {
  if (!options.enabled) return;
  std::vector<std::int64_t> load;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    auto& host = snapshot.hosts[h];
    host.ready_capacity = host.capacity;
    if (host.parent != kNone) host.ready_capacity = host.capacity * options.high_percent / 100;
    const auto age_ms = now_ms - host.up_since_ms;
    if (host.up_since_ms == 0 || age_ms >= options.return_ms) continue;
    if (load.empty()) load = evaluate(snapshot, current_placement(snapshot)).load;
    const auto percent = age_ms < options.return_wait_ms ? 0 : 100 * age_ms / options.return_ms;
    const auto allowed = std::max(host.capacity * percent / 100, load[h]);
    host.ready_capacity = std::min(host.ready_capacity, allowed);
  }
}

}  // namespace

void calm(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms) {
  limit_hosts(snapshot, options, now_ms);
  hold(snapshot, options, now_ms);
}

void hold(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms) {
  const Feasibility feasible(snapshot);
  for (auto& group : snapshot.groups) {
    if (!is_connected(snapshot, group.attachment)) group.fixed = true;
    if (!options.enabled) continue;
    if (group.fixed || group.host == kNone || group.moved_ms == 0) continue;
    if (!feasible.may(group, group.host, group.host)) continue;
    const bool higher = snapshot.hosts[group.host].tier != Tier::kEdge;
    const auto rest_ms = higher ? std::max(options.dwell_ms, options.hold_ms) : options.dwell_ms;
    group.fixed = now_ms - group.moved_ms < rest_ms;
  }
}

Placement worthwhile(const Snapshot& snapshot, const Placement& wanted,
                     const StabilityOptions& options) {
  if (!options.enabled) return wanted;
  return Selection(snapshot, wanted, options).run();
}

}  // namespace mx2::optimizer
