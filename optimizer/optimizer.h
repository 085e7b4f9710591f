// The optimizer without threads: reads the orchestrator, follows its changes, plans, sends plans.
//
// Every method may be called again after an error: what was lost is read anew. If the orchestrator
// restarts, its feed answers that it is gone, and the lists are read again.
#pragma once

#include <cstdint>
#include <string>

#include "api/base/clock.h"
#include "optimizer/orchestrator_client.h"
#include "optimizer/plan.h"
#include "optimizer/replica.h"

namespace mx2::optimizer {

class Optimizer {
 public:
  Optimizer(http::Client& http, OptimizerOptions options, Topology topology, const Clock& clock)
      : client_(http, options.orchestrator),
        options_(std::move(options)),
        topology_(std::move(topology)),
        clock_(clock) {}

  // What one planning came to.
  struct Outcome {
    Plan plan;
    std::string description;
    bool sent = false;
  };

  // Reads everything if need be, otherwise what has changed, waiting up to `wait_ms` for it. True
  // if a plan should not wait for its time: a host or app has come, gone or changed.
  [[nodiscard]] Result<bool> follow(int wait_ms);
  // On the orchestrator's present table; sends it unless `dry_run`, or there is nothing to change.
  // When the table changes meanwhile it is planned anew, a few times.
  [[nodiscard]] Result<Outcome> plan(bool dry_run);

  // False: follow() does not wait, and each plan reads the lists again.
  [[nodiscard]] bool has_feed() const { return mark_.has_feed; }
  [[nodiscard]] const Replica& replica() const { return replica_; }

 private:
  [[nodiscard]] Result<void> read_all();
  [[nodiscard]] Result<std::uint64_t> catch_up();  // the table version that the replica has
  [[nodiscard]] Result<void> apply(const json::Value& change);
  [[nodiscard]] Outcome decide(std::uint64_t table_version) const;

  OrchestratorClient client_;
  OptimizerOptions options_;
  Topology topology_;
  const Clock& clock_;
  Replica replica_;
  OrchestratorClient::Mark mark_;
  bool synchronised_ = false;
  bool urgent_ = false;
};

}  // namespace mx2::optimizer
