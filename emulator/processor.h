// An emulated MEC host's processor: how long a λ takes there, and how others there delay it.
//
// A task needs a number of operations and some memory. A container serves one λ with a number of
// workers; its tasks wait in one queue, first come first served, for a worker and for memory (the
// first that does not fit holds up those behind it). With R tasks running, of all containers, each
// advances at S·min(C, R)/R operations a second on C cores of speed S: processor sharing, one task
// on one core at most. Source: the emulated computer of Cicconetti et al.'s prototype.
//
// Time is whatever the caller says: simulated or real. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "emulator/time.h"

namespace mx2::emulator {

struct ProcessorSpec {
  double speed = 1e11;  // operations a second, of each core
  int cores = 4;
  double memory_bytes = 512.0 * (1 << 20);
};

struct Task {
  std::uint32_t id = 0;  // the caller's
  double ops = 0;
  double memory_bytes = 0;
};

class Processor {
 public:
  // One container with so many workers for each entry.
  Processor(const ProcessorSpec& spec, const std::vector<int>& workers);

  // False if the task needs more memory than there is; then nothing has changed.
  [[nodiscard]] bool submit(Time now, std::uint32_t container, const Task& task);
  // When the next task will be complete if nothing is submitted before; kNever when idle.
  [[nodiscard]] Time next_completion() const { return next_; }
  // Appends the tasks that are complete at `now`, and starts others in their place.
  void complete(Time now, std::vector<std::uint32_t>& done);

  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  // Share of the cores that was in use since the last call: min(1, ∫R dt / (C·Δ)).
  [[nodiscard]] double take_utilisation(Time now);

 private:
  struct Running {
    double finish = 0;  // by the work clock
    std::uint64_t sequence = 0;
    Task task;
    std::uint32_t container = 0;
  };
  struct Container {
    int workers = 0;
    int busy = 0;
    std::deque<Task> queue;
  };

  void advance(Time now);
  void start(std::uint32_t container, const Task& task);
  void start_waiting();
  void set_next();
  [[nodiscard]] bool can_start(const Container& container, const Task& task) const;
  [[nodiscard]] double rate() const;
  static bool later(const Running& a, const Running& b);

  const ProcessorSpec spec_;
  std::vector<Container> containers_;
  std::vector<Running> running_;  // a heap, the first to finish on top
  double work_ = 0;               // operations that a task running since the beginning has had
  double memory_used_ = 0;
  double busy_integral_ = 0;  // ∫R dt, in seconds, since utilisation_since_
  std::size_t waiting_ = 0;
  std::uint64_t sequence_ = 0;
  Time now_ = 0;
  Time next_ = kNever;
  Time utilisation_since_ = 0;
};

}  // namespace mx2::emulator
