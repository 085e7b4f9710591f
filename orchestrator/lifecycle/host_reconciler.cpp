#include "orchestrator/lifecycle/host_reconciler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "api/base/log.h"
#include "orchestrator/lifecycle/host_reconciler_slot.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;

constexpr const char* kOurs = "mx2-";  // begins the keys of instances that we have created
constexpr int kDoublingsMax = 16;
constexpr auto kAway = milliseconds(5000);  // beyond the time between two looks

bool is_ours(const lcm::Instance& instance) { return instance.key.rfind(kOurs, 0) == 0; }

}  // namespace

HostReconciler::HostReconciler(std::string host_id, std::string mepm, lcm::LcmDriver& driver,
                               IdGenerator& ids, const ReconcileOptions& options,
                               ReadyTimeOf ready_time_of)
    : host_id_(std::move(host_id)),
      mepm_(std::move(mepm)),
      driver_(driver),
      ids_(ids),
      options_(options),
      ready_time_of_(std::move(ready_time_of)),
      alive_(std::make_shared<Alive>(Alive{this})) {}

HostReconciler::~HostReconciler() { alive_->self = nullptr; }

HostReconciler::Time HostReconciler::step(Time now, const Wanted& wanted) {
  allow_for_absence(now);
  now_ = now;
  wanted_ = wanted;
  if (!looking_ && look_at_ <= now) look(now);
  if (known_) {
    compare(wanted, now);
    for (const auto& [id, slot] : slots_) advance(*slot, now);
    std::erase_if(slots_, [](const auto& item) { return item.second->gone; });
    if (busy()) look_at_ = std::min(look_at_, now + milliseconds(options_.look_busy_ms));
  }
  // An answer comes by itself.
  return looking_ ? std::max(look_at_, now + milliseconds(options_.look_busy_ms)) : look_at_;
}

// Time in which nobody looked, as the host did not answer or we were stopped, does not count.
void HostReconciler::allow_for_absence(Time now) {
  const auto away = now - now_;
  if (heard_ == Time()) heard_ = now;
  if (now_ == Time() || away < milliseconds(options_.look_ms) + kAway) return;
  heard_ += away;
  for (const auto& [id, slot] : slots_) {
    slot->begun += away;
    slot->since += away;
  }
}

bool HostReconciler::deaf() const {
  return now_ - heard_ > milliseconds(options_.operation_ms) + milliseconds(options_.look_ms);
}

bool HostReconciler::busy() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [&](const auto& item) {
                       const auto& slot = *item.second;
                       if (slot.not_before > now_) return false;
                       return slot.doing != Slot::Doing::kNothing || slot.retired ||
                              !slot.seen.started;
                     }) ||
         std::any_of(apps_.begin(), apps_.end(),
                     [](const auto& item) { return item.second.creating > 0; });
}

void HostReconciler::look(Time now) {
  looking_ = true;
  look_at_ = now + milliseconds(options_.look_ms);
  driver_.list(mepm_,
               when_alive<std::vector<lcm::Instance>>([number = ++looks_](auto& self, auto seen) {
                 self.looking_ = false;
                 if (seen) return self.take(*seen, number);
                 log::debug("instances of a host",
                            {{"host", self.host_id_}, {"reason", seen.error().detail}});
               }));
}

// What is there is the truth; what is not there any more was ended by somebody.
void HostReconciler::take(const std::vector<lcm::Instance>& seen, std::uint64_t look) {
  known_ = true;
  heard_ = now_;
  std::set<std::string> ids;
  for (const auto& instance : seen) {
    if (!is_ours(instance) && !slots_.contains(instance.id)) continue;
    ids.insert(instance.id);
    auto& slot = slots_[instance.id];
    if (!slot) {
      slot = std::make_unique<Slot>();
      slot->begun = slot->since = now_;
    }
    update(*slot, instance);
  }
  for (auto& [id, slot] : slots_) {
    if (!slot->calling && slot->born < look && !ids.contains(id)) lost(*slot);
  }
}

