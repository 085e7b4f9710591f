#include "optimizer/advantedge/subscriptions.h"

#include <algorithm>
#include <utility>

#include "api/base/log.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::int64_t kLookMs = 1000;
constexpr std::int64_t kBelievedMs = 3000;  // after they were seen
constexpr std::int64_t kProbeMs = 5000;
constexpr std::size_t kProbesMax = 8;  // of a look
constexpr int kFailuresMin = 2;        // probes in a row, before somebody is taken for gone

}  // namespace

Subscriptions::Subscriptions(http::Client& location, http::Client& probe, SandboxAccess access,
                             const std::string& callback_url, std::string tag,
                             const SteadyClock& clock)
    : client_(location, std::move(access)),
      probe_(probe),
      callback_(callback_url.empty() ? "" : callback_url + kNotificationsPath),
      tag_(std::move(tag)),
      clock_(clock) {}

void Subscriptions::set_zones(std::set<std::string> zones) {
  if (callback_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || (!std::exchange(paused_, false) && zones == zones_)) return;
    zones_ = std::move(zones);
    confirmed_ms_.reset();
    look_ms_ = 0;
  }
  wake_();
}

void Subscriptions::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void Subscriptions::stop() {
  const std::lock_guard lock(mutex_);
  paused_ = stopped_ = true;
}

bool Subscriptions::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

int Subscriptions::next_step_ms() const {
  const std::lock_guard lock(mutex_);
  if (paused_) return static_cast<int>(kLookMs);
  return static_cast<int>(std::clamp<std::int64_t>(look_ms_ - clock_.now_ms(), 0, kLookMs));
}

bool Subscriptions::confirmed() const {
  const std::lock_guard lock(mutex_);
  return !paused_ && confirmed_ms_ && clock_.now_ms() - *confirmed_ms_ <= kBelievedMs;
}

int Subscriptions::step() {
  std::set<std::string> zones;
  {
    const std::lock_guard lock(mutex_);
    const auto now_ms = clock_.now_ms();
    if (paused_ || now_ms < look_ms_) {
      return static_cast<int>(paused_ ? kLookMs : look_ms_ - now_ms);
    }
    look_ms_ = now_ms + kLookMs;
    zones = zones_;
  }
  const auto found = look(zones);
  settle(found, zones);
  if (found) end_all(*found);
  return next_step_ms();
}

// Whether moves are told.
void Subscriptions::settle(const Result<LeftOver>& found, const std::set<std::string>& zones) {
  {
    const std::lock_guard lock(mutex_);
    if (!found) confirmed_ms_.reset();
    if (found && !zones.empty() && zones == zones_) confirmed_ms_ = clock_.now_ms();
  }
  if (is_stopped()) return;
  if (!found && !std::exchange(in_trouble_, true)) {
    log::warn("the location service does not tell moves", {{"reason", found.error().detail}});
  }
  if (found && std::exchange(in_trouble_, false)) {
    log::info("the location service tells moves again");
  }
}

// Makes what is missing first: what cannot be ended does not keep us from being told.
Result<Subscriptions::LeftOver> Subscriptions::look(const std::set<std::string>& zones) {
  const auto all = client_.subscriptions();
  if (!all) return all.error();
  auto missing = zones;
  LeftOver found;
  for (const auto& subscription : *all) {
    const bool here = subscription.callback == callback_;
    if (here && subscription.tag == tag_ && missing.erase(subscription.zone) > 0) continue;
    if (here) {
      found.here.push_back(subscription);
    } else if (subscription.correlator.starts_with(kCorrelator)) {
      found.elsewhere.push_back(subscription);
    }
  }
  tell_of_another(found.here);
  if (auto made = make(missing); !made) return made.error();
  return found;
}

// What was there at our first look is of who was here before us.
void Subscriptions::tell_of_another(const std::vector<Subscription>& here) {
  std::set<std::string> foreign;
  bool fresh = false;
  for (const auto& subscription : here) {
    if (subscription.tag == tag_) continue;
    foreign.insert(subscription.id);
    fresh = fresh || (foreign_ && !foreign_->contains(subscription.id));
  }
  foreign_ = std::move(foreign);
  if (!fresh || std::exchange(told_of_another_, true)) return;
  log::warn("another optimizer has our callback_url; each needs its own",
            {{"callback", callback_}});
}

