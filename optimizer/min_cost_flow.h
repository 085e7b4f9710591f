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

#include "optimizer/model.h"

namespace mx2::optimizer {

// Classes × hosts, of which each takes 9 bytes while it is solved.
inline constexpr std::size_t kFlowCellsMax = std::size_t{1} << 28;

[[nodiscard]] Placement place_min_cost_flow(const Snapshot& snapshot,
                                            std::size_t cells_max = kFlowCellsMax);

}  // namespace mx2::optimizer