void HostReconciler::update(Slot& slot, const lcm::Instance& instance) {
  const auto before = std::exchange(slot.seen, instance);
  const bool got_on = before.phase != instance.phase || before.restarts != instance.restarts ||
                      (instance.instantiated && !before.instantiated);
  if (got_on && slot.stays()) slot.since = now_;
  if (instance.started) {
    slot.not_ready_since.reset();
    if (!slot.was_ready) apps_[instance.app_d_id].failures = 0;
    slot.was_ready = true;
  } else if (before.started) {
    slot.not_ready_since = slot.since = now_;
  }
}

void HostReconciler::lost(Slot& slot) {
  slot.gone = true;
  if (slot.stays() && !slot.was_ready) failed(slot.seen.app_d_id, "its MEPM has lost it");
}

std::map<std::string, int> HostReconciler::living() const {
  std::map<std::string, int> all;
  for (const auto& [id, slot] : slots_) {
    if (slot->stays() && !slot->gone) ++all[slot->seen.app_d_id];
  }
  for (const auto& [app, state] : apps_) {
    if (state.creating > 0) all[app] += state.creating;
  }
  return all;
}

// Those that take long wait for something, and are no load.
int HostReconciler::starting() const {
  int count = 0;
  for (const auto& [id, slot] : slots_) {
    const bool young = now_ - slot->begun < milliseconds(options_.start_slow_ms);
    count += young && slot->stays() && !slot->seen.started ? 1 : 0;
  }
  for (const auto& [app, state] : apps_) count += state.creating;
  return count;
}

bool HostReconciler::is_blocked(const std::string& app_d_id) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& item) {
    return item.second->seen.app_d_id == app_d_id && item.second->blocks();
  });
}

void HostReconciler::compare(const Wanted& wanted, Time now) {
  const auto there = living();
  for (const auto& [app, count] : there) {
    const auto it = wanted.find(app);
    const int most = it == wanted.end() ? 0 : it->second;
    if (count > most) retire(app, count - most, now);
  }
  forgive(wanted, now);
  // Those that have failed come last.
  std::vector<std::pair<std::string, int>> order(wanted.begin(), wanted.end());
  std::stable_sort(order.begin(), order.end(), [this](const auto& a, const auto& b) {
    return failures_of(a.first) < failures_of(b.first);
  });
  int room = options_.starts_max - starting();
  for (const auto& [app, count] : order) {
    const auto it = there.find(app);
    int missing = count - (it == there.end() ? 0 : it->second);
    if (missing <= 0 || is_blocked(app)) continue;
    const auto state = apps_.find(app);
    if (state != apps_.end() && state->second.not_before > now) continue;
    // After a failure one at a time: it may fail again.
    if (failures_of(app) > 0) missing = std::min(missing, 1);
    for (; missing > 0 && room > 0; --missing, --room) create(app);
  }
}

int HostReconciler::failures_of(const std::string& app_d_id) const {
  const auto it = apps_.find(app_d_id);
  return it == apps_.end() ? 0 : it->second.failures;
}

// Otherwise nobody would ask again for what has failed once too often.
void HostReconciler::forgive(const Wanted& wanted, Time now) {
  for (auto& [app, state] : apps_) {
    if (wanted.contains(app) && wanted.at(app) > 0) {
      state.wanted = now;
    } else if (state.wanted + milliseconds(options_.retry_max_ms) <= now) {
      state.failures = 0;
    }
  }
}

void HostReconciler::create(const std::string& app_d_id) {
  ++apps_[app_d_id].creating;
  driver_.create(mepm_, app_d_id, kOurs + ids_.next(),
                 when_alive<lcm::Instance>([app_d_id](auto& self, auto created) {
                   --self.apps_[app_d_id].creating;
                   if (!created) return self.failed(app_d_id, created.error().detail);
                   self.created(app_d_id, std::move(*created));
                 }));
}

