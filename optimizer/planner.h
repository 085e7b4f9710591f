// The optimizer's main loop, one step at a time: reads its configuration again when that has
// changed, follows the orchestrator, and plans when it is time, when something cannot wait, or when
// somebody asks. Plans only while it leads and is not paused; what somebody asks for it does paused
// as well.
//
// Threads: one, that of step().
#pragma once

#include <cstdint>
#include <string>

#include "optimizer/configuration.h"
#include "optimizer/control.h"
#include "optimizer/leadership.h"
#include "optimizer/optimizer.h"
#include "optimizer/status.h"

namespace mx2::optimizer {

class Planner {
 public:
  // All references must outlive this. `feed` and `clock` as in Optimizer, `holder` as in
  // Leadership; `source` may be null.
  Planner(http::Client& http, http::Client& feed, const Configuration& configuration,
          ConfigurationWatch watch, Leadership& leadership, Control& control, Status& status,
          const SteadyClock& clock, const std::string& holder, TopologySource* source = nullptr);

  // Lasts at most half a second, and a plan; then wait for so many milliseconds.
  [[nodiscard]] int step();

 private:
  void reload();
  void configure(Configuration configuration);
  void answer_requests();
  [[nodiscard]] http::Reply answer(Control::Wish wish);
  [[nodiscard]] http::Reply preview();
  [[nodiscard]] http::Reply plan_as_asked();
  [[nodiscard]] http::Reply pause(bool paused);
  [[nodiscard]] bool plans();
  bool take_news();  // true: there were some
  void place_moved();
  [[nodiscard]] bool is_due(Optimizer::Urgency urgency) const;
  Result<json::Value> plan();

  const OptimizerOptions started_with_;
  OptimizerOptions options_;
  ConfigurationWatch watch_;
  Leadership& leadership_;
  Control& control_;
  Status& status_;
  const SteadyClock& clock_;
  TopologySource* const source_;
  Optimizer optimizer_;
  std::int64_t next_ms_ = 0;
  std::int64_t last_ms_ = 0;
  std::int64_t look_ms_ = 0;
  bool planned_before_ = false;  // false: has just begun to lead, or was resumed
};

}  // namespace mx2::optimizer
