// /operator/v1/hosts and /operator/v1/apps.
#include <map>

#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {
namespace {

// How many contexts have their first instance at a host, by app.
using ContextsOfApps = std::map<std::string, std::size_t>;

std::map<std::string, ContextsOfApps> contexts_by_host(const OperatorApi& api) {
  std::map<std::string, ContextsOfApps> hosts;
  for (const auto& [cell, count] : api.contexts.ledger.clients()) {
    hosts[cell.second][cell.first] = count;
  }
  return hosts;
}

json::Value host_json(const OperatorApi& api, const HostEntry& entry,
                      const ContextsOfApps& contexts) {
  auto host = entry.host;
  host.load = api.hosts.load(host.id);
  auto out = codec::to_json_with_status(host, to_ms(HostWatch::now()));
  std::size_t all = 0;
  for (const auto& [app, count] : contexts) all += count;
  out["status"]["contexts"] = all;
  return out;
}

json::Value app_json(const CatalogueEntry& entry) { return codec::to_json(entry.app); }

Result<json::Value> hosts_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {});
  if (!page) return page.error();
  const auto contexts = contexts_by_host(api);
  return api.core.model.read([&](const Model& model) {
    return page_of(model.hosts(), *page, [&](const HostEntry& entry) {
      const auto of_host = contexts.find(entry.host.id);
      return host_json(api, entry, of_host == contexts.end() ? ContextsOfApps() : of_host->second);
    });
  });
}

Result<json::Value> apps_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {});
  if (!page) return page.error();
  return api.core.model.read(
      [&](const Model& model) { return page_of(model.apps(), *page, app_json); });
}

// Its ETag is of what operators put: it does not change with the status.
void host_get(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto contexts = contexts_by_host(api)[path[0]];
  responder.reply(api.core.model.read([&](const Model& model) -> http::Reply {
    const auto* entry = model.host(path[0]);
    if (entry == nullptr) return refusal(model.no_host(path[0]), request.id);
    auto document = host_json(api, *entry, contexts);
    document["status"]["contextsOfApps"] = contexts;
    auto reply = http::json_reply(200, json::dump(document));
    reply.headers.emplace_back("ETag", etag_of(json::dump(codec::operators_part(entry->host))));
    return reply;
  }));
}

void host_load_put(OperatorApi& api, Request& request, const PathValues& path,
                   Responder responder) {
  const auto reported = [&]() -> Result<void> {
    const auto document = json_body(request);
    if (!document) return document.error();
    auto report = codec::decode_host_report(*document);
    if (!report) return report.error();
    return api.hosts.report(path[0], std::move(*report), HostWatch::now());
  }();
  if (!reported) return responder.reply(refusal(reported.error(), request.id));
  hear_of_store(api, request, path[0]);
  responder.reply(telling_store(api, http::no_content()));
}

Result<json::Value> app_get(OperatorApi& api, const Request&, const PathValues& path) {
  return api.core.model.read([&](const Model& model) -> Result<json::Value> {
    const auto* entry = model.app(path[0]);
    if (entry == nullptr) return not_found("no app '" + path[0] + "'");
    return app_json(*entry);
  });
}

void host_put(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  auto host = decode_document(request, "id", path[0], codec::decode_host);
  if (!host) return responder.reply(refusal(host.error(), request.id));
  put_host(api.core, std::move(*host), guard_of(request),
           answer_with<Changed>(request, std::move(responder), changed_reply));
}

void app_put(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  auto app = decode_document(request, "appDId", path[0], codec::decode_app);
  if (!app) return responder.reply(refusal(app.error(), request.id));
  put_app(api.core, std::move(*app), guard_of(request),
          answer_with<Changed>(request, std::move(responder), changed_reply));
}

void host_delete(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  delete_host(api.core, path[0], guard_of(request),
              answer_with<Changed>(request, std::move(responder), removed_reply));
}

void app_delete(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  delete_app(api.core, path[0], guard_of(request),
             answer_with<Changed>(request, std::move(responder), removed_reply));
}

template <HostState state>
void host_state(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  set_host_state(api.core, path[0], state, guard_of(request),
                 answer_with<Changed>(request, std::move(responder), changed_reply));
}

}  // namespace

void add_catalogue_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string hosts = std::string(kOperatorRoot) + "/hosts";
  router.add("GET", hosts, reading(api, hosts_get));
  router.add("GET", hosts + "/{id}", answering(api, host_get));
  router.add("PUT", hosts + "/{id}", changing(api, host_put));
  router.add("DELETE", hosts + "/{id}", changing(api, host_delete));
  router.add("PUT", hosts + "/{id}/load", changing(api, host_load_put));
  router.add("POST", hosts + "/{id}/cordon", changing(api, host_state<HostState::kCordoned>));
  router.add("POST", hosts + "/{id}/drain", changing(api, host_state<HostState::kDraining>));
  router.add("POST", hosts + "/{id}/uncordon", changing(api, host_state<HostState::kUp>));

  const std::string apps = std::string(kOperatorRoot) + "/apps";
  router.add("GET", apps, reading(api, apps_get));
  router.add("GET", apps + "/{appDId}", reading(api, app_get));
  router.add("PUT", apps + "/{appDId}", changing(api, app_put));
  router.add("DELETE", apps + "/{appDId}", changing(api, app_delete));
}

}  // namespace mx2
