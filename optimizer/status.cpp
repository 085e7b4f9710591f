#include "optimizer/status.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/base/units.h"
#include "optimizer/reasons.h"
#include "optimizer/topology_view.h"

namespace mx2::optimizer {
namespace {

json::Value leader_json(const Leadership::State& leader) {
  return {{"holder", leader.holder}, {"url", leader.url}};
}

void log_plan(const Plan& plan, std::int64_t took_ms) {
  log::info("plan sent", {{"rows", plan.changes.size()},
                          {"moves", plan.after.moves},
                          {"unserved", plan.after.unserved_contexts},
                          {"mean_ms_before", log::Decimals{plan.before.latency_mean_ms, 2}},
                          {"mean_ms_after", log::Decimals{plan.after.latency_mean_ms, 2}},
                          {"took_ms", took_ms}});
}

}  // namespace

json::Value to_json(const Optimizer::Outcome& outcome, std::int64_t took_ms, std::int64_t now_ms) {
  const auto& plan = outcome.plan;
  const auto both = [](double before, double after) {
    return json::Value{{"before", before}, {"after", after}};
  };
  json::Value out{{"planned", format_utc(now_ms)},
                  {"sent", outcome.sent},
                  {"tableVersion", plan.table_version},
                  {"rows", plan.changes.size()},
                  {"postponed", plan.postponed},
                  {"moves", plan.after.moves},
                  {"contexts", plan.after.contexts},
                  {"unserved", plan.after.unserved_contexts},
                  {"late", plan.after.late_contexts},
                  {"overloadedHosts", plan.after.overloaded_hosts},
                  {"latencyMeanMs", both(plan.before.latency_mean_ms, plan.after.latency_mean_ms)},
                  {"latencyP95Ms", both(plan.before.latency_p95_ms, plan.after.latency_p95_ms)},
                  {"tookMs", took_ms}};
  if (!plan.degraded.empty()) out["degraded"] = plan.degraded;
  return out;
}

Status::Status(metrics::Registry& registry, const SteadyClock& steady, const SystemClock& wall,
               std::string configuration_file)
    : registry_(registry),
      degraded_gauge_(registry.gauge(
          "mx2_optimizer_degraded", "1: the last plan moves only those who must leave their host")),
      places_gauge_(registry.gauge(
          "mx2_optimizer_hosts_without_place",
          "Hosts that the topology does not place, so that no UE in it reaches them")),
      steady_(steady),
      wall_(wall),
      configuration_file_(std::move(configuration_file)),
      configured_ms_(wall.now_ms()) {
  for (std::size_t i = 0; i < escalations_.size(); ++i) {
    escalations_[i] = &registry.counter("mx2_optimizer_escalations_total",
                                        "Contexts moved by plans to a higher tier, by cause",
                                        {{"cause", std::string(kEscalations[i])}});
  }
}

// Each host is told once, and again only after it had a place.
void Status::note_places(std::vector<std::string> without) {
  places_gauge_.set(static_cast<double>(without.size()));
  std::size_t told = 0;
  for (const auto& host : without) {
    const bool known = std::binary_search(without_place_.begin(), without_place_.end(), host);
    if (known || ++told > kHostsToldMax) continue;
    log::warn("a host has no place in the topology; no UE in it can be there", {{"host", host}});
  }
  if (without.empty() && !without_place_.empty()) log::info("all hosts have a place again");
  without_place_ = std::move(without);
}

// Each is told once, and again only after it was known.
void Status::note_unknown(const std::vector<std::string>& unknown) {
  for (const auto& name : unknown) {
    const auto& told = unknown_names_;
    if (std::find(told.begin(), told.end(), name) != told.end()) continue;
    log::warn("the topology names what the orchestrator does not have", {{"reason", name}});
  }
  unknown_names_ = unknown;
}

// Told once, and when it is over.
void Status::note_degraded(const std::string& reason) {
  degraded_gauge_.set(reason.empty() ? 0 : 1);
  const std::lock_guard lock(mutex_);
  if (reason != degraded_ && !reason.empty()) {
    log::error("degraded: only those are moved who must leave their host", {{"reason", reason}});
  }
  if (reason.empty() && !degraded_.empty()) log::info("plans are as they should be again");
  degraded_ = reason;
}

void Status::count_changes(const Plan& plan) {
  registry_.counter("mx2_optimizer_rows_total", "Rows changed by plans")
      .add(static_cast<double>(plan.changes.size()));
  registry_.counter("mx2_optimizer_moves_total", "Contexts moved by plans")
      .add(static_cast<double>(plan.after.moves));
  for (std::size_t i = 0; i < plan.escalated.size(); ++i) {
    escalations_[i]->add(static_cast<double>(plan.escalated[i]));
  }
}

json::Value Status::planned(const Optimizer::Outcome& outcome, std::int64_t took_ms,
                            const Replica& replica) {
  const auto& plan = outcome.plan;
  registry_
      .histogram("mx2_optimizer_plan_seconds", "Time to plan and send", {},
                 metrics::latency_bounds())
      .observe(static_cast<double>(took_ms) / kMsPerSecond);
  count_changes(plan);
  registry_.gauge("mx2_optimizer_unserved_contexts", "Contexts without a host")
      .set(static_cast<double>(plan.after.unserved_contexts));
  registry_
      .gauge("mx2_optimizer_latency_mean_seconds", "Mean latency from UEs to the hosts they have")
      .set(plan.after.latency_mean_ms / kMsPerSecond);
  if (outcome.sent) log_plan(plan, took_ms);
  note_degraded(plan.degraded);
  auto told = to_json(outcome, took_ms, wall_.now_ms());
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) log::info("planning again");
  error_.clear();
  last_plan_ = told;
  table_version_ = plan.table_version;
  contexts_ = replica.contexts();
  hosts_ = replica.hosts();
  return told;
}

