// The default policy: the placement of least total cost (evaluation.h) under all capacities.
//
// Exact when all groups weigh the same, which is the usual case; otherwise the optimum of the
// divisible problem, rounded so that capacities hold: at most one group for each class and host
// differs from it.
#pragma once

#include "optimizer/policy.h"

namespace mx2::optimizer {

class MinCostFlowPolicy final : public PlacementPolicy {
 public:
  struct Statistics {
    std::size_t classes = 0;
    std::size_t arcs = 0;
    int rounds = 0;
  };

  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] Placement place(const Snapshot& snapshot, Statistics& statistics) const;
  [[nodiscard]] std::string name() const override { return "min-cost-flow"; }
};

}  // namespace mx2::optimizer
