// How calls are shared out among destinations. A policy is a rule for one call; here are the shares
// that it comes to in the long run, which become weights of the data plane.
//
//   least-impedance      argmin w
//   random-proportional  P(d) = (1/w) / Σ(1/w)
//   deficit-round-robin  of the active set the smallest deficit, which then grows by w; so d's
//                        share is ∝ 1/w. Active is who has w ≤ 2·min w, who was never used, and
//                        for one call, as a probe, who was not used for 1 s, doubling to 30 s
//                        while its probes are bad.
//   predicted            argmin of T = max(0, a + b·bytes + a' + b'·load), by linear fits of the
//                        last 50 samples, not older than `stale_ms` for a and b. Nothing known:
//                        T = 0, so it is next.
//   two-choices          of two at random the one with fewer calls in flight
//
// w is Measured::impedance(). Source: ServerlessOnEdge (edgerouter, edgedispatcher); two choices:
// Mitzenmacher, 2001.
//
// In the data plane, which takes weights and one of three ways to use them:
//   least-impedance      the least w has all the weight; it changes hands as w changes, each 100 ms
//   random-proportional  weights 1/w, "balance random(1)": each call is drawn
//   deficit-round-robin  weights 1/w of the active set, "balance roundrobin", which is its long
//                        run; probes have the least weight there is until they are answered
//   predicted            weights of the balance in which all that are used would take the same
//                        time, for a call of average size, the fit by load not older than
//                        `stale_ms` either; "balance roundrobin"
//   two-choices          equal weights, "balance random(2)": the rule itself, for each call
// A w that says "never used" cannot be 0 there, as whoever is new would get all calls at once; the
// Selector tries them one after the other.
//
// Two differences from the sources: the active set is found again by the clock as well (else
// nothing is probed while nobody calls), and a probe ends with its own answer, not with that of
// another; and λ do not report processing time, so `load` is fitted to what `bytes` leaves of the
// response time.
//
// Pure; one thread. Candidates are of one tier, and can all take calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dispatcher/estimate.h"

namespace mx2::dispatcher {

using Candidates = std::vector<Measured*>;

// Calls of a λ, on average.
struct Traffic {
  double bytes = 0;
  double in_flight = 0;
  std::int64_t now_ms = 0;
};

struct Share {
  double share = 0;    // all of a call are 1
  bool probe = false;  // besides: a call now and then, to know
};

struct PolicyOptions {
  double alpha = 0.95;
  std::int64_t stale_ms = 10'000;
};

class Policy {
 public:
  explicit Policy(PolicyOptions options) : options_(options) {}
  virtual ~Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  // An answer of candidates[which].
  virtual void observe(const Candidates& candidates, std::size_t which, const Sample& sample,
                       std::int64_t now_ms) const;
  // Candidates must not be empty.
  [[nodiscard]] virtual std::vector<Share> shares(const Candidates& candidates,
                                                  const Traffic& traffic) const = 0;

 protected:
  const PolicyOptions options_;
};

// Null for an unknown name.
[[nodiscard]] std::unique_ptr<Policy> make_policy(const std::string& name, PolicyOptions options);

}  // namespace mx2::dispatcher
