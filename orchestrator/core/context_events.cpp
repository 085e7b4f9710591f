#include "orchestrator/core/context_events.h"

#include <algorithm>

#include "api/mx2/codec.h"

namespace mx2 {
namespace {

constexpr int kRetryAfterS = 5;

ContextEvent encode(std::uint64_t revision, const Notification& notification) {
  const auto* update = std::get_if<ApplicationContextUpdateNotification>(&notification);
  const bool untold = update != nullptr && update->user_app_instance_info.empty();
  return {revision, std::string(codec::type_of(notification)),
          untold ? std::string() : codec::encode(notification),
          std::holds_alternative<ApplicationContextDeleteNotification>(notification)};
}

}  // namespace

ContextEvents::ContextEvents(const EventOptions& options, metrics::Gauge& listeners)
    : options_(options), keep_alive_(options.keep_alive_ms), gauge_(listeners) {
  timer_.start([this] { return step(Clock::now()); });
}

ContextEvents::~ContextEvents() { close(); }

void ContextEvents::publish(const std::string& context_id, std::uint64_t revision,
                            const Notification& notification) {
  const auto listeners = listeners_of(context_id);
  if (listeners.empty()) return;
  const auto event = encode(revision, notification);
  for (const auto& [id, listener] : listeners) {
    const auto next = listener->on_event(event);
    if (event.ended || next == ContextListener::Next::kLeave) unsubscribe(id);
  }
}

bool ContextEvents::has_listeners(const std::string& context_id) const {
  if (count_ == 0) return false;
  const std::lock_guard lock(mutex_);
  return by_context_.count(context_id) != 0;
}

ContextEvents::Listeners ContextEvents::listeners_of(const std::string& context_id) const {
  Listeners result;
  if (count_ == 0) return result;
  const std::lock_guard lock(mutex_);
  const auto found = by_context_.find(context_id);
  if (found == by_context_.end()) return result;
  for (const auto id : found->second) result.emplace_back(id, entries_.at(id).listener);
  return result;
}

Result<ContextEvents::Id> ContextEvents::subscribe(const std::string& context_id,
                                                   std::shared_ptr<ContextListener> listener,
                                                   std::chrono::milliseconds period) {
  const std::lock_guard lock(mutex_);
  if (closed_) return unavailable("the server is shutting down");
  if (entries_.size() >= options_.listeners_max) {
    return refused_as(ErrorCode::kUnavailable, "too many clients wait for events", {},
                      kRetryAfterS);
  }
  auto& siblings = by_context_[context_id];
  if (siblings.size() >= options_.listeners_per_context_max) {
    return refused_as(ErrorCode::kTooMany, "too many clients wait for events of this context", {},
                      kRetryAfterS);
  }
  const auto id = ++last_id_;
  const auto due = Clock::now() + period;
  siblings.push_back(id);
  entries_.emplace(id, Entry{context_id, std::move(listener), period, due});
  due_.emplace(due, id);
  count();
  timer_.wake(due);
  return id;
}

void ContextEvents::unsubscribe(Id id) {
  std::shared_ptr<ContextListener> last;  // ends without the lock: it may write to the network
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  last = std::move(entry.listener);
  due_.erase({entry.due, id});
  const auto siblings = by_context_.find(entry.context_id);
  siblings->second.erase(std::find(siblings->second.begin(), siblings->second.end(), id));
  if (siblings->second.empty()) by_context_.erase(siblings);
  entries_.erase(found);
  count();
}

void ContextEvents::close() {
  std::unordered_map<Id, Entry> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(entries_);
    by_context_.clear();
    due_.clear();
    count();
  }
  timer_.stop();
}

void ContextEvents::count() {
  count_ = entries_.size();
  gauge_.set(static_cast<double>(entries_.size()));
}

ContextEvents::Listeners ContextEvents::take_due(Clock::time_point now) {
  Listeners result;
  const std::lock_guard lock(mutex_);
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto id = due_.begin()->second;
    due_.erase(due_.begin());
    auto& entry = entries_.at(id);
    result.emplace_back(id, entry.listener);
    entry.due = now + std::max(entry.period, std::chrono::milliseconds(1));
    due_.emplace(entry.due, id);
  }
  return result;
}

ContextEvents::Clock::time_point ContextEvents::step(Clock::time_point now) {
  for (const auto& [id, listener] : take_due(now)) {
    if (listener->on_quiet() == ContextListener::Next::kLeave) unsubscribe(id);
  }
  const std::lock_guard lock(mutex_);
  return due_.empty() ? Worker::kWhenWoken : due_.begin()->first;
}

}  // namespace mx2
