#include "optimizer/status.h"

#include "api/base/log.h"
#include "api/json/json.h"

namespace mx2::optimizer {
namespace {

constexpr double kMsPerSecond = 1000;

std::string text(double value) {
  auto out = std::to_string(value);
  return out.substr(0, out.find('.') + 3);
}

}  // namespace

Status::Status(metrics::Registry& registry, const Clock& clock)
    : registry_(registry), clock_(clock) {}

void Status::planned(const Plan& plan, std::int64_t took_ms, const Replica& replica) {
  registry_
      .histogram("mx2_optimizer_plan_seconds", "Time to plan and send", {},
                 metrics::latency_bounds())
      .observe(static_cast<double>(took_ms) / kMsPerSecond);
  registry_.counter("mx2_optimizer_rows_total", "Rows changed by plans")
      .add(static_cast<double>(plan.changes.size()));
  registry_.counter("mx2_optimizer_moves_total", "Contexts moved by plans")
      .add(static_cast<double>(plan.after.moves));
  registry_.gauge("mx2_optimizer_unserved_contexts", "Contexts without a host")
      .set(static_cast<double>(plan.after.unserved_contexts));
  registry_.gauge("mx2_optimizer_latency_mean_ms", "Mean latency of the placement")
      .set(plan.after.latency_mean_ms);
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) log::info("planning again");
  error_.clear();
  planned_ms_ = clock_.now_ms();
  table_version_ = plan.table_version;
  contexts_ = replica.contexts();
  hosts_ = replica.hosts();
  if (plan.changes.empty()) return;
  log::info("plan sent", {{"rows", std::to_string(plan.changes.size())},
                          {"moves", std::to_string(plan.after.moves)},
                          {"unserved", std::to_string(plan.after.unserved_contexts)},
                          {"mean_ms_before", text(plan.before.latency_mean_ms)},
                          {"mean_ms_after", text(plan.after.latency_mean_ms)},
                          {"took_ms", std::to_string(took_ms)}});
}

void Status::failed(const std::string& detail) {
  const std::lock_guard lock(mutex_);
  if (detail != error_) log::warn("cannot plan; trying again", {{"reason", detail}});
  error_ = detail;
}

std::string Status::health() const {
  const std::lock_guard lock(mutex_);
  json::Value out{{"status", error_.empty() ? "ok" : "failing"},
                  {"version", MX2_VERSION},
                  {"contexts", contexts_},
                  {"hosts", hosts_},
                  {"tableVersion", table_version_}};
  if (planned_ms_ > 0) out["planned"] = format_utc(planned_ms_);
  if (!error_.empty()) out["lastError"] = error_;
  return json::dump(out);
}

void Status::add_endpoints(http::Router& router) {
  router.add("GET", "/health",
             [this](http::Request&, const http::PathValues&, http::Responder responder) {
               responder.reply(http::json_reply(200, health()));
             });
  router.add("GET", "/metrics",
             [this](http::Request&, const http::PathValues&, http::Responder responder) {
               responder.reply({200, "text/plain; version=0.0.4", registry_.text(), {}, false});
             });
}

}  // namespace mx2::optimizer
