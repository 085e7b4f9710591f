// How the optimizer is doing, for its API, its metrics and its log.
//
// Threads: any; written by the planning thread, read by the server's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/json/json.h"
#include "optimizer/leadership.h"
#include "optimizer/optimizer.h"

namespace mx2::optimizer {

class Status {
 public:
  // `steady` for what is due, `wall` for what people read. `configuration_file` as given at start,
  // read just now; empty: defaults.
  Status(metrics::Registry& registry, const SteadyClock& steady, const SystemClock& wall,
         std::string configuration_file);
  // Whose state is part of the status; before any other call, must outlive this.
  void set_source(const TopologySource& source) { source_ = &source; }

  // The plan as POST /plan answers it.
  json::Value planned(const Optimizer::Outcome& outcome, std::int64_t took_ms,
                      const Replica& replica);
  // Those who had moved, on their own.
  void moved(const Optimizer::Outcome& outcome, std::int64_t took_ms);
  // Logged when it is not the same as the last one.
  void failed(const std::string& detail);
  // Whether dry run or not.
  void decided(std::shared_ptr<const Decision> decision);
  // By the steady clock.
  void set_next(std::int64_t next_ms);
  // `needs_restart`: names of keys that differ from what runs; empty: none.
  void configured(const std::string& needs_restart);
  void configuration_refused(const std::string& errors);

  [[nodiscard]] json::Value health(const Leadership::State& leader, bool paused) const;
  [[nodiscard]] json::Value status(const Leadership::State& leader, bool paused) const;
  struct Decided {
    std::shared_ptr<const Decision> decision;  // null: none yet
    std::int64_t wall_ms = 0;                  // when it was told
  };
  [[nodiscard]] Decided decision() const;

 private:
  [[nodiscard]] json::Value configuration() const;
  [[nodiscard]] std::vector<std::string> why() const;  // reasons.h, of the last plan, once
  void count_changes(const Plan& plan);
  void note_degraded(const std::string& reason);
  void note_places(std::vector<std::string> without);          // under the lock
  void note_unknown(const std::vector<std::string>& unknown);  // likewise

  metrics::Registry& registry_;
  metrics::Gauge& degraded_gauge_;
  metrics::Gauge& places_gauge_;
  std::array<metrics::Counter*, kEscalations.size()> escalations_{};
  const SteadyClock& steady_;
  const SystemClock& wall_;
  mutable std::mutex mutex_;
  std::string error_;     // empty: the last attempt succeeded
  std::string degraded_;  // of the last plan; empty: it is what the policy answers
  std::optional<json::Value> last_plan_;
  Decided decision_;
  mutable std::shared_ptr<const Decision> explained_;  // what why_ is of
  mutable std::vector<std::string> why_;
  std::vector<std::string> without_place_;  // hosts of the last decision
  std::vector<std::string> unknown_names_;  // of the topology, in the last decision
  std::uint64_t table_version_ = 0;
  std::size_t contexts_ = 0;
  std::size_t hosts_ = 0;
  std::int64_t next_ms_ = 0;
  std::string configuration_file_;
  std::int64_t configured_ms_ = 0;
  std::string configuration_error_;
  std::string needs_restart_;
  const TopologySource* source_ = nullptr;
};

// As POST /plan answers it, and /status of the last one.
[[nodiscard]] json::Value to_json(const Optimizer::Outcome& outcome, std::int64_t took_ms,
                                  std::int64_t now_ms);

}  // namespace mx2::optimizer
