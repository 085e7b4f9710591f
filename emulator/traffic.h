// When a UE calls. Source of the three models: the clients of Cicconetti et al.'s prototype.
//
//   closed loop  calls are due at intervals that are constant, uniform in [0, 2T] or exponential; a
//                call whose predecessor is late is made as soon as that is answered
//   ON/OFF       exponential ON and OFF times; within ON a call follows the answer of the one
//                before after a uniform pause; what would begin after the end of ON is dropped
//   bursts       Poisson(mean) calls with uniform pauses; bursts begin after exponential periods
//
// One call is on its way at a time. Within a hot spot all times but ON and OFF are divided by its
// factor. The first constant interval is uniform, so that UEs are not in step.
#pragma once

#include "emulator/random.h"
#include "emulator/scenario.h"
#include "emulator/time.h"

namespace mx2::emulator {

// Of one UE.
struct TrafficState {
  Stream draws;
  Stream sessions;
  Time due = 0;     // closed loop: of the last call; bursts: beginning of the last burst
  Time on_end = 0;  // ON/OFF: end of the present or last ON
  int left = 0;     // bursts: calls still to come
};

class TrafficModel {
 public:
  explicit TrafficModel(const TrafficSpec& spec) : spec_(spec) {}

  // The first call of a run that begins at 0.
  [[nodiscard]] Time first(TrafficState& state, double factor) const;
  // The next one, when the last was answered at `now`; never earlier than that.
  [[nodiscard]] Time next(TrafficState& state, Time now, double factor) const;

 private:
  [[nodiscard]] Time interval(TrafficState& state, double factor) const;
  [[nodiscard]] Time pause(TrafficState& state, double factor) const;
  [[nodiscard]] Time next_on(TrafficState& state, Time now, double factor) const;
  [[nodiscard]] Time next_of_burst(TrafficState& state, Time now, double factor) const;

  const TrafficSpec spec_;
};

}  // namespace mx2::emulator