void Status::moved(const Optimizer::Outcome& outcome, std::int64_t took_ms) {
  const auto& plan = outcome.plan;
  count_changes(plan);
  if (!outcome.sent) return;
  log_plan(plan, took_ms);
  const std::lock_guard lock(mutex_);
  table_version_ = plan.table_version;
}

void Status::failed(const std::string& detail) {
  const std::lock_guard lock(mutex_);
  if (detail != error_) log::warn("cannot plan; trying again", {{"reason", detail}});
  error_ = detail;
}

void Status::decided(std::shared_ptr<const Decision> decision) {
  const std::lock_guard lock(mutex_);
  if (decision) note_places(hosts_without_place(decision->snapshot));
  if (decision) note_unknown(decision->unknown_names);
  decision_ = {std::move(decision), wall_.now_ms()};
}

void Status::set_next(std::int64_t next_ms) {
  const std::lock_guard lock(mutex_);
  next_ms_ = next_ms;
}

void Status::configured(const std::string& needs_restart) {
  log::info("configuration read again", {{"file", configuration_file_}});
  if (!needs_restart.empty()) {
    log::warn("some keys of the configuration need a restart", {{"keys", needs_restart}});
  }
  const std::lock_guard lock(mutex_);
  configured_ms_ = wall_.now_ms();
  configuration_error_.clear();
  needs_restart_ = needs_restart;
}

void Status::configuration_refused(const std::string& errors) {
  for (const auto error : split(errors, '\n')) {
    log::error("configuration refused; the old one stays", {{"error", std::string(error)}});
  }
  const std::lock_guard lock(mutex_);
  configuration_error_ = errors;
}

json::Value Status::configuration() const {
  json::Value out{{"file", configuration_file_}, {"read", format_utc(configured_ms_)}};
  if (!configuration_error_.empty()) out["error"] = configuration_error_;
  if (!needs_restart_.empty()) out["needsRestart"] = needs_restart_;
  return out;
}

json::Value Status::health(const Leadership::State& leader, bool paused) const {
  const std::lock_guard lock(mutex_);
  std::string state = leader.leads ? "ok" : "standby";
  if (leader.leads && !degraded_.empty()) state = "degraded";
  if (paused) state = "paused";
  if (!error_.empty()) state = "failing";
  json::Value out{{"status", state},
                  {"version", MX2_VERSION},
                  {"contexts", contexts_},
                  {"hosts", hosts_},
                  {"tableVersion", table_version_}};
  if (last_plan_) out["planned"] = (*last_plan_)["planned"];
  if (!leader.leads) out["leader"] = leader_json(leader);
  if (!error_.empty()) out["lastError"] = error_;
  if (!degraded_.empty()) out["degraded"] = degraded_;
  if (!configuration_error_.empty()) out["configurationError"] = configuration_error_;
  if (!needs_restart_.empty()) out["needsRestart"] = needs_restart_;
  if (source_ != nullptr) out["topology"] = source_json(*source_);
  add_hosts_without_place(out, without_place_);
  if (!unknown_names_.empty()) out["unknownNames"] = unknown_names_;
  return out;
}

json::Value Status::status(const Leadership::State& leader, bool paused) const {
  auto out = health(leader, paused);
  for (const auto* name : {"configurationError", "needsRestart", "planned"}) out.erase(name);
  out["leading"] = leader.leads;
  out["paused"] = paused;
  out["leader"] = leader_json(leader);
  if (auto told = why(); !told.empty()) out["why"] = std::move(told);
  const std::lock_guard lock(mutex_);
  out["configuration"] = configuration();
  if (last_plan_) out["lastPlan"] = *last_plan_;
  if (leader.leads && !paused) {
    out["nextMs"] = std::max<std::int64_t>(0, next_ms_ - steady_.now_ms());
  }
  return out;
}

// Not under the lock: with many contexts it takes as long as a plan.
std::vector<std::string> Status::why() const {
  std::unique_lock lock(mutex_);
  if (!last_plan_ || !decision_.decision) return {};
  const auto decision = decision_.decision;
  if (explained_ == decision) return why_;
  const auto rows = last_plan_->at("rows").get<std::size_t>();
  lock.unlock();
  auto why = reasons(*decision, rows);
  lock.lock();
  explained_ = decision;
  why_ = why;
  return why;
}

Status::Decided Status::decision() const {
  const std::lock_guard lock(mutex_);
  return decision_;
}

}  // namespace mx2::optimizer
