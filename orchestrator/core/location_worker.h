// Reads contexts that ask for areas, and compares these with what hosts offer, on a thread of its
// own: it takes milliseconds for each, which the store writer does not have.
//
// Threads: submit() and take() are one thread's (the store writer's), stop() any. `ready` is called
// on the thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "api/base/result.h"
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
  ~LocationWorker() { stop(); }
  LocationWorker(const LocationWorker&) = delete;
  LocationWorker& operator=(const LocationWorker&) = delete;

  void submit(Job job);
  // What is done, in order.
  [[nodiscard]] std::deque<Done> take();
  // Submitted and not yet taken.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] bool is_ready() const;
  // What is not done by then never is. Idempotent.
  void stop();

 private:
  void run();
  [[nodiscard]] Done work_out(Job job) const;

  const LiveModel& model_;
  const std::function<void()> ready_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::deque<Done> done_;
  bool working_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace mx2