Result<void> Subscriptions::make(const std::set<std::string>& zones) {
  if (zones.empty()) return {};
  {
    const std::lock_guard lock(mutex_);
    made_some_ = true;
  }
  for (const auto& zone : zones) {
    const auto correlator = std::string(kCorrelator) + ":" + zone;
    auto done = client_.subscribe({{}, zone, callback_, tag_, correlator});
    if (!done) return done;
  }
  log::info("subscribed", {{"zones", zones.size()}});
  return {};
}

// One that is refused keeps no other from being ended; a service that is not reached is left alone.
void Subscriptions::end_all(const LeftOver& found) {
  if (found.here.empty() && found.elsewhere.empty()) cannot_end_ = false;
  auto left_over = found.here;
  const auto gone = of_nobody(found.elsewhere);
  left_over.insert(left_over.end(), gone.begin(), gone.end());
  Result<void> done;
  for (const auto& subscription : left_over) {
    if (const auto ended = client_.unsubscribe(subscription.id); !ended) {
      done = ended;
      if (ended.error().cause == http::kUnreachable) break;
    } else if (subscription.callback != callback_) {
      log::info("ended the subscription of an optimizer that is gone",
                {{"zone", subscription.zone}, {"callback", subscription.callback}});
    }
  }
  if (done || is_stopped() || std::exchange(cannot_end_, true)) return;
  log::warn("subscriptions that are left over cannot be ended", {{"reason", done.error().detail}});
}

// Those at whose callback no optimizer has answered twice.
std::vector<Subscriptions::Subscription> Subscriptions::of_nobody(
    const std::vector<Subscription>& others) {
  std::set<std::string> callbacks;
  for (const auto& other : others) callbacks.insert(other.callback);
  std::erase_if(unanswered_, [&](const auto& one) { return !callbacks.contains(one.first); });
  if (others.empty() || clock_.now_ms() < probe_ms_) return {};
  probe_ms_ = clock_.now_ms() + kProbeMs;
  std::size_t probes = 0;
  for (const auto& callback : callbacks) {
    if (++probes > kProbesMax) break;
    if (has_optimizer(callback)) {
      unanswered_.erase(callback);
    } else {
      ++unanswered_[callback];
    }
  }
  std::vector<Subscription> result;
  for (const auto& other : others) {
    const auto it = unanswered_.find(other.callback);
    if (it != unanswered_.end() && it->second >= kFailuresMin) result.push_back(other);
  }
  return result;
}

// At another path than ours no optimizer hears it.
bool Subscriptions::has_optimizer(const std::string& callback) {
  if (!callback.ends_with(kNotificationsPath)) return false;
  const auto root = callback.substr(0, callback.rfind(kNotificationsPath));
  const auto reply = probe_.send("GET", root + "/health", {}, "");
  if (!reply) return false;
  const auto health = json::parse(reply->body);
  return health && health->is_object() && health->contains("topology");
}

void Subscriptions::end(http::Client& http) {
  {
    const std::lock_guard lock(mutex_);
    if (!made_some_) return;
  }
  auto client = client_.over(http);
  const auto until_ms = clock_.now_ms() + kEndMs;
  const auto all = client.subscriptions();
  std::size_t left = 0;
  for (const auto& subscription : all ? *all : std::vector<Subscription>()) {
    if (subscription.callback != callback_ || subscription.tag != tag_) continue;
    const bool ended =
        left == 0 && clock_.now_ms() < until_ms && client.unsubscribe(subscription.id).ok();
    if (!ended) ++left;
  }
  if (all && left == 0) return;
  log::warn("subscriptions are left at the location service; the next optimizer ends them",
            {{"reason", all ? "it takes too long" : all.error().detail}});
}

}  // namespace mx2::optimizer::advantedge
