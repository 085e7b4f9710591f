// The policies that need no solver; see policy.h.
#pragma once

#include "optimizer/model.h"

namespace mx2::optimizer {

[[nodiscard]] Placement place_static(const Snapshot& snapshot);
[[nodiscard]] Placement place_nearest(const Snapshot& snapshot);
[[nodiscard]] Placement place_count_greedy(const Snapshot& snapshot);
[[nodiscard]] Placement place_least_loaded(const Snapshot& snapshot);

}  // namespace mx2::optimizer
