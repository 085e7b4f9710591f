#include "optimizer/endpoints.h"

#include "api/base/text.h"
#include "api/base/units.h"
#include "api/http/bearer.h"
#include "api/http/monitoring.h"
#include "api/http/problem.h"
#include "api/http/query.h"
#include "api/openapi/openapi.h"
#include "optimizer/explain.h"
#include "optimizer/topology_view.h"

namespace mx2::optimizer {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;

using Use = void (*)(Api&, const Request&, Responder);

http::Endpoint guarded(Api& api, Use use) {
  return http::guarded(api.token, "optimizer",
                       [&api, use](Request& request, const PathValues&, Responder responder) {
                         use(api, request, std::move(responder));
                       });
}

void get_status(Api& api, const Request&, Responder responder) {
  const auto status = api.status.status(api.leadership.state(), api.leadership.paused());
  responder.reply(http::json_reply(200, json::dump(status)));
}

template <Control::Wish wish>
void ask(Api& api, const Request&, Responder responder) {
  responder.detach([] {});  // a large plan takes longer than an idle connection may
  api.control.ask(wish, std::move(responder));
}

void get_plan(Api& api, const Request& request, Responder responder) {
  const auto query = http::SingleValued::parse(request.query, {"dry_run"});
  if (query && query->text("dry_run") == "true") {
    return ask<Control::Wish::kDryRun>(api, request, std::move(responder));
  }
  responder.reply(http::problem_reply(
      query ? invalid_argument("GET tells what a plan would do: /plan?dry_run=true; to have it "
                               "sent, use POST")
            : query.error()));
}

json::Value candidate_json(const Snapshot& snapshot, const Choice& choice, const Candidate& c) {
  const auto ms = [](std::int64_t us) { return static_cast<double>(us) / kUsPerMs; };
  json::Value out{{"host", snapshot.hosts[c.host].id}, {"chosen", c.host == choice.chosen}};
  if (c.verdict != Verdict::kFeasible) {
    out["verdict"] = to_text(c.verdict);
    return out;
  }
  out["verdict"] = c.full ? "full" : "feasible";
  out["latencyMs"] = ms(c.latency_us);
  out["latencyKnown"] = c.latency_known;
  out["lateMs"] = ms(c.late_us);
  out["offTreeMs"] = ms(c.off_tree_us);
  out["congestionMs"] = ms(c.congestion_us);
  out["migrationMs"] = ms(c.migration_us);
  out["leavingMs"] = ms(c.leaving_us);
  out["totalMs"] = ms(c.total_us());
  return out;
}

json::Value explanation_json(const Status::Decided& decided, const Choice& choice) {
  const auto& snapshot = decided.decision->snapshot;
  const auto& group = snapshot.groups[choice.group];
  const auto id = [&](Index host) { return host == kNone ? "" : snapshot.hosts[host].id; };
  json::Value out{
      {"ue", (*snapshot.ue)[choice.group]},
      {"app", snapshot.apps[group.app].id},
      {"attachment", group.attachment == kNone ? "" : snapshot.attachments[group.attachment].name},
      {"current", id(group.host)},
      {"chosen", id(choice.chosen)},
      {"reason", choice.reason},
      {"planned", format_utc(decided.wall_ms)}};
  auto& candidates = out["candidates"] = json::Value::array();
  for (const auto& candidate : choice.candidates) {
    candidates.push_back(candidate_json(snapshot, choice, candidate));
  }
  return out;
}

Result<json::Value> explanation(const Api& api, const Request& request) {
  const auto query = http::SingleValued::parse(request.query, {"ue", "app"});
  if (!query) return query.error();
  auto ue = query->text("ue");
  const auto app = query->text("app");
  if (ue.empty() || app.empty()) return invalid_argument("ue and app are needed");
  if (!ue.starts_with("dev:")) ue = "dev:" + ue;
  const auto decided = api.status.decision();
  const auto& decision = decided.decision;
  if (!decision) {
    return unavailable("nothing has been planned here yet; GET /plan?dry_run=true does it");
  }
  const auto by = decision->dispatched.find(app);
  const auto& placed = by == decision->dispatched.end() ? app : by->second;
  auto choice = explain(decision->snapshot, decision->placement, ue, placed);
  if (!choice) return not_found(ue + " has no context of " + app + " that the optimizer places");
  if (placed != app) choice->reason = app + " is dispatched, by " + placed + "; " + choice->reason;
  return explanation_json(decided, *choice);
}

void get_explain(Api& api, const Request& request, Responder responder) {
  const auto document = explanation(api, request);
  responder.reply(document ? http::json_reply(200, json::dump(*document))
                           : http::problem_reply(document.error()));
}

void get_topology(Api& api, const Request& request, Responder responder) {
  const auto query = http::SingleValued::parse(request.query, {"ue", "app", "all", "limit"});
  if (!query) return responder.reply(http::problem_reply(query.error()));
  const auto limit = query->number("limit", kUesDefault, 1, kUesMax);
  if (!limit) return responder.reply(http::problem_reply(limit.error()));
  const TopologyFilter filter{query->text("ue"), query->text("app"), query->text("all") == "true",
                              *limit};
  const auto document = topology_json(api.status.decision(), api.source, filter);
  responder.reply(http::json_reply(200, json::dump(document)));
}

}  // namespace

void add_endpoints(http::Router& router, Api& api) {
  http::add_monitoring(router, api.registry, api.monitoring, api.token, [&api] {
    return json::dump(api.status.health(api.leadership.state(), api.leadership.paused()));
  });
  router.add("GET", "/status", guarded(api, get_status));
  router.add("POST", "/pause", guarded(api, ask<Control::Wish::kPause>));
  router.add("POST", "/resume", guarded(api, ask<Control::Wish::kResume>));
  router.add("POST", "/plan", guarded(api, ask<Control::Wish::kPlan>));
  router.add("GET", "/plan", guarded(api, get_plan));
  router.add("GET", "/explain", guarded(api, get_explain));
  router.add("GET", "/topology", guarded(api, get_topology));
  openapi::serve(router, "", openapi::optimizer_yaml());
}

}  // namespace mx2::optimizer
