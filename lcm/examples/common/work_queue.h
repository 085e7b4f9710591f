// Threads for the work of a λ, apart from those of the server: a health check is answered at once
// whatever the λ is busy with.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "api/base/callback.h"

namespace mx2::lambda {

class WorkQueue {
 public:
  // `worker` is the thread's number, from 0. A job that is dropped by stop() is destroyed uncalled.
  using Job = Callback<int>;

  WorkQueue(int threads, std::size_t waiting_max);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False, and `job` is left alone, when too many wait already.
  [[nodiscard]] bool submit(Job& job);
  // Finishes what runs, drops what waits. Idempotent.
  void stop();

 private:
  void work(int worker);

  std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mx2::lambda
