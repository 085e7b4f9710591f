// The default policy: the placement of least total cost (evaluation.h) under all capacities.
//
// Exact when all groups weigh the same, which is the usual case; otherwise the optimum of the
// divisible problem, rounded so that capacities hold: at most one group for each class and host
// differs from it.
//
// Limits of the response time (QosClass) depend on the waiting, so on the answer. They have no
// exact flow: one is found as if nobody waited for who may move, then for the waiting that the
// answer brings, where hosts take no more than with which those who were late are in time; the best
// is taken, or everybody stays if that is better.
//
// If the problem is larger than the solver may become, or it finds no answer, the plan is that of
// evacuation.h, and the placement says so (degraded).
#pragma once

#include "optimizer/policy.h"

namespace mx2::optimizer {

class MinCostFlowPolicy final : public PlacementPolicy {
 public:
  // Classes × hosts, of which each takes 9 bytes while it is solved.
  static constexpr std::size_t kCellsMax = std::size_t{1} << 28;

  struct Statistics {
    std::size_t classes = 0;
    std::size_t arcs = 0;
    int rounds = 0;     // of the solver
    bool wide = false;  // costs were added up in 128 bits
  };

  explicit MinCostFlowPolicy(std::size_t cells_max = kCellsMax) : cells_max_(cells_max) {}

  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] Placement place(const Snapshot& snapshot, Statistics& statistics) const;

 private:
  [[nodiscard]] Placement place_in_time(const Snapshot& snapshot, Statistics& statistics) const;
  // For the waiting that the snapshot assumes.
  [[nodiscard]] Placement place_once(const Snapshot& snapshot, Statistics& statistics) const;

  const std::size_t cells_max_;
};

}  // namespace mx2::optimizer
