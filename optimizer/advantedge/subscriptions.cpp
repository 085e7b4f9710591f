#include "optimizer/advantedge/subscriptions.h"

#include <algorithm>
#include <map>

#include "api/base/log.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::int64_t kLookMs = 1000;
constexpr std::int64_t kBelievedMs = 3000;  // after they were seen
constexpr std::int64_t kProbeMs = 5000;
constexpr std::size_t kProbesMax = 8;  // of a look

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
    if (!std::exchange(paused_, false) && zones == zones_) return;
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
  const auto done = look(zones);
  if (!done && !std::exchange(in_trouble_, true)) {
    log::warn("the location service does not tell moves", {{"reason", done.error().detail}});
  }
  if (done) in_trouble_ = false;
  {
    const std::lock_guard lock(mutex_);
    if (!done) confirmed_ms_.reset();
    if (done && !zones.empty() && zones == zones_) confirmed_ms_ = clock_.now_ms();
  }
  return next_step_ms();
}

Result<void> Subscriptions::look(const std::set<std::string>& zones) {
  const auto all = client_.subscriptions();
  if (!all) return all.error();
  auto missing = zones;
  std::vector<Subscription> others;
  for (const auto& subscription : *all) {
    const bool here = subscription.callback == callback_;
    if (here && subscription.tag == tag_ && missing.erase(subscription.zone) > 0) continue;
    if (here) {
      if (auto ended = client_.unsubscribe(subscription.id); !ended) return ended;
    } else if (subscription.correlator.starts_with(kCorrelator)) {
      others.push_back(subscription);
    }
  }
  if (auto made = make(missing); !made) return made;
  return end_left_over(others);
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
  log::info("subscribed", {{"zones", std::to_string(zones.size())}});
  return {};
}

Result<void> Subscriptions::end_left_over(const std::vector<Subscription>& others) {
  if (others.empty() || clock_.now_ms() < probe_ms_) return {};
  probe_ms_ = clock_.now_ms() + kProbeMs;
  std::map<std::string, bool> lives;  // callback: somebody is there
  for (const auto& other : others) {
    const auto [it, fresh] = lives.emplace(other.callback, true);
    if (fresh && lives.size() <= kProbesMax) it->second = has_optimizer(other.callback);
    if (it->second) continue;
    if (auto ended = client_.unsubscribe(other.id); !ended) return ended;
    log::info("ended the subscription of an optimizer that is gone",
              {{"zone", other.zone}, {"callback", other.callback}});
  }
  return {};
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
    if (subscription.callback != callback_) continue;
    const bool ended =
        left == 0 && clock_.now_ms() < until_ms && client.unsubscribe(subscription.id).ok();
    if (!ended) ++left;
  }
  if (all && left == 0) return;
  log::warn("subscriptions are left at the location service; the next optimizer ends them",
            {{"reason", all ? "it takes too long" : all.error().detail}});
}

}  // namespace mx2::optimizer::advantedge
