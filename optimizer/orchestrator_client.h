// The operator API as the optimizer uses it. Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/http/http_client.h"
#include "api/json/json.h"
#include "api/operator/types.h"
#include "optimizer/options.h"

namespace mx2::optimizer {

class OrchestratorClient {
 public:
  struct Mark {
    std::uint64_t position = 0;  // in the change feed
    std::uint64_t table_version = 0;
    bool has_feed = true;                         // false: this orchestrator has no change feed
    Strategy standard = Strategy::kNotification;  // of apps that name none
    std::string dispatcher;                       // appDId of the dispatchers; empty: none
  };
  struct Changes {
    std::uint64_t position = 0;
    std::vector<json::Value> changes;
    bool gone = false;  // `since` is too long ago, or of another life: read the lists again
  };

  struct Lease {
    bool granted = false;
    bool supported = true;  // false: this orchestrator knows no leases
    std::string holder;     // who has it
    std::string url;        // its API
    std::int64_t remaining_ms = 0;
    bool paused = false;  // operators want no plans
  };

  // `http` must outlive this.
  OrchestratorClient(http::Client& http, OrchestratorAccess access)
      : http_(http), access_(std::move(access)) {}

  // The url stays what it was.
  void configure(OrchestratorAccess access);

  [[nodiscard]] Result<Mark> mark();
  // Every item of a list, e.g. "hosts", page by page; an error of `use` ends it.
  [[nodiscard]] Result<void> each(const std::string& list,
                                  const std::function<Result<void>(const json::Value&)>& use);
  // Waits up to `wait_ms` if there are none yet.
  [[nodiscard]] Result<Changes> changes(std::uint64_t since, int wait_ms);
  // The new table version; precondition_failed if the table is not at `version` any more, conflict
  // if another plan is being applied or another optimizer than `holder` leads.
  [[nodiscard]] Result<std::uint64_t> send_plan(const std::string& ndjson, std::uint64_t version,
                                                const std::string& holder);
  // Asks that `holder` leads for so long, or goes on leading.
  [[nodiscard]] Result<Lease> lease(const std::string& holder, const std::string& url,
                                    int lease_ms);
  [[nodiscard]] Result<void> release(const std::string& holder);
  // Kept by the orchestrator, if it knows leases.
  [[nodiscard]] Result<void> set_paused(bool paused);

 private:
  [[nodiscard]] Result<http::Reply> ask(const std::string& method, const std::string& path,
                                        const http::Headers& headers, const std::string& body);
  [[nodiscard]] Result<Mark> mark_of_table();

  http::Client& http_;
  OrchestratorAccess access_;
};

}  // namespace mx2::optimizer
