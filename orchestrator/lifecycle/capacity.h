// How many instances of each λ each host should have: the self-management loop of A3-E (Baresi,
// Mendonça, Garriga, Guinea, Quattrocchi: A unified model for the mobile-edge-cloud continuum, ACM
// TOIT 2019), with its inputs: clients, requests, service latency, instances. Pure and
// deterministic; linear in the number of (app, host) pairs.
//
// The Optimizer maps contexts to what exists, every few seconds; this says what should exist, every
// 10 to 60 seconds. It keeps its hands still in these ways: requests and latency count by their
// averages; more instances at `up_percent`, fewer only when the rest would be below `down_percent`,
// and that for a peak which decays; a cool-down after each change; no stop before `idle_ms` without
// clients and requests. A burst of twice what there is room for is answered at once.
//
// What was not reported is unknown, not zero: it is no reason to add and none to remove.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mx2::capacity {

struct Options {
  std::int64_t instances_min = 0;  // on every host that is asked about
  std::int64_t instances_max = 16;
  bool scale_to_zero = true;    // false: the last instance stays, once there has been one
  std::int64_t warm_spare = 0;  // ready beyond what is needed, where there are clients
  std::int64_t clients_per_instance = 100;     // 0: any number is served by one
  double in_flight_per_instance = 4;           // requests that an instance serves at the same time
  int up_percent = 80;                         // of the above; more instances beyond it
  int down_percent = 50;                       // fewer when they would be below it
  int latency_up_percent = 100;                // of the required latency; p95 beyond it: more
  int latency_down_percent = 70;               // p95 beyond it: not fewer
  std::int64_t cool_down_up_ms = 10'000;       // between a change and adding
  std::int64_t cool_down_down_ms = 60'000;     // between a change and removing
  std::int64_t average_half_life_ms = 30'000;  // of requests and latency
  std::int64_t peak_half_life_ms = 300'000;
  std::int64_t idle_ms = 60'000;           // without clients and requests, until none is needed
  std::int64_t idle_unknown_ms = 600'000;  // the same where requests are not reported
};

// One app on one host, as it is.
struct Inputs {
  std::string app_d_id;
  std::string host_id;
  std::int64_t ready = 0;
  std::int64_t starting = 0;
  std::int64_t clients = 0;  // contexts that are there, or are about to be moved there
  // Of a recent report, all instances together.
  std::optional<double> in_flight;
  std::optional<double> request_rate;  // requests a second
  std::optional<double> p50_ms;        // service time, waiting included
  std::optional<double> p95_ms;
  std::optional<double> required_ms;  // what the app asks for; none: latency does not matter
  bool accepts = true;  // false: cordoned or draining; nothing is added, no minimum holds
};

// What has to be remembered of it until the next round.
struct State {
  std::int64_t desired = 0;
  std::int64_t changed_ms = 0;                  // when that was decided
  std::optional<double> load;                   // requests at the same time, averaged
  double peak = 0;                              // of the same, decaying
  std::optional<double> p95_ms;                 // averaged since the last change
  std::int64_t seen_ms = 0;                     // the last round
  std::optional<std::int64_t> unused_since_ms;  // since when it has neither clients nor requests
};

enum class Reason : std::uint8_t {
  kSteady,     // what there is suits
  kClients,    // more: clients
  kInFlight,   // more: requests at the same time
  kLatency,    // more: p95 beyond the required latency
  kWarmSpare,  // more: a spare
  kMinimum,    // as many as the minimum
  kMaximum,    // more are needed than the maximum
  kLowLoad,    // fewer: they would still be below the lower threshold
  kIdle,       // none, or the last one: not used for a while
  kCoolDown,   // a change is due, and waits
  kClosed,     // more are needed, but the host accepts none
};
// "steady", "clients", "in-flight", "latency", "warm-spare", "minimum", "maximum", "low-load",
// "idle", "cool-down", "closed"
[[nodiscard]] std::string_view to_text(Reason reason);

struct Decision {
  std::int64_t desired = 0;
  Reason reason = Reason::kSteady;
  State state;  // to be given next time
};

// `state`: of the last decision; none at first, or after a restart, when what is there counts as
// decided. `now_ms` does not go back: it is of the steady clock.
[[nodiscard]] Decision decide(const Inputs& inputs, const Options& options,
                              const std::optional<State>& state, std::int64_t now_ms);

struct Policy {
  Options defaults;
  std::map<std::string, Options> of_app;  // by appDId, instead of the defaults
  [[nodiscard]] const Options& options_of(const std::string& app_d_id) const;
};

// Host, then app.
using States = std::unordered_map<std::string, std::unordered_map<std::string, State>>;

struct Plan {
  std::vector<Decision> decisions;  // as many as inputs, in their order
  States states;                    // of these pairs alone: what is gone is forgotten
};

[[nodiscard]] Plan desired_instances(const std::vector<Inputs>& inputs, const Policy& policy,
                                     const States& states, std::int64_t now_ms);

}  // namespace mx2::capacity