// A look may have shown it before its answer came.
void HostReconciler::created(const std::string& app_d_id, lcm::Instance instance) {
  auto& slot = slots_[instance.id];
  if (slot && slot->seen.key != instance.key) {
    return failed(app_d_id, "its MEPM gives one instance to several requests");
  }
  if (!slot) {
    slot = std::make_unique<Slot>();
    slot->seen = std::move(instance);
    slot->born = looks_;
    slot->begun = slot->since = now_;
  }
  if (!slot->calling && slot->doing == Slot::Doing::kNothing) instantiate(*slot);
}

milliseconds HostReconciler::pause_after(int failures) const {
  const auto doubled = std::min(failures, kDoublingsMax);
  return milliseconds(std::min<std::int64_t>(std::int64_t{options_.retry_first_ms} << doubled,
                                             options_.retry_max_ms));
}

void HostReconciler::failed(const std::string& app_d_id, const std::string& reason) {
  auto& app = apps_[app_d_id];
  const auto pause = pause_after(app.failures++);
  app.not_before = now_ + pause;
  failures_.push_back({app_d_id, reason});
  log::warn(
      "λ not started",
      {{"host", host_id_}, {"app", app_d_id}, {"reason", reason}, {"again_in_ms", pause.count()}});
}

// A call that failed is made again, ever more seldom.
void HostReconciler::pause(Slot& slot) {
  slot.not_before = now_ + pause_after(slot.troubles++);
  if (slot.troubles != kUnableAfter) return;
  log::warn("an instance cannot be ended; it is tried again",
            {{"host", host_id_}, {"app", slot.seen.app_d_id}, {"instance", slot.seen.id}});
}

// Those that are not ready first, then those that came last.
void HostReconciler::retire(const std::string& app_d_id, int surplus, Time now) {
  std::vector<Slot*> candidates;
  for (const auto& [id, slot] : slots_) {
    if (slot->seen.app_d_id == app_d_id && slot->stays()) candidates.push_back(slot.get());
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Slot* a, const Slot* b) {
    return a->seen.started != b->seen.started ? b->seen.started : a->seen.key > b->seen.key;
  });
  for (std::size_t i = 0; i < candidates.size() && surplus > 0; ++i, --surplus) {
    candidates[i]->retired = now;
  }
}

std::vector<AppInstance> HostReconciler::ready(Time now) const {
  std::vector<AppInstance> ready;
  for (const auto& [id, slot] : slots_) {
    if (!slot->stays() || slot->gone || slot->seen.reference_uri.empty()) continue;
    const bool restarting = slot->seen.instantiated && slot->not_ready_since &&
                            now - *slot->not_ready_since < milliseconds(options_.lost_ms);
    if (!slot->seen.started && !restarting) continue;
    ready.push_back({slot->seen.app_d_id, id, slot->seen.reference_uri, true});
  }
  return ready;
}

std::vector<std::string> HostReconciler::unable() const {
  std::set<std::string> unable;
  for (const auto& [app, state] : apps_) {
    if (state.failures >= kUnableAfter) unable.insert(app);
  }
  for (const auto& [id, slot] : slots_) {
    if (slot->is_stuck()) unable.insert(slot->seen.app_d_id);
  }
  if (deaf()) {
    for (const auto& [app, count] : wanted_) {
      if (count > 0) unable.insert(app);
    }
  }
  return {unable.begin(), unable.end()};
}

std::vector<ManagedInstance> HostReconciler::instances() const {
  std::vector<ManagedInstance> all;
  for (const auto& [id, slot] : slots_) {
    if (slot->gone) continue;
    std::string state = "starting";
    if (slot->doing >= Slot::Doing::kEnding) {
      state = "ending";
    } else if (slot->retired) {
      state = "retiring";
    } else if (slot->seen.started) {
      state = "ready";
    } else if (slot->not_ready_since) {
      state = "restarting";
    }
    all.push_back({host_id_, slot->seen, std::move(state)});
  }
  return all;
}

std::vector<HostReconciler::Failure> HostReconciler::take_failures() {
  return std::exchange(failures_, {});
}

}  // namespace mx2
