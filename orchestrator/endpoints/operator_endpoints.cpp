#include <algorithm>

#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/http/query.h"
#include "api/openapi/openapi.h"
#include "api/operator/codec.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/endpoints/endpoints.h"
#include "orchestrator/operator/service.h"

namespace mx2 {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;
using http::SingleValued;

constexpr const char* kRoot = "/operator/v1";
constexpr std::size_t kPageDefault = 1000;

http::Reply document_reply(int status, const std::string& document) {
  auto reply = http::json_reply(status, document);
  reply.headers.emplace_back("ETag", etag_of(document));
  return reply;
}

Precondition guard_of(const Request& request) {
  Precondition guard;
  if (const auto match = request.header("If-Match")) guard.if_match = trim(*match);
  const auto none = request.header("If-None-Match");
  guard.must_be_absent = none && trim(*none) == "*";
  return guard;
}

// A page of a map that is held in memory; the cursor is the last key.
template <typename Map, typename Encode>
json::Value page_of(const Map& map, const std::string& cursor, std::size_t limit, Encode encode) {
  auto items = json::Value::array();
  json::Value out;
  std::string last;
  for (auto it = map.upper_bound(cursor); it != map.end(); ++it) {
    if (items.size() == limit) {
      out["next"] = last;
      break;
    }
    items.push_back(encode(it->second));
    last = it->first;
  }
  out["items"] = std::move(items);
  return out;
}

template <typename T>
Callback<Result<T>> answer(const Request& request, Responder responder,
                           http::Reply (*format)(const T&)) {
  return [id = request.id, responder = std::move(responder), format](Result<T> outcome) mutable {
    responder.reply(outcome ? format(*outcome) : refusal(outcome.error(), id));
  };
}

http::Reply changed_reply(const Changed& changed) {
  return document_reply(changed.created ? 201 : 200, changed.document);
}

http::Reply removed_reply(const Changed& /*changed*/) { return http::no_content(); }

http::Reply patched_reply(const Patched& patched) {
  auto reply = http::json_reply(
      200, json::dump({{"tableVersion", patched.table_version}, {"rows", patched.rows}}));
  reply.headers.emplace_back("ETag", "\"" + std::to_string(patched.table_version) + "\"");
  return reply;
}

class OperatorEndpoints {
 public:
  OperatorEndpoints(Mx2Service& service, metrics::Registry& registry,
                    OperatorEndpointOptions options)
      : service_(service),
        registry_(registry),
        options_(std::move(options)),
        rows_gauge_(registry.gauge("mx2_table_rows", "Rows of the table")),
        version_gauge_(registry.gauge("mx2_table_version", "Version of the table")),
        hosts_gauge_(registry.gauge("mx2_hosts", "MEC hosts known")),
        apps_gauge_(registry.gauge("mx2_apps", "Applications in the catalogue")) {}

  [[nodiscard]] bool may(const Request& request) const {
    return options_.token.empty() || request.header("Authorization") == "Bearer " + options_.token;
  }

  Result<json::Value> hosts_get(const Request& request) const {
    return list(request, [&](const Model& model, const std::string& cursor, std::size_t limit) {
      return page_of(model.hosts(), cursor, limit,
                     [](const HostEntry& entry) { return codec::to_json(entry.host); });
    });
  }

  Result<json::Value> apps_get(const Request& request) const {
    return list(request, [&](const Model& model, const std::string& cursor, std::size_t limit) {
      return page_of(model.apps(), cursor, limit,
                     [](const CatalogueEntry& entry) { return codec::to_json(entry.app); });
    });
  }

  Result<json::Value> host_get(const std::string& id) const {
    return service_.model.read([&](const Model& model) -> Result<json::Value> {
      const auto* entry = model.host(id);
      if (entry == nullptr) return not_found("no host '" + id + "'");
      return codec::to_json(entry->host);
    });
  }

  Result<json::Value> app_get(const std::string& id) const {
    return service_.model.read([&](const Model& model) -> Result<json::Value> {
      const auto* entry = model.app(id);
      if (entry == nullptr) return not_found("no app '" + id + "'");
      return codec::to_json(entry->app);
    });
  }

  void host_put(const Request& request, const std::string& id, Responder responder) {
    auto host = decode(request, "id", id, codec::decode_host);
    if (!host) return responder.reply(refusal(host.error(), request.id));
    put_host(service_, std::move(*host), guard_of(request),
             answer<Changed>(request, std::move(responder), changed_reply));
  }

  void app_put(const Request& request, const std::string& id, Responder responder) {
    auto app = decode(request, "appDId", id, codec::decode_app);
    if (!app) return responder.reply(refusal(app.error(), request.id));
    put_app(service_, std::move(*app), guard_of(request),
            answer<Changed>(request, std::move(responder), changed_reply));
  }

  void host_delete(const Request& request, const std::string& id, Responder responder) {
    delete_host(service_, id, guard_of(request),
                answer<Changed>(request, std::move(responder), removed_reply));
  }

