// Some of the moves that a policy wants, the best first. Internal to stability.cpp.
//
// A move to a full host waits for one that leaves it, and so on: what is accepted is a chain that
// ends at a host with room, or where it began (an exchange, a ring). It is accepted whole or not at
// all, so hosts are never fuller than before, unless by those who must leave theirs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "optimizer/evaluation.h"
#include "optimizer/feasibility.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

struct SelectionLimits {
  bool must_pay = true;       // leaving costs count: a chain must be worth them
  std::int64_t contexts = 0;  // that may move besides those who must leave or relieve a host
  std::size_t rows = 0;       // groups that may move; who must leave comes first
};

class Selection {
 public:
  // `wanted` must outlive this.
  Selection(const Snapshot& snapshot, const Placement& wanted, const SelectionLimits& limits);
  [[nodiscard]] Placement run();

 private:
  using GroupIndex = std::uint32_t;
  using Chain = std::vector<GroupIndex>;
  // Waiting moves from one host to another, the best first.
  struct Lane {
    Index to = kNone;
    std::vector<GroupIndex> groups;
    std::size_t first = 0;  // those before do not wait any more
  };

  // Where no chain led on from, in this pass: a later search in vain is left out.
  struct DeadEnds {
    // By the first host and the units that come: hosts that could be reached from there, none of
    // which has room. Whoever comes from another than these closes no ring either.
    std::map<std::pair<Index, std::int64_t>, std::vector<bool>> reached;
    std::set<std::tuple<Index, Index, std::int64_t>> tried;  // from, to, units
  };

  void collect();
  void sort_into_lanes(const std::vector<GroupIndex>& pending);
  [[nodiscard]] bool go_through();
  [[nodiscard]] Chain chain_of(GroupIndex group);
  [[nodiscard]] bool leads_nowhere(GroupIndex head) const;
  [[nodiscard]] Chain search(GroupIndex head);
  [[nodiscard]] GroupIndex fitting(Lane& lane, std::int64_t units_min) const;
  [[nodiscard]] bool pays(const Chain& chain) const;
  [[nodiscard]] bool afford(const Chain& chain);
  void accept(GroupIndex group);

  [[nodiscard]] Index from(GroupIndex group) const { return snapshot_.groups[group].host; }
  [[nodiscard]] Index to(GroupIndex group) const { return wanted_.host_of_group[group]; }
  [[nodiscard]] std::int64_t units(GroupIndex group) const {
    return load_of(snapshot_, snapshot_.groups[group]);
  }
  [[nodiscard]] bool waits(GroupIndex group) const {
    return accepted_.host_of_group[group] != to(group);
  }
  [[nodiscard]] std::int64_t room(Index host) const {
    return snapshot_.hosts[host].capacity - load_[host];
  }
  [[nodiscard]] bool has_room(Index host, GroupIndex group) const {
    return host == kNone || room(host) >= units(group);
  }
  [[nodiscard]] bool relieves(GroupIndex group) const { return room(from(group)) < 0; }
  [[nodiscard]] bool must_not_come_down(GroupIndex group) const;
  [[nodiscard]] std::int64_t cost_us(GroupIndex group, Index host, std::int64_t extra) const;
  [[nodiscard]] std::int64_t gain_us(GroupIndex group) const;

  const Snapshot& snapshot_;
  const Placement& wanted_;
  const SelectionLimits limits_;
  const Feasibility feasible_;
  Placement accepted_;
  std::vector<std::int64_t> load_;
  std::vector<std::vector<Segment>> segments_;
  std::vector<GroupIndex> pending_;       // the best first
  std::vector<std::vector<Lane>> lanes_;  // by the host they leave
  DeadEnds dead_ends_;
  const std::int64_t overload_us_;
  std::int64_t contexts_ = 0;  // spent
  std::size_t rows_ = 0;       // spent
};

}  // namespace mx2::optimizer
