// /operator/v1/contexts, health and metrics, and the description of the API.
#include <map>
#include <string>

#include "api/openapi/openapi.h"
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"
#include "orchestrator/mec_platform/mec_platform.h"

namespace mx2 {
namespace {

constexpr std::size_t kSetAsideShown = 100;
constexpr std::size_t kAheadShown = 100;

Result<json::Value> contexts_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {"app", "associateDevAppId", "host"});
  if (!page) return page.error();
  const auto contexts = api.core.store.contexts(
      {page->query.text("app"), page->query.text("associateDevAppId"), page->query.text("host")},
      page->query.text("cursor"), page->limit);
  if (!contexts) return contexts.error();
  return codec::to_json(*contexts);
}

void context_delete(OperatorApi& api, Request& request, const PathValues& path,
                    Responder responder) {
  delete_app_context(api.core, api.contexts.ledger, path[0], Caller{}, std::nullopt,
                     EndedBy::kSystem, no_content_to(request, std::move(responder)));
}

json::Value platform_json(const MecPlatform& platform) {
  const auto status = platform.status();
  json::Value out{{"state", status.state}, {"appInstanceId", platform.app_instance_id()}};
  if (!status.ser_instance_id.empty()) out["serInstanceId"] = status.ser_instance_id;
  if (!status.last_error.empty()) out["lastError"] = status.last_error;
  return out;
}

// Bounded: whoever has more needs the log.
json::Value set_aside_json(const SetAside& aside) {
  auto out = json::Value::array();
  for (const auto& [kind, id, reason] : aside.list()) {
    if (out.size() == kSetAsideShown) break;
    out.push_back({{"kind", kind}, {"id", id}, {"reason", reason}});
  }
  return out;
}

json::Value store_json(const StorePeers& peers) {
  const auto own = peers.own();
  json::Value out{{"id", own.id}, {"epoch", own.epoch}};
  for (const auto& [peer, epoch] : peers.ahead()) {
    if (out["ahead"].size() == kAheadShown) break;
    out["ahead"].push_back({{"peer", peer}, {"epoch", epoch}});
  }
  return out;
}

void health_get(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  auto status = api.core.model.read([](const Model& model) {
    return json::Value{{"status", "ok"},
                       {"version", MX2_VERSION},
                       {"tableVersion", model.table_version()},
                       {"rows", model.table().rows()},
                       {"hosts", model.hosts().size()},
                       {"apps", model.apps().size()}};
  });
  const auto& aside = api.core.store.set_aside();
  if (aside.size() > 0) {
    status["status"] = "degraded";
    status["setAside"] = set_aside_json(aside);
  }
  status["store"] = store_json(api.store_peers);
  if (api.platform != nullptr) status["mecPlatform"] = platform_json(*api.platform);
  probe_store(api.core.store, [&api, id = request.id, status = std::move(status),
                               responder =
                                   std::move(responder)](const Result<void>& probed) mutable {
    if (!probed) return responder.reply(refusal(probed.error(), id));
    status["contexts"] = api.contexts.ledger.total();  // on the writer's thread, where it belongs
    responder.reply(http::json_reply(200, json::dump(status)));
  });
}

// Of all hosts, by metric; one that has gone goes from them.
struct HostSeries {
  using Series = std::map<metrics::Labels, double>;
  Series up, by_state, contexts;
  std::map<std::string, std::string> tiers;  // by host
};

HostSeries host_series(const Model& model) {
  HostSeries series;
  for (const auto state : kHostStates) series.by_state[{{"state", std::string(state)}}] = 0;
  for (const auto tier : kHostTiers) series.contexts[{{"tier", std::string(tier)}}] = 0;
  for (const auto& [id, entry] : model.hosts()) {
    const auto& host = entry.host;
    auto& tier = series.tiers[id] = enum_text(tier_of(host), kHostTiers);
    const auto state = host.is_down() ? HostState::kDown : host.state;
    ++series.by_state[{{"state", std::string(to_text(state))}}];
    series.up[{{"host", id}, {"tier", tier}}] = host.is_down() ? 0 : 1;
  }
  return series;
}

void set_host_metrics(OperatorApi& api) {
  auto series = api.core.model.read(host_series);
  for (const auto& [who, count] : api.contexts.ledger.clients()) {
    const auto tier = series.tiers.find(who.second);
    if (tier == series.tiers.end()) continue;
    series.contexts[{{"tier", tier->second}}] += static_cast<double>(count);
  }
  auto& registry = api.registry;
  registry.set_series("mx2_host_up", "1 while requests can be sent to the MEC host, else 0",
                      series.up);
  registry.set_series("mx2_hosts_by_state", "MEC hosts by state; down: also those that are silent",
                      series.by_state);
  registry.set_series("mx2_contexts_by_tier", "Application contexts by the tier of their host",
                      series.contexts);
}

// Sizes are taken when somebody looks, not at each change.
void metrics_get(OperatorApi& api, Request&, const PathValues&, Responder responder) {
  auto& registry = api.registry;
  api.core.model.read([&](const Model& model) {
    registry.gauge("mx2_table_rows", "Rows of the table")
        .set(static_cast<double>(model.table().rows()));
    registry.gauge("mx2_table_version", "Version of the table")
        .set(static_cast<double>(model.table_version()));
    registry.gauge("mx2_hosts", "MEC hosts known").set(static_cast<double>(model.hosts().size()));
    registry.gauge("mx2_apps", "Applications in the catalogue")
        .set(static_cast<double>(model.apps().size()));
  });
  set_host_metrics(api);
  responder.reply(http::metrics_reply(registry));
}

}  // namespace

void add_status_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/contexts", reading(api, contexts_get));
  router.add("DELETE", root + "/contexts/{contextId}", changing(api, context_delete));
  const auto watched = [&api](Answer answer) -> http::Endpoint {
    return [api, answer](Request& request, const PathValues& path, Responder responder) {
      answer(*api, request, path, std::move(responder));
    };
  };
  http::add_monitoring(
      router, api->registry, api->now()->monitoring, [api] { return api->now()->token; },
      watched(health_get), watched(metrics_get), root);
  openapi::serve(router, "", openapi::operator_yaml());
}

}  // namespace mx2
