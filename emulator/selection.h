// How a dispatcher chooses among the hosts of a λ. Pure: time is given.
//
//   least impedance      the smallest weight; a weight is the response time, smoothed: of two
//                        samples less than 5 s apart the old one keeps 95 %
//   deficit round robin  weighted round robin in proportion to 1/weight among the hosts whose
//                        weight is at most twice the smallest; the others are probed after 1 s,
//                        then after 2, 4, … 30 s as long as they stay slow
//   predicted            the smallest prediction: network time as a + b·size over the last 50
//                        samples of 10 s, plus processing time as a + b·load over the last 50,
//                        with the load that the host told last
//   mx2-dispatcher       dispatcher/selector.h with its standard options: the host in the
//                        dispatcher's cell first, others when that is slow; weights every 100 ms,
//                        by which calls are shared out in turn as HAProxy does it
// Source of the first three: e-router and e-dispatcher of Cicconetti et al.'s prototype. Theirs
// never looks again at a host that was slow once, under least impedance; here a weight that is
// older than 10 s is as unknown as one that was never measured, and what is unknown is tried first.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "emulator/scenario.h"
#include "emulator/time.h"

namespace mx2::emulator {

// What an answer tells.
struct Sample {
  double response_s = 0;  // from forwarding the call to its answer
  double service_s = 0;   // of that, what the host says it took, its queue included
  double load = 0;        // of the host, 0 to 1
  double bytes = 0;       // of the request
};

class Selection {
 public:
  virtual ~Selection() = default;
  // One of `destinations` (as given to make_selection).
  [[nodiscard]] virtual std::uint32_t pick(Time now, double bytes) = 0;
  virtual void answered(Time now, std::uint32_t destination, const Sample& sample) = 0;
};

// `is_local`: of each destination, whether it is in the dispatcher's own cell.
[[nodiscard]] std::unique_ptr<Selection> make_selection(SelectionKind kind,
                                                        const std::vector<bool>& is_local);
// The last of them.
[[nodiscard]] std::unique_ptr<Selection> make_shipped_selection(const std::vector<bool>& is_local);

}  // namespace mx2::emulator
