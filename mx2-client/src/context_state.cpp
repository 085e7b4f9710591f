#include "mx2-client/src/context_state.h"

#include <algorithm>

namespace mx2::device {

void ContextState::begin(const std::string& context_id, const Instances& instances,
                         Number revision) {
  const std::lock_guard lock(mutex_);
  context_id_ = context_id;
  latest_ = revision;
  set_instances(instances);
}

bool ContextState::update(Number number, const Instances& instances,
                          std::optional<std::uint64_t> generation) {
  const std::lock_guard lock(mutex_);
  if (generation && *generation != generation_) return false;
  if (!admit(number)) return false;
  set_instances(instances);
  return true;
}

bool ContextState::change_address(Number number, const std::string& app_instance_id,
                                  const std::string& reference_uri) {
  const std::lock_guard lock(mutex_);
  if (!admit(number)) return false;
  auto it = std::find_if(instances_.begin(), instances_.end(), [&](const Instance& instance) {
    return !app_instance_id.empty() && instance.id == app_instance_id;
  });
  if (it == instances_.end() && instances_.empty()) it = instances_.emplace(it);
  if (it == instances_.end()) it = instances_.begin();
  if (!app_instance_id.empty()) it->id = app_instance_id;
  if (it->uri != reference_uri) ++generation_;
  it->uri = reference_uri;
  settle();
  return true;
}

bool ContextState::admit(Number number) {
  if (number && latest_ && *number < *latest_) return false;
  if (number) latest_ = number;
  return true;
}

void ContextState::set_instances(const Instances& instances) {
  std::vector<Instance> now;
  for (const auto& instance : instances) {
    if (instance.reference_uri.empty()) continue;
    now.push_back({instance.app_instance_id, instance.reference_uri});
  }
  const auto same = [](const Instance& a, const Instance& b) {
    return a.id == b.id && a.uri == b.uri;
  };
  if (!std::equal(now.begin(), now.end(), instances_.begin(), instances_.end(), same)) {
    ++generation_;
  }
  instances_ = std::move(now);
  settle();
}

void ContextState::settle() {
  const auto listed = std::any_of(instances_.begin(), instances_.end(),
                                  [&](const Instance& i) { return i.uri == primary_; });
  const bool keep = listed && preferred_ == primary_;
  auto next = instances_.empty() ? std::string() : instances_.front().uri;
  if (keep) next = primary_;
  if (begun_ && next != primary_) {
    client::Move move{primary_, next, {}};
    for (const auto& instance : instances_) move.endpoints.push_back(instance.uri);
    listener_.tell(std::move(move));
    ++moves_;
  }
  begun_ = true;
  primary_ = next;
  changed_.notify_all();
}

std::uint64_t ContextState::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

Number ContextState::revision() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

std::string ContextState::context_id() const {
  const std::lock_guard lock(mutex_);
  return context_id_;
}

std::string ContextState::endpoint() const {
  const std::lock_guard lock(mutex_);
  return primary_;
}

std::vector<std::string> ContextState::endpoints() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& instance : instances_) out.push_back(instance.uri);
  return out;
}

std::uint64_t ContextState::moves() const {
  const std::lock_guard lock(mutex_);
  return moves_;
}

void ContextState::prefer(const std::string& endpoint) {
  const std::lock_guard lock(mutex_);
  const auto listed = std::any_of(instances_.begin(), instances_.end(),
                                  [&](const Instance& i) { return i.uri == endpoint; });
  if (!listed) return;
  preferred_ = endpoint;
  primary_ = endpoint;
  changed_.notify_all();
}

bool ContextState::wait_other(const std::string& known, Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return closed_ || primary_ != known; });
  return !closed_ && primary_ != known;
}

void ContextState::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  listener_.close();
}

}  // namespace mx2::device
