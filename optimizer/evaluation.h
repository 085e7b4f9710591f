// What a placement costs: one definition for all policies, and the terms by which choices are
// explained. Pure.
#pragma once

#include <string>
#include <vector>

#include "optimizer/congestion.h"
#include "optimizer/feasibility.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

// Of one context at one host, congestion apart.
struct ContextCost {
  std::int64_t latency_us = 0;  // times the utility
  std::int64_t late_us = 0;     // times the utility; 0 within the limits
  std::int64_t off_tree_us = 0;
  [[nodiscard]] std::int64_t total() const { return latency_us + late_us + off_tree_us; }
};

[[nodiscard]] ContextCost context_cost(const Snapshot& snapshot, Index app, Index attachment,
                                       Index host);
// The latency that is reckoned with: the assumed one where it is not known.
[[nodiscard]] std::int64_t reckoned_latency_us(const Snapshot& snapshot, Index attachment,
                                               Index host);
// Contexts of an app that may be refused before the minimum served fraction is hurt.
[[nodiscard]] std::int64_t refusable(const AppModel& app, std::int64_t contexts);
// What each unit of load above a host's capacity costs: as much as refusing the dearest app.
[[nodiscard]] std::int64_t overload_cost_us(const Snapshot& snapshot);

struct Evaluation {
  // The terms of the cost.
  std::int64_t latency = 0;
  std::int64_t late = 0;
  std::int64_t off_tree = 0;
  std::int64_t congestion = 0;
  std::int64_t migration = 0;
  std::int64_t unserved = 0;
  std::int64_t overload = 0;
  [[nodiscard]] std::int64_t total() const {
    return latency + late + off_tree + congestion + migration + unserved + overload;
  }

  std::int64_t contexts = 0;
  std::int64_t moves = 0;  // contexts that change from one host to another
  std::int64_t unserved_contexts = 0;
  std::int64_t late_contexts = 0;
  std::int64_t unknown_latency_contexts = 0;
  double latency_mean_ms = 0;  // over the contexts served with a known latency
  double latency_p95_ms = 0;
  std::vector<std::int64_t> load;  // of each host, in load units
  std::size_t overloaded_hosts = 0;
};

[[nodiscard]] Evaluation evaluate(const Snapshot& snapshot, const Placement& placement);

// Load of each host that no policy can move.
[[nodiscard]] std::vector<std::int64_t> fixed_load(const Snapshot& snapshot);

// Where everybody is now.
[[nodiscard]] Placement current_placement(const Snapshot& snapshot);

}  // namespace mx2::optimizer
