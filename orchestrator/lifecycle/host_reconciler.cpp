#include "orchestrator/lifecycle/host_reconciler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "api/base/log.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;

constexpr const char* kOurs = "mx2-";  // begins the keys of instances that we have created
constexpr int kUnableAfter = 2;        // failures in a row
constexpr int kDoublingsMax = 16;

bool is_ours(const lcm::Instance& instance) { return instance.key.rfind(kOurs, 0) == 0; }

}  // namespace

struct HostReconciler::Slot {
  enum class Doing : std::uint8_t { kNothing, kStarting, kEnding, kRemoving };

  lcm::Instance seen;
  Doing doing = Doing::kNothing;
  bool calling = false;    // an answer is still to come
  std::string operation;   // that goes on there; empty: none that we know
  Time asked;              // when something was asked of it last
  std::uint64_t born = 0;  // the look that was the last when we created it
  std::optional<Time> retired;
  std::optional<Time> not_ready_since;
  bool gone = false;

  [[nodiscard]] bool stays() const { return !retired && doing < Doing::kEnding; }
};

HostReconciler::HostReconciler(std::string host_id, std::string mepm, lcm::LcmDriver& driver,
                               IdGenerator& ids, const ReconcileOptions& options)
    : host_id_(std::move(host_id)),
      mepm_(std::move(mepm)),
      driver_(driver),
      ids_(ids),
      options_(options),
      alive_(std::make_shared<Alive>(Alive{this})) {}

HostReconciler::~HostReconciler() { alive_->self = nullptr; }

template <typename T, typename F>
Callback<Result<T>> HostReconciler::when_alive(F&& use) {
  return [alive = alive_, use = std::forward<F>(use)](Result<T> result) mutable {
    if (alive->self != nullptr) use(*alive->self, std::move(result));
  };
}

template <typename T, typename F>
Callback<Result<T>> HostReconciler::answer_of(Slot& slot, F&& use) {
  slot.calling = true;
  return when_alive<T>([id = slot.seen.id, use](auto& self, const Result<T>& result) {
    const auto it = self.slots_.find(id);
    if (it == self.slots_.end()) return;
    it->second->calling = false;
    use(self, *it->second, result);
  });
}

HostReconciler::Time HostReconciler::step(Time now, const Wanted& wanted) {
  now_ = now;
  if (!looking_ && look_at_ <= now) look(now);
  if (!known_) return look_at_;
  compare(wanted, now);
  for (const auto& [id, slot] : slots_) advance(*slot, now);
  std::erase_if(slots_, [](const auto& item) { return item.second->gone; });
  if (busy()) look_at_ = std::min(look_at_, now + milliseconds(options_.look_busy_ms));
  return look_at_;
}

