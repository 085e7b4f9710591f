// A transportation problem with convex costs at the hosts, solved exactly by network simplex.
//
// Sources send units to hosts or have them refused. A host takes units in segments of ascending
// cost; units that stay where they are have cheaper arcs of limited width; refusals cost what their
// class asks, again in segments. All numbers are integers and the answer is an optimum of them.
//
// Costs along a path are added up, never costs times units, and no path has more arcs than twice
// the hosts and refusals, as each source is passed once. Where such sums could exceed 64 bits they
// are 128 bits wide, which takes longer and cannot overflow.
//
// Sources × hosts arcs would be too many, so the solver starts with each source's cheapest hosts
// and prices all others with the dual solution: as long as one could help it is added and the
// network solved again, from the optimum it had. When none could, the optimum of the few arcs is
// proven to be that of all. Arcs of units that stay are treated alike.
#pragma once

#include <cstdint>
#include <vector>

#include "api/base/result.h"
#include "optimizer/congestion.h"

namespace mx2::optimizer {

struct Transport {
  static constexpr std::int64_t kForbidden = -1;
  static constexpr std::int64_t kCostMax = std::int64_t{1} << 60;  // of one unit, on any arc

  // All costs at least 0. A host may appear more than once, the dearest last.
  struct Stay {
    Index host = 0;
    std::int64_t units = 0;
    std::int64_t cost = 0;
  };
  struct Source {
    std::int64_t units = 0;
    Index refusal = 0;              // whose refusals its own count among
    std::int64_t refusal_cost = 0;  // of one of its units, besides
    std::vector<Stay> stays;        // by host
  };
  std::vector<Source> sources;
  std::vector<std::int64_t> cost;  // sources × hosts, of one unit that comes; kForbidden: no arc
  std::vector<std::vector<Segment>> hosts;
  std::vector<std::vector<Segment>> refusals;  // the last segment's width is not looked at

  [[nodiscard]] std::int64_t cost_of(std::size_t source, std::size_t host) const {
    return cost[source * hosts.size() + host];
  }
};

struct TransportFlow {
  struct Part {
    Index host = 0;
    std::int64_t units = 0;
  };
  std::vector<std::vector<Part>> parts;  // of each source, by host; what is missing is refused
  int rounds = 0;                        // networks solved
  bool wide = false;                     // in 128 bits
  std::size_t arcs = 0;                  // of the last one, out of sources × hosts
};

// internal if the solver finds no optimum, which no problem is known to bring about.
[[nodiscard]] Result<TransportFlow> solve(const Transport& problem);

}  // namespace mx2::optimizer
