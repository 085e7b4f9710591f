// Which hosts answer, and what they say of themselves.
//
// A host with a lease reports its load at least that often; one with a probeUri answers it. Whoever
// fails counts as down for requests and for the Optimizer until it reports or answers again, and a
// MEPM's host that was not known counts as down until its first report. Loads are kept in memory
// only, with the time they came: they are facts about now.
//
// A host has one MEPM. While the lease of the one that has registered lives, another is refused,
// and what it reports as well: it would take a host over whose instances it does not know. MEPMs
// are told apart by the key they give, or else by their address; lives of one MEPM by a number at
// the end of its key, so that a copy of it (a cloned machine) does not take turns with it.
//
// Threads: any. One thread of its own looks at leases and sends probes.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "api/http/async_client.h"
#include "orchestrator/core/change_feed.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/domain/tiers.h"

namespace mx2 {

struct HostWatchOptions {
  int probe_period_ms = 2000;
  int probe_timeout_ms = 1000;
  int probe_failures_max = 2;  // in a row, then the host does not answer
};

class HostWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // What to do when a host is found (not) to answer; called on the thread of its own.
  using Found = std::function<void(const std::string& host_id, bool reachable)>;

  HostWatch(const LiveModel& model, ChangeFeed& changes, const SystemClock& clock,
            const HostWatchOptions& options, std::unique_ptr<http::AsyncClient> probes, Found found,
            metrics::Registry& registry);
  HostWatch(const HostWatch&) = delete;
  HostWatch& operator=(const HostWatch&) = delete;

  void start();
  void stop() { worker_.stop(); }

  static Time now() { return std::chrono::steady_clock::now(); }

  // A host's report, which renews its lease. not_found for an unknown host; conflict when another
  // MEPM than the host's reports.
  Result<void> report(const std::string& host_id, HostReport report, Time now);
  // conflict while another MEPM holds the host.
  [[nodiscard]] Result<void> may_register(const HostRegistration& registration, Time now);
  // The last one.
  [[nodiscard]] std::optional<HostLoad> load(const std::string& host_id) const;

  // One round: who has come and gone, whose lease has ended, who is to be probed. Then whatever
  // answers arrive within `wait_ms`.
  void step(Time now, int wait_ms);

 private:
  struct Watched {
    std::int64_t lease_ms = 0;
    std::string probe_uri;
    std::string mepm_uri;
    std::string mepm_key;
    HostTier tier = HostTier::kEdge;
    bool reachable = true;      // as the model has it
    Time quiet_until;           // told lately that it is not so
    std::optional<Time> heard;  // its last report, or when it was taken for reachable; none: never
    Time held;                  // likewise, or when its MEPM registered
    Time refused;               // when another MEPM was told in the log last
    Time next_probe;
    bool probing = false;
    int failures = 0;
    bool probe_failed = false;
    std::shared_ptr<const HostLoad> load;
  };

  void count_served(const Watched& host, const HostLoad& load, Time now);
  void take_hosts(Time now);
  static void take_host(Watched& host, const Host& now_is, Time now);
  void begin_probe(const std::string& host_id, Watched& host, Time now);
  void end_probe(const std::string& host_id, const std::string& uri, bool answered);
  void tell_changes(Time now);
  [[nodiscard]] static bool is_holder(const Watched& host, const HostRegistration& registration);
  [[nodiscard]] static bool lease_ended(const Watched& host, Time now);
  Error refused(const std::string& host_id, Watched& host, const std::string& who, Time now);

  const LiveModel& model_;
  ChangeFeed& changes_;
  const SystemClock& clock_;
  const HostWatchOptions options_;
  const std::unique_ptr<http::AsyncClient> probes_;
  const Found found_;
  metrics::Counter& refused_;
  std::array<metrics::Counter*, kHostTiers.size()> served_{};  // requests, by tier

  mutable std::mutex mutex_;
  std::map<std::string, Watched> hosts_;
  std::optional<std::uint64_t> generation_;  // of the model that hosts_ is of
  Worker worker_;
};

}  // namespace mx2
