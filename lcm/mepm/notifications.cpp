#include "lcm/mepm/notifications.h"

#include <algorithm>
#include <limits>

#include "api/base/log.h"
#include "api/base/units.h"
#include "api/mec/codec_app_lcm.h"

namespace mx2::mepm {
namespace {

constexpr const char* kFolder = "subscriptions";

template <typename T>
bool matches(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool selects(const LcmSubscription& subscription, const AppInstanceInfo& instance) {
  return matches(subscription.app_instance_ids, instance.id) &&
         matches(subscription.app_names, instance.app_name) &&
         matches(subscription.app_d_ids, instance.app_d_id) &&
         matches(subscription.app_providers, instance.app_provider);
}

}  // namespace

Notifications::Notifications(const Needs& needs, NotificationOptions options)
    : needs_(needs),
      options_(options),
      delivered_(needs.registry.counter("mx2_mepm_notifications_total", "Notifications sent",
                                        {{"outcome", "delivered"}})),
      dropped_(needs.registry.counter("mx2_mepm_notifications_total", "Notifications sent",
                                      {{"outcome", "dropped"}})) {}

void Notifications::set_root(const std::string& root) {
  lcm_root_ = root + codec::kAppLcmPath;
  support_root_ = root + codec::kAppSupportPath;
}

void Notifications::recover() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, document] : needs_.state.load(kFolder)) {
    auto subscription = codec::decode_lcm_subscription(document);
    if (subscription) lcm_[id] = std::move(*subscription);
  }
  for (const auto& [id, document] : needs_.state.load("termination_subscriptions")) {
    auto subscription = codec::decode_termination_subscription(json::dump(document));
    if (subscription) ends_[id] = std::move(*subscription);
  }
}

Result<LcmSubscription> Notifications::subscribe(LcmSubscription request) {
  const std::lock_guard lock(mutex_);
  if (lcm_.size() >= options_.subscriptions_max) return unavailable("too many subscriptions");
  request.id = needs_.ids.next();
  const auto document = codec::to_json(request, lcm_root_);
  if (auto saved = needs_.state.put(kFolder, request.id, document); !saved) return saved.error();
  lcm_[request.id] = request;
  return request;
}

Result<void> Notifications::unsubscribe(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (lcm_.erase(id) == 0) return not_found("no subscription " + id);
  needs_.state.remove(kFolder, id);
  return {};
}

std::vector<LcmSubscription> Notifications::subscriptions() const {
  const std::lock_guard lock(mutex_);
  std::vector<LcmSubscription> out;
  for (const auto& [id, subscription] : lcm_) out.push_back(subscription);
  return out;
}

Result<LcmSubscription> Notifications::subscription(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = lcm_.find(id);
  if (it == lcm_.end()) return not_found("no subscription " + id);
  return it->second;
}

Result<AppTerminationSubscription> Notifications::subscribe(AppTerminationSubscription request) {
  const std::lock_guard lock(mutex_);
  const auto of_it = std::count_if(ends_.begin(), ends_.end(), [&](const auto& other) {
    return other.second.app_instance_id == request.app_instance_id;
  });
  if (ends_.size() >= options_.subscriptions_max ||
      static_cast<std::size_t>(of_it) >= options_.end_subscriptions_max) {
    return unavailable("too many subscriptions");
  }
  request.id = needs_.ids.next();
  const auto document = codec::to_json(request, support_root_);
  if (auto saved = needs_.state.put("termination_subscriptions", request.id, document); !saved) {
    return saved.error();
  }
  ends_[request.id] = request;
  return request;
}

Result<void> Notifications::unsubscribe_end(const std::string& instance_id, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = ends_.find(id);
  if (it == ends_.end() || it->second.app_instance_id != instance_id) {
    return not_found("instance " + instance_id + " has no subscription " + id);
  }
  ends_.erase(it);
  needs_.state.remove("termination_subscriptions", id);
  return {};
}

std::vector<AppTerminationSubscription> Notifications::end_subscriptions(
    const std::string& instance_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<AppTerminationSubscription> out;
  for (const auto& [id, subscription] : ends_) {
    if (subscription.app_instance_id == instance_id) out.push_back(subscription);
  }
  return out;
}

void Notifications::instance_changed(const AppInstanceInfo& instance) {
  const std::lock_guard lock(mutex_);
  AppInstNotification notification{needs_.ids.next(),     {},
                                   needs_.clock.now_ms(), instance.id,
                                   instance.app_pkg_id,   instance.app_d_id,
                                   state_of(instance)};
  for (const auto& [id, subscription] : lcm_) {
    if (subscription.kind != LcmSubscription::Kind::kInstances) continue;
    if (!selects(subscription, instance)) continue;
    if (!matches(subscription.instance_states, notification.state)) continue;
    notification.subscription_id = id;
    owe(id, subscription.callback_uri, codec::encode(notification, lcm_root_));
  }
}

