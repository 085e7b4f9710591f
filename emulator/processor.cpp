#include "emulator/processor.h"

#include <algorithm>

namespace mx2::emulator {

Processor::Processor(const ProcessorSpec& spec, const std::vector<int>& workers) : spec_(spec) {
  for (const auto count : workers) containers_.push_back({count, 0, {}});
}

bool Processor::later(const Running& a, const Running& b) {
  return a.finish != b.finish ? a.finish > b.finish : a.sequence > b.sequence;
}

double Processor::rate() const {
  const auto tasks = static_cast<double>(running_.size());
  return spec_.speed * std::min(static_cast<double>(spec_.cores), tasks) / tasks;
}

void Processor::advance(Time now) {
  if (now <= now_) return;
  if (!running_.empty()) {
    const auto seconds = to_seconds(now - now_);
    work_ += rate() * seconds;
    busy_integral_ += static_cast<double>(running_.size()) * seconds;
  }
  now_ = now;
}

bool Processor::can_start(const Container& container, const Task& task) const {
  return container.busy < container.workers &&
         memory_used_ + task.memory_bytes <= spec_.memory_bytes;
}

bool Processor::submit(Time now, std::uint32_t container, const Task& task) {
  if (task.memory_bytes > spec_.memory_bytes) return false;
  advance(now);
  auto& at = containers_[container];
  if (!at.queue.empty() || !can_start(at, task)) {
    at.queue.push_back(task);
    ++waiting_;
    return true;
  }
  start(container, task);
  set_next();
  return true;
}

void Processor::start(std::uint32_t container, const Task& task) {
  if (running_.empty()) work_ = 0;  // keeps the clock small, and so exact
  ++containers_[container].busy;
  memory_used_ += task.memory_bytes;
  running_.push_back({work_ + task.ops, sequence_++, task, container});
  std::push_heap(running_.begin(), running_.end(), later);
}

void Processor::complete(Time now, std::vector<std::uint32_t>& done) {
  advance(now);
  bool any = false;
  // What is left is less than a nanosecond's work: the time was rounded.
  while (!running_.empty() && running_.front().finish - work_ <= rate() / kNsPerSecond) {
    std::pop_heap(running_.begin(), running_.end(), later);
    const auto& ended = running_.back();
    --containers_[ended.container].busy;
    memory_used_ -= ended.task.memory_bytes;
    done.push_back(ended.task.id);
    running_.pop_back();
    any = true;
  }
  if (running_.empty()) memory_used_ = 0;
  if (any && waiting_ > 0) start_waiting();
  set_next();
}

void Processor::start_waiting() {
  for (std::uint32_t i = 0; i < containers_.size(); ++i) {
    auto& container = containers_[i];
    while (!container.queue.empty() && can_start(container, container.queue.front())) {
      start(i, container.queue.front());
      container.queue.pop_front();
      --waiting_;
    }
  }
}

void Processor::set_next() {
  if (running_.empty()) {
    next_ = kNever;
    return;
  }
  const auto left = std::max(0.0, running_.front().finish - work_) / rate() * kNsPerSecond;
  next_ = now_ + static_cast<Time>(std::ceil(left));
}

double Processor::take_utilisation(Time now) {
  advance(now);
  const auto seconds = to_seconds(now - utilisation_since_);
  const auto share =
      seconds > 0 ? busy_integral_ / (static_cast<double>(spec_.cores) * seconds) : 0.0;
  busy_integral_ = 0;
  utilisation_since_ = now;
  return std::min(1.0, share);
}

}  // namespace mx2::emulator
