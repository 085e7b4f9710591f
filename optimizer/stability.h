// Keeps plans from stirring things up: who has just moved stays, small gains are left alone, large
// plans are carried out in parts, and a host that comes back is filled gradually. A host with a
// parent is relieved upwards above a high mark, and gets nobody back until it is below a low one.
// Pure.
//
// What is left alone is part of the costs that are minimised (Hysteresis in model.h, evaluation.h),
// so full hosts can still exchange what they have. Policies that do not minimise them have each of
// their moves judged afterwards, a move together with those that make room for it.
//
// None of it applies to whoever must leave: those whose host is down, draining or does not suit any
// more are moved at once. Those by whom a host is overloaded have to pay for leaving, but more for
// staying, and do not count as moves. Without it (enabled false) what the policy wants is done;
// only those who are not connected stay where they are.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "optimizer/model.h"

namespace mx2::optimizer {

struct StabilityOptions {
  bool enabled = true;
  std::int64_t gain_us_min = 1000;       // of a move, for each request, after its migration cost
  std::int64_t gain_percent_min = 20;    // the same, of what the context costs where it is
  std::int64_t dwell_ms = 30'000;        // between two moves of a UE
  std::int64_t hold_ms = 60'000;         // on a higher tier before it comes down again
  std::int64_t high_percent = 100;       // of its capacity: load above it goes up, if it can
  std::int64_t low_percent = 100;        // so much load, and nobody comes down; 100: while it fits
  std::int64_t moves_max = 10'000;       // contexts that a plan may move, the best moves first
  std::int64_t return_wait_ms = 15'000;  // until a host that came back is used again,
  std::int64_t return_ms = 60'000;       // and in full
};

// To be called before anything is placed: sets what leaving costs, limits hosts, lets groups rest.
void calm(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms);
// The part of it that is about groups: lets those rest who have moved lately, and fixes those who
// are not connected.
void hold(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms);

// Where everybody of a calmed snapshot should be now: each app by its policy, as far as it is worth
// it, with at most options.moves_max contexts and `rows_max` groups moving. An exchange, or a chain
// of moves that make room for one another, is done whole or not at all.
[[nodiscard]] Placement place_calmly(
    const Snapshot& snapshot, const std::vector<std::string>& policy_of_app,
    const StabilityOptions& options,
    std::size_t rows_max = std::numeric_limits<std::size_t>::max());

}  // namespace mx2::optimizer
