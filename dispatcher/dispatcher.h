// The control plane: puts together what the orchestrator says there is, what the data plane says of
// its calls, and the selection policy, and tells the data plane.
//
// Threads: step() and stop() are for one, that of the data plane; the rest is for any.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/json/json.h"
#include "dispatcher/call_log.h"
#include "dispatcher/data_plane.h"
#include "dispatcher/destinations.h"
#include "dispatcher/follower.h"
#include "dispatcher/selector.h"

namespace mx2::dispatcher {

class Dispatcher {
 public:
  // Bound to call_log_socket() and server_log_socket() of the data plane.
  struct Logs {
    int calls = -1;
    int servers = -1;
  };

  // All must outlive this.
  Dispatcher(const DispatcherOptions& options, const Follower& follower, DataPlane& plane,
             Logs logs, const SteadyClock& clock, metrics::Registry& registry);

  // Never waits for more than the data plane's answers; call it again after `period_ms`, when the
  // log has something to read, or when the follower knows something new.
  void step();

  // {"status":"ok"|"starting"|"stale","orchestrator":…,"refused":…}; the latter is how many λ are
  // set aside.
  [[nodiscard]] json::Value health() const;
  // {"requests","in_flight"}: its own load, as a MEPM asks instances for it. Requests are those
  // that were measured: of many a tenth.
  [[nodiscard]] json::Value stats() const;
  // Every λ with its destinations, weights and response times, and, "refused", why it is set aside.
  [[nodiscard]] json::Value status() const;

 private:
  struct Entry {
    Lambda lambda;
    Selector selector;
    std::vector<int> sent;                     // weights that the data plane has
    bool asked_for = false;                    // had calls, or changed, since the last weights
    std::map<std::string, long> counted = {};  // calls by destination, as HAProxy had them last,
    int counted_by = 0;                        // in this generation
  };

  void take_world();
  void note_unknown(std::vector<std::string> unknown);
  void read_log(int fd);
  void read_line(std::string_view line);
  void take_call(Entry& entry, const CallLogged& call);
  [[nodiscard]] Entry* entry_of(std::string_view backend);
  void set_weights(std::int64_t now_ms);
  void set_weights(Entry& entry, std::int64_t now_ms, bool always);
  void look_at_servers(std::int64_t now_ms);
  void count_calls(Entry& entry, const std::map<std::string, long>& calls);
  [[nodiscard]] std::vector<std::string> backends_to_look_at();
  [[nodiscard]] json::Value to_json(const Entry& entry) const;

  const DispatcherOptions& options_;
  const Follower& follower_;
  DataPlane& plane_;
  const Logs logs_;
  const SteadyClock& clock_;
  const std::int64_t started_ms_;
  const std::unique_ptr<Policy> policy_;
  metrics::Counter& calls_;
  metrics::Counter& errors_;
  std::array<metrics::Counter*, kTierTexts.size()> by_tier_{};  // calls
  std::array<metrics::Counter*, kBeyond.size()> escalations_{};
  metrics::Gauge& lambdas_;
  metrics::Gauge& destinations_;
  metrics::Gauge& ready_;

  mutable std::mutex mutex_;
  std::shared_ptr<const World> world_;
  std::vector<std::string> unknown_names_;                 // of the configuration, there
  std::map<std::string, Entry> entries_;                   // by appDId
  std::map<std::string, Entry*, std::less<>> by_backend_;  // a λ may have two
  std::set<std::string> busy_;                             // appDIds that had calls lately
  std::string next_look_;                                  // appDId
  std::int64_t weights_due_ms_ = 0;
  std::int64_t look_due_ms_ = 0;
  bool serving_ = false;
  std::uint64_t samples_ = 0;
};

}  // namespace mx2::dispatcher
