// A transportation problem with convex costs at the hosts, solved exactly by network simplex.
//
// Sources send units to hosts or have them refused. A host takes units in segments of ascending
// cost; units that stay where they are have cheaper arcs of limited width; refusals cost what their
// class asks, again in segments. All numbers are integers and the answer is an optimum of them.
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

  struct Stay {
    Index host = 0;
    std::int64_t units = 0;
    std::int64_t cost = 0;
  };
  struct Source {
    std::int64_t units = 0;
    Index refusal = 0;        // whose refusals its own count among
    std::vector<Stay> stays;  // by host
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
  std::size_t arcs = 0;                  // of the last one, out of sources × hosts
};

// invalid_argument if the costs are so large that sums could overflow.
[[nodiscard]] Result<TransportFlow> solve(const Transport& problem);

}  // namespace mx2::optimizer
