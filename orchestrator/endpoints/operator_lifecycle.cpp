// /operator/v1/instances, /operator/v1/capacity and the registration of MEPMs.
#include <map>

#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {
namespace {

// By "host appInstanceId"; neither has a space.
using Items = std::map<std::string, json::Value>;

struct Wish {
  std::string app;
  std::string host;
  [[nodiscard]] bool takes(const std::string& app_d_id, const std::string& host_id) const {
    return (app.empty() || app == app_d_id) && (host.empty() || host == host_id);
  }
};

void put(json::Value& out, const char* name, const std::optional<std::int64_t>& value) {
  if (value) out[name] = *value;
}

json::Value managed_json(const ManagedInstance& instance) {
  const auto& seen = instance.seen;
  json::Value out{{"appInstanceId", seen.id},   {"appDId", seen.app_d_id},
                  {"hostId", instance.host_id}, {"managed", true},
                  {"state", instance.state},    {"restarts", seen.restarts}};
  if (!seen.phase.empty()) out["phase"] = seen.phase;
  if (!seen.reference_uri.empty()) out["referenceURI"] = seen.reference_uri;
  if (!seen.last_error.empty()) out["lastError"] = seen.last_error;
  put(out, "fetchMs", seen.times.fetch_ms);
  put(out, "installMs", seen.times.install_ms);
  put(out, "startMs", seen.times.start_ms);
  put(out, "readyMs", seen.times.ready_ms);
  return out;
}

json::Value listed_json(const AppInstance& instance, const std::string& host_id) {
  return {{"appInstanceId", instance.app_instance_id},
          {"appDId", instance.app_d_id},
          {"hostId", host_id},
          {"managed", instance.managed},
          {"state", "ready"},
          {"referenceURI", instance.reference_uri}};
}

// What operators list, what the model knows of a host that does not answer, and, fresher, what its
// MEPM says.
Items instances_of(OperatorApi& api, const Wish& wish) {
  Items items;
  api.core.model.read([&](const Model& model) {
    for (const auto& [id, entry] : model.hosts()) {
      for (const auto& instance : entry.host.instances) {
        if (!wish.takes(instance.app_d_id, id)) continue;
        items[id + " " + instance.app_instance_id] = listed_json(instance, id);
      }
    }
  });
  for (const auto& instance : api.lifecycle.instances()) {
    if (!wish.takes(instance.seen.app_d_id, instance.host_id)) continue;
    items[instance.host_id + " " + instance.seen.id] = managed_json(instance);
  }
  return items;
}

Items capacity_of(OperatorApi& api, const Wish& wish) {
  Items items;
  for (const auto& wanted : api.lifecycle.wanted()) {
    if (!wish.takes(wanted.app_d_id, wanted.host_id)) continue;
    items[wanted.host_id + " " + wanted.app_d_id] = {{"hostId", wanted.host_id},
                                                     {"appDId", wanted.app_d_id},
                                                     {"instances", wanted.instances},
                                                     {"reason", wanted.reason}};
  }
  return items;
}

template <Items (*items_of)(OperatorApi&, const Wish&)>
Result<json::Value> page_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {"app", "host"});
  if (!page) return page.error();
  const auto all = items_of(api, {page->query.text("app"), page->query.text("host")});
  return page_of(all, *page, [](const json::Value& item) { return item; });
}

// A MEPM that registers may have been restarted: its instances are looked at again.
void registration_put(OperatorApi& api, Request& request, const PathValues& path,
                      Responder responder) {
  auto asked = decode_document(request, "id", path[0], codec::decode_host_registration);
  if (!asked) return responder.reply(refusal(asked.error(), request.id));
  const auto allowed = [&hosts = api.hosts](const HostRegistration& registration) {
    return hosts.may_register(registration, HostWatch::now());
  };
  hear_of_store(api, request, path[0]);
  const auto format = [&api](const Changed& changed) {
    return telling_store(api, changed_reply(changed));
  };
  register_host(api.core, std::move(*asked), allowed,
                answer_with<Changed>(request, std::move(responder), format));
  api.lifecycle.look_at(path[0]);
}

}  // namespace

void add_lifecycle_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/instances", reading(api, page_get<instances_of>));
  router.add("GET", root + "/capacity", reading(api, page_get<capacity_of>));
  router.add("PUT", root + "/hosts/{id}/registration", changing(api, registration_put));
}

}  // namespace mx2