  void app_delete(const Request& request, const std::string& id, Responder responder) {
    delete_app(service_, id, guard_of(request),
               answer<Changed>(request, std::move(responder), removed_reply));
  }

  void host_state(const Request& request, const std::string& id, HostState state,
                  Responder responder) {
    set_host_state(service_, id, state,
                   answer<Changed>(request, std::move(responder), changed_reply));
  }

  void table_patch(const Request& request, Responder responder) {
    auto changes = codec::decode_table_patch(request.body, options_.patch_rows_max);
    if (!changes) return responder.reply(refusal(changes.error(), request.id));
    patch_table(service_, std::move(*changes), guard_of(request),
                answer<Patched>(request, std::move(responder), patched_reply));
  }

  Result<json::Value> table_get(const Request& request) const {
    auto query = SingleValued::parse(request.query, {"app", "ue", "cursor", "limit"});
    if (!query) return query.error();
    const auto limit = query->number("limit", kPageDefault, 1, options_.page_max);
    if (!limit) return limit.error();
    auto page =
        service_.store.rows(query->text("app"), query->text("ue"), query->text("cursor"), *limit);
    if (!page) return page.error();
    return codec::to_json(*page);
  }

  Result<json::Value> contexts_get(const Request& request) const {
    auto query =
        SingleValued::parse(request.query, {"app", "associateDevAppId", "host", "cursor", "limit"});
    if (!query) return query.error();
    const auto limit = query->number("limit", kPageDefault, 1, options_.page_max);
    if (!limit) return limit.error();
    auto page = service_.store.contexts(
        {query->text("app"), query->text("associateDevAppId"), query->text("host")},
        query->text("cursor"), *limit);
    if (!page) return page.error();
    return codec::to_json(*page);
  }

  void context_delete(const Request& request, const std::string& id, Responder responder) {
    end_app_context(
        service_, id,
        [id = request.id, responder = std::move(responder)](Result<void> ended) mutable {
          responder.reply(ended ? http::no_content() : refusal(ended.error(), id));
        });
  }

  Result<json::Value> explain_get(const Request& request) const {
    auto query = SingleValued::parse(request.query, {"ue", "ip", "app"});
    if (!query) return query.error();
    PlacementQuery asked{query->text("app"), {}, std::nullopt, nullptr};
    auto ue = query->text("ue");
    if (ue.rfind("dev:", 0) == 0) ue.erase(0, 4);
    auto ip = query->text("ip");
    if (ue.rfind("ip:", 0) == 0) ip = std::exchange(ue, "").substr(3);
    asked.dev_app_id = ue;
    if (!ip.empty()) {
      asked.ip = IpAddress::parse(ip);
      if (!asked.ip) return invalid_argument("'" + ip + "' is no IP address");
    }
    return service_.model.read([&](const Model& model) -> Result<json::Value> {
      if (asked.app_d_id.empty()) return invalid_argument("query parameter 'app' is needed");
      if (model.app(asked.app_d_id) == nullptr) return not_found("no app '" + asked.app_d_id + "'");
      return codec::to_json(explain(model, asked));
    });
  }

  void health_get(const Request& request, Responder responder) {
    auto status = service_.model.read([](const Model& model) {
      return json::Value{{"status", "ok"},
                         {"version", MX2_VERSION},
                         {"tableVersion", model.table_version()},
                         {"rows", model.table().rows()},
                         {"hosts", model.hosts().size()},
                         {"apps", model.apps().size()}};
    });
    probe_store(service_, [this, id = request.id, status,
                           responder = std::move(responder)](Result<void> probed) mutable {
      if (!probed) return responder.reply(refusal(probed.error(), id));
      status["contexts"] = service_.quota.total();  // on the writer's thread, where it belongs
      responder.reply(http::json_reply(200, json::dump(status)));
    });
  }

  http::Reply metrics_get() {
    service_.model.read([this](const Model& model) {
      rows_gauge_.set(static_cast<double>(model.table().rows()));
      version_gauge_.set(static_cast<double>(model.table_version()));
      hosts_gauge_.set(static_cast<double>(model.hosts().size()));
      apps_gauge_.set(static_cast<double>(model.apps().size()));
    });
    return {200, "text/plain; version=0.0.4", registry_.text(), {}, false};
  }

 private:
  template <typename F>
  Result<json::Value> list(const Request& request, F page) const {
    auto query = SingleValued::parse(request.query, {"cursor", "limit"});
    if (!query) return query.error();
    const auto limit = query->number("limit", kPageDefault, 1, options_.page_max);
    if (!limit) return limit.error();
    return service_.model.read(
        [&](const Model& model) { return page(model, query->text("cursor"), *limit); });
  }

  // The identifier of the path is that of the body, which may leave it out.
  template <typename T>
  static Result<T> decode(const Request& request, const char* member, const std::string& id,
                          Result<T> (*decoder)(const json::Value&)) {
    if (auto type = check_content_type(request); !type) return type.error();
    auto document = json::parse(request.body);
    if (!document) return document.error();
    if (document->is_object() && !document->contains(member)) (*document)[member] = id;
    auto value = decoder(*document);
    if (value.ok() && (*document)[member] != id) {
      return invalid_argument("differs from the identifier in the path", std::string("/") + member);
    }
    return value;
  }

