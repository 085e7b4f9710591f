// The optimizer without threads: reads the orchestrator, follows its changes, plans, sends plans.
//
// Every method may be called again after an error: what was lost is read anew. If the orchestrator
// restarts, its feed answers that it is gone, and the lists are read again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/orchestrator/feed.h"
#include "optimizer/decision.h"
#include "optimizer/orchestrator_client.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer {

class Optimizer : private FeedReader {
 public:
  // `holder` is who sends the plans (leadership.h); may be empty. `http`, `feed` and `clock`, a
  // steady one, must outlive this; only waiting for changes goes over `feed`, so that it can be
  // interrupted.
  Optimizer(http::Client& http, http::Client& feed, OptimizerOptions options, Topology topology,
            const SteadyClock& clock, std::string holder = {})
      : client_(http, options.orchestrator),
        feed_(http, feed, options.orchestrator, {"hosts", "apps", "table", "contexts"},
              Feed::WhenLost::kTell),
        options_(std::move(options)),
        file_topology_(std::move(topology)),
        topology_(file_topology_),
        clock_(clock),
        holder_(std::move(holder)) {}

  // What one planning came to.
  struct Outcome {
    Plan plan;
    std::string description;
    std::string body;  // the plan's lines
    bool sent = false;
  };

  // Should a plan wait for its time?
  enum class Urgency : std::uint8_t {
    kLater,
    kSoon,  // reported loads or attachments have changed much
    kNow,   // a host or app has come, gone or changed
  };

  // Reads everything if need be, otherwise what has changed, waiting up to `wait_ms` for it, or
  // until the waiting is interrupted.
  [[nodiscard]] Result<Urgency> follow(int wait_ms);
  // Of what has happened since it was asked last; follow() asks.
  [[nodiscard]] Urgency take_urgency();
  // On the orchestrator's present table; sends it unless `dry_run`, or there is nothing to change.
  // When the table changes meanwhile it is planned anew, a few times. conflict while another plan
  // is being applied, or when another optimizer leads.
  [[nodiscard]] Result<Outcome> plan(bool dry_run);
  // What a live source tells, on top of the configuration's topology.
  void use(const TopologySource::News& news);
  [[nodiscard]] bool somebody_moved() const { return !moved_.empty(); }
  // Rows for those alone who have moved since the last plan, if they can be looked at on their own;
  // nothing if not, and everybody should be planned. Errors as plan().
  [[nodiscard]] Result<std::optional<Outcome>> place_moved();
  // Asks the orchestrator to keep that operators want no plans, or want them again.
  [[nodiscard]] Result<void> set_paused(bool paused) { return client_.set_paused(paused); }
  // Another configuration; the orchestrator's url, token and certificates stay what they were.
  void configure(OptimizerOptions options, Topology topology);
  // The last one, dry runs included; null if there is none. Callable from the same thread only,
  // what it points to may be read from any.
  [[nodiscard]] std::shared_ptr<const Decision> decision() const { return decision_; }

  [[nodiscard]] const Replica& replica() const { return replica_; }

 private:
  [[nodiscard]] Result<void> begin(const FeedClient::Mark& mark) override;
  [[nodiscard]] Result<void> take_item(const std::string& list, const json::Value& item) override;
  [[nodiscard]] Result<void> take_change(json::Value change) override;
  [[nodiscard]] Result<void> read(int wait_ms);
  // The table version that the replica has. unavailable if it cannot get there in the time that a
  // request may take.
  [[nodiscard]] Result<std::uint64_t> catch_up();
  [[nodiscard]] Outcome decide(std::uint64_t table_version);
  void note_load(const std::string& host, const HostLoad& load);
  void settle_triggers();
  // A group of the last decision, and the attachment it has now.
  struct Moved {
    std::size_t group = 0;
    std::string attachment;
  };
  using Moves = std::map<std::string, TopologySource::Move>;
  [[nodiscard]] std::optional<std::vector<Moved>> groups_of(const Moves& moves) const;

  OrchestratorClient client_;
  Feed feed_;
  OptimizerOptions options_;
  Topology file_topology_;
  std::shared_ptr<const Topology> live_;               // null: no source has told any
  Topology topology_;                                  // both
  std::map<std::string, TopologySource::Move> moved_;  // by device, since the last plan
  const SteadyClock& clock_;
  Replica replica_;
  std::string holder_;
  std::shared_ptr<Decision> decision_;  // not changed once plan() or place_moved() has returned
  std::map<std::string, double> planned_cpu_;  // what hosts reported when they were planned on
  std::size_t attachments_changed_ = 0;        // since the last plan
  bool load_changed_ = false;                  // likewise, much
  bool urgent_ = false;
};

}  // namespace mx2::optimizer
