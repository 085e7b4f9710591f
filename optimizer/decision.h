// What is decided on a replica, for everybody or for those who have just moved: by the planning
// thread, and by the emulator's control plane. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "optimizer/options.h"
#include "optimizer/plan.h"
#include "optimizer/replica.h"

namespace mx2::optimizer {

// What a plan was decided on and what was decided, for explanations.
struct Decision {
  Snapshot snapshot;
  Placement placement;
  std::vector<std::string> policy_of_app;
  std::vector<bool> pinned;                       // groups that are fixed whatever time it is
  std::map<std::string, std::string> dispatched;  // appDId: the dispatchers', who stand for it
  std::vector<std::string> unknown_names;         // of the topology
  std::int64_t made_ms = 0;                       // by the steady clock
  bool in_force = false;                          // false: it was only looked at, or refused
};

struct Decided {
  Decision decision;
  Plan plan;
  std::string body;  // the plan's lines
};

[[nodiscard]] Decided decide(const Replica& replica, const Topology& topology,
                             const OptimizerOptions& options, std::int64_t now_ms);

// Brings a group of the decision up to date, which is at this attachment now. False: that is not in
// the decision.
[[nodiscard]] bool attach(Decision& decision, const Replica& replica, std::size_t group_index,
                          const std::string& attachment);
// Places those of the groups again that can be looked at on their own, on top of the decision: it
// has what came of it, the plan is what changes.
[[nodiscard]] Plan place_again(Decision& decision, const std::vector<std::size_t>& groups,
                               const StabilityOptions& options, std::int64_t now_ms);

// What was planned is done.
void take_in(Replica& replica, const Plan& plan);

}  // namespace mx2::optimizer
