// /operator/v1/contexts, health and metrics, and the description of the API.
#include "api/http/monitoring.h"
#include "api/openapi/openapi.h"
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"
#include "orchestrator/mec_platform/mec_platform.h"

namespace mx2 {
namespace {

constexpr std::size_t kSetAsideShown = 100;

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
  if (api.platform != nullptr) status["mecPlatform"] = platform_json(*api.platform);
  probe_store(api.core.store, [&api, id = request.id, status = std::move(status),
                               responder =
                                   std::move(responder)](const Result<void>& probed) mutable {
    if (!probed) return responder.reply(refusal(probed.error(), id));
    status["contexts"] = api.contexts.ledger.total();  // on the writer's thread, where it belongs
    responder.reply(http::json_reply(200, json::dump(status)));
  });
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
  responder.reply(http::metrics_reply(registry));
}

}  // namespace

void add_status_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/contexts", reading(api, contexts_get));
  router.add("DELETE", root + "/contexts/{contextId}", changing(api, context_delete));
  router.add("GET", root + "/health", answering(api, health_get));
  router.add("GET", root + "/metrics", answering(api, metrics_get));
  openapi::serve(router, "", openapi::operator_yaml());
}

}  // namespace mx2
