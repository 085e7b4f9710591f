// Which Optimizer leads: of several that run, by mistake or as a reserve, one sends plans. A lease,
// renewed while it lives, in memory alone: after a restart of the orchestrator the first to ask
// gets it. Plans are guarded by the table version besides, so a wrong leader costs work, never
// rows. Beside it, whether operators have paused the Optimizer, whoever leads: that is stored.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace mx2 {

class OptimizerLease {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct State {
    std::string holder;
    std::string url;  // of the Optimizer's own listener
    std::int64_t remaining_ms = 0;
  };

  // Takes or renews it, if nobody else has it. Who has it then.
  State request(const std::string& holder, const std::string& url, std::chrono::milliseconds lease,
                Time now);
  // False when `holder` does not have it.
  bool release(const std::string& holder, Time now);
  [[nodiscard]] std::optional<State> state(Time now) const;
  // False when somebody else has it.
  [[nodiscard]] bool may_send(const std::string& holder, Time now) const;

  // As the store has it.
  void set_paused(bool paused) { paused_ = paused; }
  [[nodiscard]] bool paused() const { return paused_; }

 private:
  [[nodiscard]] std::optional<State> current(Time now) const;

  mutable std::mutex mutex_;
  std::string holder_;  // empty: nobody
  std::string url_;
  Time end_;
  std::atomic<bool> paused_ = false;
};

}  // namespace mx2
