// Reads contexts that ask for areas, and compares these with what hosts offer, on a thread of its
// own: it takes milliseconds for each, which the store writer does not have.
//
// Threads: submit() and take() are one thread's (the store writer's), stop() any. `ready` is called
// on the thread of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "api/base/result.h"
#include "api/base/worker.h"
#include "orchestrator/core/asked_locations.h"
#include "orchestrator/domain/model.h"

namespace mx2 {

class LocationWorker {
 public:
  struct Job {
    std::string context_id;
    std::uint64_t revision = 0;
    std::string document;
  };
  struct Done {
    std::string context_id;
    std::uint64_t revision = 0;
    Result<AppContext> context;
    AskedLocations locations;
  };

  // `ready`: there is something to take.
  LocationWorker(const LiveModel& model, std::function<void()> ready);

  void submit(Job job);
  // What is done, in order.
  [[nodiscard]] std::deque<Done> take();
  // Submitted and not yet taken.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] bool is_ready() const;
  // What is not done by then never is. Idempotent.
  void stop() { worker_.stop(); }

 private:
  [[nodiscard]] Worker::Time step();
  [[nodiscard]] Done work_out(Job job) const;

  const LiveModel& model_;
  const std::function<void()> ready_;
  mutable std::mutex mutex_;
  std::deque<Job> jobs_;
  std::deque<Done> done_;
  bool working_ = false;
  Worker worker_;
};

}  // namespace mx2
