#include "orchestrator/core/location_worker.h"

#include <utility>

#include "api/mx2/codec.h"

namespace mx2 {

LocationWorker::LocationWorker(const LiveModel& model, std::function<void()> ready)
    : model_(model), ready_(std::move(ready)) {
  worker_.start([this] { return step(); });
}

void LocationWorker::submit(Job job) {
  {
    const std::lock_guard guard(mutex_);
    jobs_.push_back(std::move(job));
  }
  worker_.wake();
}

std::deque<LocationWorker::Done> LocationWorker::take() {
  const std::lock_guard guard(mutex_);
  return std::exchange(done_, {});
}

std::size_t LocationWorker::pending() const {
  const std::lock_guard guard(mutex_);
  return jobs_.size() + done_.size() + (working_ ? 1 : 0);
}

bool LocationWorker::is_ready() const {
  const std::lock_guard guard(mutex_);
  return !done_.empty();
}

Worker::Time LocationWorker::step() {
  std::unique_lock lock(mutex_);
  if (jobs_.empty()) return Worker::kWhenWoken;
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  working_ = true;
  lock.unlock();
  auto done = work_out(std::move(job));
  lock.lock();
  working_ = false;
  done_.push_back(std::move(done));
  lock.unlock();
  ready_();
  return Worker::kAtOnce;
}

LocationWorker::Done LocationWorker::work_out(Job job) const {
  Done done{
      std::move(job.context_id), job.revision, codec::decode_stored_context(job.document), {}};
  if (!done.context) return done;
  done.locations = AskedLocations::of(done.context->app_info.user_app_instance_info);
  done.locations.compare(model_.read([](const Model& model) { return model.service_areas(); }));
  return done;
}

}  // namespace mx2
