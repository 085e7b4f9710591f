// The plan of last resort, when no policy answers: whoever must leave goes to the cheapest host
// with room, the dearest first; all others stay. Greedy, so never late. Pure.
#pragma once

#include <string>

#include "optimizer/model.h"

namespace mx2::optimizer {

// `reason`: why it is needed; told as the placement's `degraded`.
[[nodiscard]] Placement evacuated(const Snapshot& snapshot, std::string reason);

}  // namespace mx2::optimizer
