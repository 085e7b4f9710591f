// What a placement costs: one definition for all policies, and the terms by which choices are
// explained. Pure.
//
// The sum that is minimised, in µs of a request's response time times utility:
//
//     Σ contexts   w · (latency + late + off tree)           where they are
//   + Σ hosts      congestion of the load there              congestion.h; no utility counts
//   + Σ moves      w · migration                             from one host to another
//   + Σ leaving    max(w · gain, percent of the cost there)  of those who may stay where they are,
//                  + rest                                    and the rest while they are resting
//   + Σ descents   w · unserved / 2                          to hosts that take nobody from above
//   + Σ refused    w · unserved, or w · below minimum
//   + Σ overload   overload cost of each unit above a capacity
//
// w = the utility of the context's app × its requests: the requests a second that a context makes,
// where apps are weighted by request, else 1. `late` is the cost of a context whose latency is
// above the app's required latency, or above the response time of its class less waiting and
// service time; the waiting is that of the load that the placement brings. A sum too large for the
// type stays at the largest value that is kept, so that comparing stays right.
#pragma once

#include <string>
#include <vector>

#include "optimizer/congestion.h"
#include "optimizer/feasibility.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

// A context never costs more in any term.
inline constexpr std::int64_t kContextCostMax = 100'000'000'000'000'000;

// A cost of each request, for one context: times w.
[[nodiscard]] std::int64_t weighed(const AppModel& app, std::int64_t us);

// Of one context at one host, congestion apart.
struct ContextCost {
  std::int64_t latency_us = 0;
  std::int64_t late_us = 0;  // 0 within the limits
  std::int64_t off_tree_us = 0;
  [[nodiscard]] std::int64_t total() const { return latency_us + late_us + off_tree_us; }
};

// Judged by the waiting that the snapshot assumes.
[[nodiscard]] ContextCost context_cost(const Snapshot& snapshot, Index app, Index attachment,
                                       Index host);
// Where a context costs least, of the hosts that it `may` be at; kNone if there is none.
template <typename May>
[[nodiscard]] Index cheapest_host(const Snapshot& snapshot, const Demand& demand, May may) {
  return least_host(snapshot, may, [&](Index host) {
    return context_cost(snapshot, demand.app, demand.attachment, host).total();
  });
}
// The most that a context costs at any host.
[[nodiscard]] std::int64_t context_cost_max(const Snapshot& snapshot);
// The latency that is reckoned with: the assumed one where it is not known.
[[nodiscard]] std::int64_t reckoned_latency_us(const Snapshot& snapshot, Index attachment,
                                               Index host);
// What one context gives up that leaves `host`, where it may stay.
[[nodiscard]] std::int64_t leaving_cost(const Snapshot& snapshot, const Demand& demand, Index host,
                                        bool resting);
// What coming to `host` from one of `tier` costs a context besides, if nobody is to come down to
// it: less than being refused.
[[nodiscard]] std::int64_t descent_cost(const Snapshot& snapshot, Index app, Tier tier, Index host);
// Contexts of an app that may be refused before the minimum served fraction is hurt.
[[nodiscard]] std::int64_t refusable(const AppModel& app, std::int64_t contexts);
// What each unit of load above a host's capacity costs: as much as refusing the dearest app.
[[nodiscard]] std::int64_t overload_cost_us(const Snapshot& snapshot);

struct Evaluation {
  // The terms of the cost.
  std::int64_t latency = 0;
  std::int64_t late = 0;
  std::int64_t off_tree = 0;
  std::int64_t congestion = 0;
  std::int64_t migration = 0;
  std::int64_t leaving = 0;
  std::int64_t unserved = 0;
  std::int64_t overload = 0;
  [[nodiscard]] std::int64_t total() const {
    return latency + late + off_tree + congestion + migration + leaving + unserved + overload;
  }

  std::int64_t contexts = 0;
  std::int64_t moves = 0;  // contexts that change from one host to another
  std::int64_t unserved_contexts = 0;
  std::int64_t late_contexts = 0;
  std::int64_t unknown_latency_contexts = 0;
  double latency_mean_ms = 0;  // over the contexts served with a known latency
  double latency_p95_ms = 0;
  std::vector<std::int64_t> load;  // of each host, in load units
  std::size_t overloaded_hosts = 0;
};

[[nodiscard]] Evaluation evaluate(const Snapshot& snapshot, const Placement& placement);

// Load units of each host under a placement.
[[nodiscard]] std::vector<std::int64_t> load_of(const Snapshot& snapshot,
                                                const Placement& placement);
// Load of each host that no policy can move.
[[nodiscard]] std::vector<std::int64_t> fixed_load(const Snapshot& snapshot);
// Does any class of service limit the response time, which depends on the load?
[[nodiscard]] bool has_response_limits(const Snapshot& snapshot);
// What requests wait at each host with this load.
[[nodiscard]] std::vector<std::int64_t> waiting_of(const Snapshot& snapshot,
                                                   const std::vector<std::int64_t>& load);

// Where everybody is now.
[[nodiscard]] Placement current_placement(const Snapshot& snapshot);

}  // namespace mx2::optimizer
