#include "lcm/mepm/mepm.h"

#include <algorithm>

namespace mx2::mepm {
namespace {

constexpr int kLookMs = 1000;
constexpr int kWaitMsMax = 1000;
constexpr int kEndMsMax = 5000;
constexpr int kEndLookMs = 10;

}  // namespace

Mepm::Mepm(const MepmOptions& options, const Needs& needs)
    : needs_(needs),
      options_(options),
      state_(options.state_dir),
      notifications_({state_, needs.clock, needs.steady, needs.ids, needs.http, needs.registry},
                     options.notifications),
      packages_(options.packages, needs.server, needs.steady, [this] { needs_.http.wake(); }),
      lifecycle_({needs.backend, packages_, notifications_, state_, needs.clock, needs.steady,
                  needs.ids, [this] { needs_.http.wake(); }},
                 options.lifecycle),
      link_(options.orchestrator, options.host, options.link, needs.http, needs.steady,
            [this] { return load(); }),
      api_{needs.registry,    lifecycle_,  notifications_,
           packages_,         needs.clock, options.host.id,
           options.token,     {},          [this] { return health(); },
           options.monitoring},
      router_(needs.registry, "mepm") {
  add_lcm_endpoints(router_, api_);
  add_support_endpoints(router_, api_);
}

void Mepm::set_root(const std::string& root) {
  api_.root = root;
  notifications_.set_root(root);
  link_.set_mepm_uri(root);
}

void Mepm::recover() {
  link_.set_key(persistent_key(options_.state_dir, needs_.ids));
  link_.remember_store_in(options_.state_dir + "/store");
  notifications_.recover();
  lifecycle_.recover();
}

void Mepm::end_instances() {
  std::size_t left = 0;
  for (const auto& instance : lifecycle_.instances()) {
    if (!instance.instantiated) continue;
    needs_.backend.stop(instance.id, false);
    ++left;
  }
  const auto deadline_ms = needs_.steady.now_ms() + kEndMsMax;
  std::vector<BackendEvent> events;
  while (left > 0 && needs_.steady.now_ms() < deadline_ms) {
    events.clear();
    needs_.backend.step(needs_.steady.now_ms(), events);
    for (const auto& event : events) left -= event.kind == BackendEvent::Kind::kStopped ? 1 : 0;
    needs_.http.poll(kEndLookMs);
  }
}

void Mepm::step() {
  lifecycle_.step();
  notifications_.step();
  link_.step();
  tell_known();
  if (needs_.steady.now_ms() >= look_due_ms_) look_at_itself();
}

void Mepm::tell_known() {
  const std::lock_guard lock(health_mutex_);
  known_ = link_.known();
}

int Mepm::wait_ms() const {
  const auto due = std::min(
      {lifecycle_.next_due_ms(), notifications_.next_due_ms(), link_.next_due_ms(), look_due_ms_});
  return static_cast<int>(std::clamp<std::int64_t>(due - needs_.steady.now_ms(), 0, kWaitMsMax));
}

std::string Mepm::load() {
  std::vector<std::pair<AppInstanceInfo, InstanceUsage>> all;
  for (auto& info : lifecycle_.instances()) {
    auto usage = needs_.backend.usage(info.id);
    all.emplace_back(std::move(info), usage);
  }
  return encode_load(link_.key(), meter_.cpu(), meter_.memory(), all);
}

json::Value Mepm::health() const {
  const std::lock_guard lock(health_mutex_);
  json::Value out{{"status", "ok"},
                  {"host", options_.host.id},
                  {"orchestrator", link_state_},
                  {"version", MX2_VERSION}};
  if (!link_error_.empty()) out["orchestratorError"] = link_error_;
  if (!known_.store) return out;
  out["store"] = to_text(*known_.store);
  out["reports"] = known_.reports;
  if (known_.reports > 0) out["reportAgeMs"] = needs_.steady.now_ms() - known_.reported_ms;
  return out;
}

void Mepm::look_at_itself() {
  look_due_ms_ = needs_.steady.now_ms() + kLookMs;
  std::map<std::string, double> by_state{{"NOT_INSTANTIATED", 0}, {"STARTED", 0}, {"STOPPED", 0}};
  double restarts = 0;
  for (const auto& info : lifecycle_.instances()) {
    ++by_state[std::string(to_text(state_of(info)))];
    restarts += static_cast<double>(info.status.restarts);
  }
  for (const auto& [state, count] : by_state) {
    needs_.registry.gauge("mx2_mepm_instances", "App instances by state", {{"state", state}})
        .set(count);
  }
  needs_.registry.gauge("mx2_mepm_restarts", "Restarts of the instances there are").set(restarts);
  const std::lock_guard lock(health_mutex_);
  link_state_ = link_.state();
  link_error_ = link_.last_error();
}

void Mepm::start() {
  worker_.repeat(
      [this] {
        step();
        needs_.http.poll(wait_ms());
      },
      [this] { needs_.http.wake(); });
}

}  // namespace mx2::mepm
