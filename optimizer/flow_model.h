// A snapshot as a transportation problem, and back. Internal to min_cost_flow.cpp.
#pragma once

#include <vector>

#include "optimizer/classes.h"
#include "optimizer/evaluation.h"
#include "optimizer/feasibility.h"
#include "optimizer/transport.h"

namespace mx2::optimizer {

// One unit of flow is `load` load units, the greatest common divisor of all groups' loads. Costs of
// one unit are multiplied by `cost` so that the cost of a group divides by its number of units, as
// far as no arc becomes dearer than an arc may be.
struct FlowScale {
  std::int64_t load = 1;
  std::int64_t cost = 1;

  // Of one group of the class.
  [[nodiscard]] std::int64_t units(const Snapshot& snapshot, const DemandClass& c) const {
    return snapshot.apps[c.app].weight * c.contexts / load;
  }
};

[[nodiscard]] FlowScale flow_scale(const Snapshot& snapshot, const Classes& classes);

[[nodiscard]] Transport build_transport(const Snapshot& snapshot, const Feasibility& feasible,
                                        const Classes& classes, const FlowScale& scale);

}  // namespace mx2::optimizer