  Mx2Service& service_;
  metrics::Registry& registry_;
  const OperatorEndpointOptions options_;
  metrics::Gauge& rows_gauge_;
  metrics::Gauge& version_gauge_;
  metrics::Gauge& hosts_gauge_;
  metrics::Gauge& apps_gauge_;
};

using Api = std::shared_ptr<OperatorEndpoints>;

// Every operator resource is behind the operator's token, if one is set.
http::Endpoint guarded(const Api& api, http::Endpoint endpoint) {
  return [api, endpoint = std::move(endpoint)](Request& q, const PathValues& v, Responder r) {
    if (api->may(q)) return endpoint(q, v, std::move(r));
    r.reply(refusal(
        {ErrorCode::kUnauthorized, "the operator's bearer token is needed", {}, {}, {}, 0}, q.id));
  };
}

using Read = Result<json::Value> (*)(OperatorEndpoints&, const Request&, const PathValues&);

http::Endpoint reading(const Api& api, Read read) {
  return guarded(api, [api, read](Request& q, const PathValues& v, Responder r) {
    const auto value = read(*api, q, v);
    r.reply(value ? document_reply(200, json::dump(*value)) : refusal(value.error(), q.id));
  });
}

using Change = void (*)(OperatorEndpoints&, Request&, const PathValues&, Responder);

http::Endpoint changing(const Api& api, Change change) {
  return guarded(api, [api, change](Request& q, const PathValues& v, Responder r) {
    change(*api, q, v, std::move(r));
  });
}

using Self = OperatorEndpoints;

void add_catalogue_routes(http::Router& router, const std::string& root, const Api& api) {
  router.add("GET", root + "/apps", reading(api, [](Self& s, const Request& q, const PathValues&) {
               return s.apps_get(q);
             }));
  const auto one = root + "/apps/{appDId}";
  router.add("GET", one, reading(api, [](Self& s, const Request&, const PathValues& v) {
               return s.app_get(v[0]);
             }));
  router.add("PUT", one, changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.app_put(q, v[0], std::move(r));
             }));
  router.add("DELETE", one,
             changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.app_delete(q, v[0], std::move(r));
             }));
}

void add_host_routes(http::Router& router, const std::string& root, const Api& api) {
  router.add("GET", root + "/hosts", reading(api, [](Self& s, const Request& q, const PathValues&) {
               return s.hosts_get(q);
             }));
  const auto one = root + "/hosts/{id}";
  router.add("GET", one, reading(api, [](Self& s, const Request&, const PathValues& v) {
               return s.host_get(v[0]);
             }));
  router.add("PUT", one, changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.host_put(q, v[0], std::move(r));
             }));
  router.add("DELETE", one,
             changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.host_delete(q, v[0], std::move(r));
             }));
  router.add("POST", one + "/cordon",
             changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.host_state(q, v[0], HostState::kCordoned, std::move(r));
             }));
  router.add("POST", one + "/uncordon",
             changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.host_state(q, v[0], HostState::kUp, std::move(r));
             }));
}

void add_table_routes(http::Router& router, const std::string& root, const Api& api) {
  router.add("GET", root + "/table", reading(api, [](Self& s, const Request& q, const PathValues&) {
               return s.table_get(q);
             }));
  router.add("PATCH", root + "/table",
             changing(api, [](Self& s, Request& q, const PathValues&, Responder r) {
               s.table_patch(q, std::move(r));
             }));
  router.add(
      "GET", root + "/explain",
      reading(api, [](Self& s, const Request& q, const PathValues&) { return s.explain_get(q); }));
}

void add_context_routes(http::Router& router, const std::string& root, const Api& api) {
  router.add(
      "GET", root + "/contexts",
      reading(api, [](Self& s, const Request& q, const PathValues&) { return s.contexts_get(q); }));
  router.add("DELETE", root + "/contexts/{contextId}",
             changing(api, [](Self& s, Request& q, const PathValues& v, Responder r) {
               s.context_delete(q, v[0], std::move(r));
             }));
}

}  // namespace

void add_operator_endpoints(http::Router& router, Mx2Service& service, metrics::Registry& registry,
                            OperatorEndpointOptions options) {
  const std::string root = kRoot;
  const auto api = std::make_shared<OperatorEndpoints>(service, registry, std::move(options));
  add_catalogue_routes(router, root, api);
  add_host_routes(router, root, api);
  add_table_routes(router, root, api);
  add_context_routes(router, root, api);
  router.add("GET", root + "/health",
             changing(api, [](Self& s, Request& q, const PathValues&, Responder r) {
               s.health_get(q, std::move(r));
             }));
  router.add("GET", root + "/metrics",
             changing(api, [](Self& s, Request&, const PathValues&, Responder r) {
               r.reply(s.metrics_get());
             }));
  add_document(router, "/openapi.yaml", "application/yaml", openapi::operator_api());
}

}  // namespace mx2
