// Why a UE is where it is: every host with each term of its cost. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optimizer/evaluation.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

// The cost is of one context; its terms are added up.
struct Candidate : ContextCost {
  Index host = 0;
  Verdict verdict = Verdict::kFeasible;
  bool latency_known = false;
  std::int64_t congestion_us = 0;  // of one more context, or of this one where it is
  std::int64_t migration_us = 0;
  std::int64_t leaving_us = 0;  // for leaving where it is, and may stay; to come down
  bool full = false;            // no room besides those placed there
  [[nodiscard]] std::int64_t total_us() const {
    return total() + congestion_us + migration_us + leaving_us;
  }
};

struct Choice {
  std::size_t group = 0;
  Index chosen = kNone;
  std::vector<Candidate> candidates;  // the cheapest first, those that cannot serve last
  std::string reason;                 // one sentence
};

// `ue` as in the table, e.g. "dev:car-7". Nothing when the snapshot has no such group.
[[nodiscard]] std::optional<Choice> explain(const Snapshot& snapshot, const Placement& placement,
                                            const std::string& ue, const std::string& app);

// Why a group leaves its host for another; at most 200 characters.
class MoveReasons {
 public:
  MoveReasons(const Snapshot& snapshot, const Evaluation& before);
  [[nodiscard]] std::string reason(std::size_t group, Index to, const std::string& policy) const;
  // Nine tenths of the host's capacity were in use.
  [[nodiscard]] bool is_full(Index host) const;

 private:
  const Snapshot& snapshot_;
  const Feasibility feasible_;
  const std::vector<std::int64_t> load_;
};

}  // namespace mx2::optimizer
