// From a placement to rows of the table: only those that change, never an operator's. Each row
// names a second host as well, which the orchestrator takes when the first fails before the next
// plan. An operator's row for a prefix binds everybody in it: our rows for UEs there, which would
// outrank it, are taken away.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/base/text.h"
#include "api/operator/types.h"
#include "optimizer/evaluation.h"
#include "optimizer/replica.h"

namespace mx2::optimizer {

inline constexpr std::size_t kPlanBytesMax = 60U << 20U;  // orchestrators take 64 MiB

// Why contexts move to a higher tier.
enum class Escalation : std::uint8_t {
  kHost,      // they may not stay: it is down, drains, lacks what they need, …
  kCapacity,  // it is full
  kCost,      // they cost less there, all in all
};
inline constexpr EnumTexts<3> kEscalations{"host", "capacity", "cost"};

struct Plan {
  std::uint64_t table_version = 0;   // that it was made on
  std::vector<TableChange> changes;  // what pins ask for first, then evacuations
  std::string degraded = {};         // why it is not what the policy should answer; empty: it is
  std::size_t postponed = 0;         // rows that found no place in it, left for the next plan
  Evaluation before;
  Evaluation after;
  std::array<std::int64_t, kEscalations.size()> escalated = {};  // contexts, by Escalation
};

// The rows for what moves in the snapshot, and nothing else: no removals, no limit.
[[nodiscard]] Plan rows_of(const Snapshot& snapshot, const Placement& placement,
                           const std::vector<std::string>& policy_of_app);

struct PlanLimits {
  std::size_t rows = 0;
  std::size_t bytes = kPlanBytesMax;
};

struct FittedPlan {
  Placement placement;
  Plan plan;
  std::string body;  // its lines
};

// A plan within both limits. `place` gives a placement in which at most so many groups move, with
// nothing half done; it is asked again for fewer while the lines of its moves are too long. Rows of
// the Optimizer are removed whose UE is bound by an operator's prefix, which get half of the rows
// as long as there are more, or has no context any more. `policy_of_app`: for the reasons, by app
// of the snapshot.
[[nodiscard]] FittedPlan fit_plan(const Replica& replica, const Snapshot& snapshot,
                                  const std::vector<std::string>& policy_of_app,
                                  const PlanLimits& limits,
                                  const std::function<Placement(std::size_t groups_max)>& place);

// One change a line, as POST /operator/v1/plans takes them. What would make it longer than
// `bytes_max` is taken out of the plan and postponed.
[[nodiscard]] std::string to_ndjson(Plan& plan, std::size_t bytes_max);

// A readable difference: rows, then the expected effect, then the load of hosts that change.
[[nodiscard]] std::string describe(const Snapshot& snapshot, const Plan& plan);

}  // namespace mx2::optimizer
