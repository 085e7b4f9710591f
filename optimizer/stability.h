// Keeps plans from stirring things up: who has just moved stays, small gains are left alone, large
// plans are carried out in parts, and a host that comes back is filled gradually. A host with a
// parent is relieved upwards above a high mark, and gets nobody back until it is below a low one.
// Pure.
//
// None of it applies to whoever must leave: those whose host is down, draining or does not suit any
// more are moved at once, and so are the ones by whom a host is overloaded. Without it (enabled
// false) what the policy wants is done; only those who are not connected stay where they are.
#pragma once

#include <cstdint>

#include "optimizer/model.h"

namespace mx2::optimizer {

struct StabilityOptions {
  bool enabled = true;
  std::int64_t gain_us_min = 1000;       // of a move, for each context, after its migration cost
  std::int64_t gain_percent_min = 20;    // the same, of what the context costs where it is
  std::int64_t dwell_ms = 30'000;        // between two moves of a UE
  std::int64_t hold_ms = 60'000;         // on a higher tier before it comes down again
  std::int64_t high_percent = 100;       // of its capacity: load above it goes up, if it can
  std::int64_t low_percent = 100;        // so much load, and nobody comes down; 100: while it fits
  std::int64_t moves_max = 10'000;       // contexts that a plan may move, the best moves first
  std::int64_t return_wait_ms = 15'000;  // until a host that came back is used again,
  std::int64_t return_ms = 60'000;       // and in full
};

// To be called before the policy: fixes groups, limits hosts.
void calm(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms);
// The part of it that is about groups: fixes those who have moved lately, and those who are not
// connected.
void hold(Snapshot& snapshot, const StabilityOptions& options, std::int64_t now_ms);

// To be called on the policy's answer: the part of it that is worth doing now.
[[nodiscard]] Placement worthwhile(const Snapshot& snapshot, const Placement& wanted,
                                   const StabilityOptions& options);

}  // namespace mx2::optimizer