void Notifications::operation_changed(const AppLcmOpOcc& operation,
                                      const AppInstanceInfo& instance) {
  const std::lock_guard lock(mutex_);
  AppLcmOpOccNotification notification{needs_.ids.next(), {},          needs_.clock.now_ms(),
                                       operation.id,      instance.id, operation.operation,
                                       operation.state};
  for (const auto& [id, subscription] : lcm_) {
    if (subscription.kind != LcmSubscription::Kind::kOperations) continue;
    if (!selects(subscription, instance)) continue;
    if (!matches(subscription.operations, operation.operation)) continue;
    if (!matches(subscription.operation_states, operation.state)) continue;
    notification.subscription_id = id;
    owe(id, subscription.callback_uri, codec::encode(notification, lcm_root_));
  }
}

bool Notifications::announce_end(const std::string& instance_id, OperationAction action,
                                 std::int64_t grace_ms) {
  const std::lock_guard lock(mutex_);
  if (const auto it = endings_.find(instance_id); it != endings_.end()) {
    it->second.delivered = false;  // that was another one, which was cancelled
  }
  bool told = false;
  const auto instance = support_root_ + "/applications/" + instance_id;
  for (const auto& [id, subscription] : ends_) {
    if (subscription.app_instance_id != instance_id) continue;
    AppTerminationNotification notification;
    notification.action = action;
    notification.max_graceful_timeout_s = std::max<std::int64_t>(1, grace_ms / whole::kMsPerSecond);
    notification.subscription_href = instance + "/subscriptions/" + id;
    notification.confirm_href = instance + "/confirm_termination";
    told |= owe(id, subscription.callback_reference, codec::encode(notification), instance_id);
  }
  return told;
}

bool Notifications::may_know_of_end(const std::string& instance_id) const {
  const std::lock_guard lock(mutex_);
  const auto it = endings_.find(instance_id);
  return it != endings_.end() && (it->second.delivered || it->second.owed > 0);
}

void Notifications::instance_gone(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  endings_.erase(instance_id);
  for (auto it = ends_.begin(); it != ends_.end();) {
    if (it->second.app_instance_id != instance_id) {
      ++it;
      continue;
    }
    needs_.state.remove("termination_subscriptions", it->first);
    it = ends_.erase(it);
  }
}

bool Notifications::owe(const std::string& subscription_id, const std::string& url,
                        std::string body, const std::string& ends) {
  if (owed_ >= (ends.empty() ? options_.queue_max / 2 : options_.queue_max)) {
    dropped_.add();
    return false;
  }
  ++owed_;
  if (!ends.empty()) ++endings_[ends].owed;
  queues_[subscription_id].owed.push_back({url, std::move(body), ends, 0, 0});
  needs_.http.wake();
  return true;
}

void Notifications::settle(const Owed& owed, bool delivered) {
  (delivered ? delivered_ : dropped_).add();
  --owed_;
  const auto it = endings_.find(owed.ends);
  if (it == endings_.end()) return;
  it->second.delivered |= delivered;
  if (it->second.owed > 0) --it->second.owed;
}

void Notifications::step() {
  std::vector<std::pair<std::string, Owed>> due;
  {
    const std::lock_guard lock(mutex_);
    const auto now = needs_.steady.now_ms();
    for (auto& [id, queue] : queues_) {
      if (queue.sending || queue.owed.empty() || queue.owed.front().due_ms > now) continue;
      queue.sending = true;
      ++queue.owed.front().attempts;
      due.emplace_back(id, queue.owed.front());
    }
  }
  for (auto& [id, owed] : due) {
    needs_.http.begin({"POST", owed.url, {{"Content-Type", "application/json"}}, owed.body},
                      [this, id = id](const Result<http::Reply>& reply) { sent(id, reply); });
  }
}

void Notifications::sent(const std::string& subscription_id, const Result<http::Reply>& reply) {
  const std::lock_guard lock(mutex_);
  const auto it = queues_.find(subscription_id);
  if (it == queues_.end()) return;
  auto& queue = it->second;
  auto& owed = queue.owed.front();
  queue.sending = false;
  const bool delivered = reply && reply->status >= 200 && reply->status < 300;
  const bool known = lcm_.count(subscription_id) > 0 || ends_.count(subscription_id) > 0;
  if (!delivered && known && owed.attempts < options_.attempts_max) {
    owed.due_ms = needs_.steady.now_ms() + (std::int64_t{options_.retry_ms} << owed.attempts);
    return;
  }
  if (!delivered) {
    log::warn("notification dropped",
              {{"subscription", subscription_id},
               {"why", reply ? std::to_string(reply->status) : reply.error().detail}});
  }
  settle(owed, delivered);
  queue.owed.pop_front();
  if (queue.owed.empty()) queues_.erase(it);
}

std::int64_t Notifications::next_due_ms() const {
  const std::lock_guard lock(mutex_);
  auto due = std::numeric_limits<std::int64_t>::max();
  for (const auto& [id, queue] : queues_) {
    if (!queue.sending && !queue.owed.empty()) due = std::min(due, queue.owed.front().due_ms);
  }
  return due;
}

}  // namespace mx2::mepm
