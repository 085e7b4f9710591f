// Rows of strategy baseline: whoever is there stays, so they are planned for contexts to come.
// Pure.
//
// A UE's contexts to come take the place of those that it has, one by one as these end. So they are
// expected to be as many, and those that it has are not reckoned with besides. All others, who may
// move, have been placed in the room that is left by those who are there now; rows lead to the room
// that is left by all others. On the way from the one to the other a host's load is a mixture of
// both, so it fits as well. A row that changes moves nobody: it costs no migration and nothing of
// the budget of moves, but is left alone for less than the least gain.
#pragma once

#include <functional>

#include "optimizer/model.h"

namespace mx2::optimizer {

// `placement` has everybody who may move. Answers with the rows as `place` places them, which is
// asked for a snapshot that has a group for each.
[[nodiscard]] Placement with_newcomers(const Snapshot& snapshot, Placement placement,
                                       const std::function<Placement(const Snapshot&)>& place);

}  // namespace mx2::optimizer
