// What runs have in common in simulated and in real time: UEs that call, move and end their
// contexts alike for a seed, and the rules by which all that counts.
#pragma once

#include <cstdint>
#include <vector>

#include "emulator/event_queue.h"
#include "emulator/network.h"
#include "emulator/random.h"
#include "emulator/results.h"
#include "emulator/scenario.h"
#include "emulator/traffic.h"

namespace mx2::emulator {

class Run {
 protected:
  struct Mover {
    std::uint16_t cell = 0;
    std::uint16_t lambda = 0;
    std::uint16_t entry = 0;   // first host that the table has for it
    std::uint8_t awaited = 0;  // answers
    bool answered = false;     // the present call
    Time sent = 0;
    Time up_until = 0;  // access link, busy
    Time down_until = 0;
    Time rewritten = kNever;  // when its entry changed, until it calls by the new one
    TrafficState traffic;
    Stream mobility;
    Stream life;
    Stream probe;
  };

  // The scenario must outlive this.
  Run(const Scenario& scenario, std::uint64_t seed);
  ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void place(Mover& ue, std::uint32_t id, std::uint64_t seed) const;
  // Of each UE the first call, move and end of a context; and the first hot spot.
  void schedule_begin();
  void schedule_plan(Time now);
  // What is due, but for messages and tasks. After the end only those, which are on their way.
  void happen(const Event& event, Time now);

  // To the primary endpoint, and with a certain probability to each other one.
  template <typename SendTo>
  void send_to_each(Mover& ue, std::size_t endpoints, Time now, SendTo send_to) {
    ue.sent = now;
    ue.answered = false;
    send_to(0);
    for (std::size_t i = 1; i < endpoints; ++i) {
      if (ue.probe.uniform() >= scenario_.strategy.probe) continue;
      if (counts(now)) ++results_.probes;
      send_to(i);
    }
  }
  // Whether it goes where the table says.
  void count_call(Mover& ue, bool stale, Time now);
  // A call leaves the UE, or its answer is in its cell: when it is over the access link.
  [[nodiscard]] Time leave(Mover& ue, Time now);
  [[nodiscard]] Time come_back(Mover& ue, Time now) {
    return cross_access(ue.down_until, scenario_.ues.response_bytes, now);
  }
  // An answer is there. True: the first good one, which counts; its endpoint becomes the primary
  // one.
  [[nodiscard]] bool take_answer(Mover& ue, bool refused, Time now);
  // The next call waits for all answers.
  void call_again(Mover& ue, std::uint32_t id, Time now);

  // The table has another first host for the UE. False: it has not.
  bool rewrite(Mover& ue, std::uint32_t entry, Time now);
  // With dispatching, where the UE is now: the dispatcher nearest to it. True: its own row says so.
  [[nodiscard]] bool go_to_nearest(Mover& ue, Time now);
  void count_notification(const Mover& ue, Time now);
  // Of the whole run, at its end.
  void finish();

  [[nodiscard]] bool dispatches() const { return strategy_ == StrategyKind::kDispatching; }
  [[nodiscard]] bool counts(Time now) const { return now >= warmup_; }
  [[nodiscard]] Time to_orchestrator(const Mover& ue) const {
    return network_.access_delay() + network_.delay(ue.cell, scenario_.orchestrator.cell);
  }

  const Scenario& scenario_;
  const StrategyKind strategy_;
  const Time end_;
  const Time warmup_;
  Network network_;
  const std::vector<std::uint32_t> nearest_;  // host, of each cell
  EventQueue events_;
  Results results_;

 private:
  [[nodiscard]] virtual Mover& mover(std::uint32_t id) = 0;
  virtual void send(std::uint32_t id, Time now) = 0;
  // It is in another cell, where it keeps its dispatcher, if there are any.
  virtual void moved(std::uint32_t id, Time now) = 0;
  virtual void find_dispatcher(std::uint32_t id, Time now) = 0;
  virtual void end_context(std::uint32_t id, Time now) = 0;
  // What is coming, of a new context or a notification, is there.
  virtual void use_context(std::uint32_t id) = 0;
  virtual void notified(std::uint32_t id) = 0;
  virtual void plan_all(Time now) = 0;
  virtual void report(Time) {}

  void schedule_end(Mover& ue, std::uint32_t id, Time now);
  void move(std::uint32_t id, Time now);
  void move_hot_spot(Time now);
  void plan(Time now);
  // Who moves has another dispatcher then; else with the next plan.
  [[nodiscard]] bool changes_dispatcher_at_once() const {
    return dispatches() && (scenario_.optimizer.told_of_moves || !scenario_.strategy.follows);
  }
  [[nodiscard]] Time cross_access(Time& busy_until, std::uint32_t bytes, Time now);
  [[nodiscard]] double factor_of(const Mover& ue) const;
  [[nodiscard]] std::uint32_t hot_places() const;

  TrafficModel traffic_;
  Stream hot_spot_draws_;
  std::uint32_t hot_spot_ = 0;
};

}  // namespace mx2::emulator
