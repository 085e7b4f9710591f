// What the optimizer asks of the operator API besides the lists and the feed
// (api/orchestrator/feed.h). Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/operator/backup.h"
#include "api/orchestrator/access.h"
#include "api/orchestrator/operator_calls.h"

namespace mx2::optimizer {

class OrchestratorClient {
 public:
  struct Lease {
    bool granted = false;
    std::string holder;  // who has it
    std::string url;     // its API
    std::int64_t remaining_ms = 0;
    bool paused = false;  // operators want no plans
  };

  // `http` must outlive this.
  OrchestratorClient(http::Client& http, const OrchestratorAccess& access)
      : calls_(http, access.url) {}

  // The new table version; precondition_failed if the table is not at `version` any more, conflict
  // if another plan is being applied or another optimizer than `holder` leads.
  [[nodiscard]] Result<std::uint64_t> send_plan(const std::string& ndjson, std::uint64_t version,
                                                const std::string& holder);
  // Asks that `holder` leads for so long, or goes on leading. The newest store that the answers
  // have told is told with each, for as long as we run: an Optimizer keeps nothing.
  [[nodiscard]] Result<Lease> lease(const std::string& holder, const std::string& url,
                                    int lease_ms);
  [[nodiscard]] Result<void> release(const std::string& holder);
  // Kept by the orchestrator.
  [[nodiscard]] Result<void> set_paused(bool paused);

 private:
  void learn_store(const Result<http::Reply>& reply);

  OperatorCalls calls_;
  std::optional<StoreEpoch> known_;
};

}  // namespace mx2::optimizer