bool HostReconciler::busy() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const auto& item) {
                       const auto& slot = *item.second;
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
  std::set<std::string> ids;
  for (const auto& instance : seen) {
    if (!is_ours(instance)) continue;
    ids.insert(instance.id);
    auto& slot = slots_[instance.id];
    if (!slot) slot = std::make_unique<Slot>();
    const bool was_started = slot->seen.started;
    slot->seen = instance;
    if (instance.started) {
      slot->not_ready_since.reset();
    } else if (was_started) {
      slot->not_ready_since = now_;
    }
  }
  for (auto& [id, slot] : slots_) {
    if (!slot->calling && slot->born < look && !ids.contains(id)) slot->gone = true;
  }
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

int HostReconciler::starting() const {
  int count = 0;
  for (const auto& [id, slot] : slots_) count += slot->stays() && !slot->seen.started ? 1 : 0;
  for (const auto& [app, state] : apps_) count += state.creating;
  return count;
}

void HostReconciler::compare(const Wanted& wanted, Time now) {
  const auto there = living();
  for (const auto& [app, count] : there) {
    const auto it = wanted.find(app);
    const int most = it == wanted.end() ? 0 : it->second;
    if (count > most) retire(app, count - most, now);
  }
  int room = options_.starts_max - starting();
  for (const auto& [app, count] : wanted) {
    const auto it = there.find(app);
    int missing = count - (it == there.end() ? 0 : it->second);
    const auto state = apps_.find(app);
    if (state != apps_.end() && state->second.not_before > now) continue;
    // After a failure one at a time: it may fail again.
    if (state != apps_.end() && state->second.failures > 0) missing = std::min(missing, 1);
    for (; missing > 0 && room > 0; --missing, --room) create(app);
  }
}

void HostReconciler::create(const std::string& app_d_id) {
  ++apps_[app_d_id].creating;
  driver_.create(mepm_, app_d_id, kOurs + ids_.next(),
                 when_alive<lcm::Instance>([app_d_id](auto& self, auto created) {
                   --self.apps_[app_d_id].creating;
                   if (!created) return self.failed(app_d_id, created.error().detail);
                   auto slot = std::make_unique<Slot>();
                   slot->seen = std::move(*created);
                   slot->born = self.looks_;
                   auto& place = self.slots_[slot->seen.id];
                   if (!place) place = std::move(slot);
                   self.instantiate(*place);
                 }));
}

void HostReconciler::failed(const std::string& app_d_id, const std::string& reason) {
  auto& app = apps_[app_d_id];
  const auto doubled = std::min(app.failures++, kDoublingsMax);
  const auto pause = std::min<std::int64_t>(std::int64_t{options_.retry_first_ms} << doubled,
                                            options_.retry_max_ms);
  app.not_before = now_ + milliseconds(pause);
  failures_.push_back({app_d_id, reason});
  log::warn("λ not started", {{"host", host_id_},
                              {"app", app_d_id},
                              {"reason", reason},
                              {"again_in_ms", std::to_string(pause)}});
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

void HostReconciler::advance(Slot& slot, Time now) {
  if (slot.calling || slot.gone) return;
  if (!slot.operation.empty()) return ask(slot);
  if (slot.doing == Slot::Doing::kRemoving) return remove(slot);
  if (slot.retired) {
    if (!slot.seen.instantiated) return remove(slot);
    const auto due = *slot.retired + milliseconds(slot.seen.started ? options_.retire_ms : 0);
    if (due <= now) terminate(slot);
    return;
  }
  if (slot.seen.instantiated) {
    slot.doing = Slot::Doing::kNothing;
    return;
  }
  // It ran, and its MEPM has given it up.
  if (slot.not_ready_since || !slot.seen.last_error.empty()) {
    failed(slot.seen.app_d_id,
           slot.seen.last_error.empty() ? "it has ended" : slot.seen.last_error);
    return remove(slot);
  }
  // It may be starting since an earlier life of ours: it is asked for again now and then.
  const bool again = now - slot.asked > milliseconds(options_.look_ms);
  if (slot.doing == Slot::Doing::kNothing || again) instantiate(slot);
}

void HostReconciler::instantiate(Slot& slot) {
  slot.doing = Slot::Doing::kStarting;
  slot.asked = now_;
  driver_.instantiate(mepm_, slot.seen.id, host_id_,
                      answer_of<std::string>(slot, [](auto& self, Slot& it, const auto& begun) {
                        if (begun) {
                          it.operation = *begun;
                        } else if (begun.error().code != ErrorCode::kConflict) {
                          it.doing = Slot::Doing::kRemoving;
                          self.failed(it.seen.app_d_id, begun.error().detail);
                        }
                      }));
}

void HostReconciler::terminate(Slot& slot) {
  slot.doing = Slot::Doing::kEnding;
  driver_.terminate(mepm_, slot.seen.id, options_.terminate_grace_s,
                    answer_of<std::string>(slot, [](auto& self, Slot& it, const auto& begun) {
                      if (begun) {
                        it.operation = *begun;
                      } else {
                        it.retired = self.now_;  // again, a little later
                      }
                    }));
}

void HostReconciler::ask(Slot& slot) {
  if (now_ - slot.asked < milliseconds(options_.look_busy_ms)) return;
  slot.asked = now_;
  driver_.operation(mepm_, slot.operation,
                    answer_of<lcm::Operation>(slot, [](auto& self, Slot& it, const auto& state) {
                      if (state) return self.ended(it, *state);
                      if (state.error().code == ErrorCode::kNotFound) it.operation.clear();
                    }));
}

void HostReconciler::ended(Slot& slot, const lcm::Operation& operation) {
  if (operation.state == lcm::Operation::State::kRunning) return;
  slot.operation.clear();
  look_at_ = {};
  const bool done = operation.state == lcm::Operation::State::kCompleted;
  if (slot.doing == Slot::Doing::kEnding) {
    if (done) slot.seen.instantiated = slot.seen.started = false;
    if (!done) slot.retired = now_;
    return;
  }
  if (done) {
    // The next look shows it; until then it is neither ready nor lost.
    apps_[slot.seen.app_d_id].failures = 0;
    slot.seen.instantiated = true;
    return;
  }
  slot.doing = Slot::Doing::kRemoving;
  failed(slot.seen.app_d_id, operation.error);
}

void HostReconciler::remove(Slot& slot) {
  slot.doing = Slot::Doing::kRemoving;
  driver_.remove(mepm_, slot.seen.id,
                 answer_of<void>(slot, [](auto& self, Slot& it, const Result<void>& removed) {
                   if (removed || removed.error().code == ErrorCode::kNotFound) {
                     it.gone = true;
                   } else if (removed.error().code == ErrorCode::kConflict) {
                     // It is instantiated after all.
                     it.doing = Slot::Doing::kNothing;
                     it.retired = self.now_;
                     it.seen.instantiated = true;
                   }
                 }));
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
  std::vector<std::string> unable;
  for (const auto& [app, state] : apps_) {
    if (state.failures >= kUnableAfter) unable.push_back(app);
  }
  return unable;
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
