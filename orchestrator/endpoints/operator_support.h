// What the endpoints of the operator API share. Private to orchestrator/endpoints.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "api/base/callback.h"
#include "api/http/http.h"
#include "api/http/media.h"
#include "api/http/query.h"
#include "api/http/router.h"
#include "api/json/json.h"
#include "orchestrator/endpoints/endpoints.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {

using http::PathValues;
using http::Request;
using http::Responder;

inline constexpr const char* kOperatorRoot = "/operator/v1";
inline constexpr std::size_t kPageDefault = 1000;

struct OperatorApi : OperatorServices {
  // As it is now: another one while the program runs has other values.
  [[nodiscard]] std::shared_ptr<const OperatorEndpointOptions> now() const { return options.get(); }

  const Live<OperatorEndpointOptions>& options;
};
using OperatorApiPtr = std::shared_ptr<OperatorApi>;

// One part of the API each.
void add_catalogue_endpoints(http::Router& router, const OperatorApiPtr& api);  // hosts, apps
void add_draining_endpoints(http::Router& router, const OperatorApiPtr& api);   // of a host
void add_table_endpoints(http::Router& router, const OperatorApiPtr& api);      // table, explain
void add_plan_endpoints(http::Router& router, const OperatorApiPtr& api);       // plans, history
void add_change_endpoints(http::Router& router, const OperatorApiPtr& api);     // for replicas
void add_lifecycle_endpoints(http::Router& router, const OperatorApiPtr& api);  // instances
void add_package_endpoints(http::Router& router, const OperatorApiPtr& api);    // app_pkgm/v1
void add_outbox_endpoints(http::Router& router, const OperatorApiPtr& api);     // notifications
void add_backup_endpoints(http::Router& router, const OperatorApiPtr& api);
void add_status_endpoints(http::Router& router, const OperatorApiPtr& api);  // contexts, health…

// All of these are behind the operator's token, if one is set.
// A GET that gives a document.
using Read = Result<json::Value> (*)(OperatorApi&, const Request&, const PathValues&);
[[nodiscard]] http::Endpoint reading(const OperatorApiPtr& api, Read read);
// A GET that makes its own reply.
using Answer = void (*)(OperatorApi&, Request&, const PathValues&, Responder);
[[nodiscard]] http::Endpoint answering(const OperatorApiPtr& api, Answer answer);
// A change takes no query: a parameter that is misspelt must not be ignored.
[[nodiscard]] http::Endpoint changing(const OperatorApiPtr& api, Answer change);

[[nodiscard]] http::Reply document_reply(int status, const std::string& document);  // with ETag
[[nodiscard]] http::Reply changed_reply(const Changed& changed);
[[nodiscard]] http::Reply removed_reply(const Changed& changed);
[[nodiscard]] Precondition guard_of(const Request& request);
// A peer's report: takes what it says of our store, and tells it with the reply what that is.
void hear_of_store(OperatorApi& api, const Request& request, const std::string& peer);
[[nodiscard]] http::Reply telling_store(const OperatorApi& api, http::Reply reply);
// Who sends it, for the history: a role, the name that header Mx2-Operator claims, and from where.
[[nodiscard]] std::string author_of(const Request& request, const std::string& role);

[[nodiscard]] Result<json::Value> json_body(const Request& request);
// The same read by `decoder`, which gives a Result.
template <typename Decoder>
[[nodiscard]] auto decode_body(const Request& request, Decoder decoder)
    -> decltype(decoder(request.body)) {
  if (auto type = check_content_type(request); !type) return type.error();
  return decoder(request.body);
}
// A JSON body, by members(ObjectReader&, T&).
template <typename T, typename Members>
[[nodiscard]] Result<T> read_body(const Request& request, const Members& members) {
  if (auto type = check_content_type(request); !type) return type.error();
  return json::decode_text<T>(request.body, members);
}

// The identifier of the path is that of the body, which may leave it out.
template <typename T>
[[nodiscard]] Result<T> decode_document(const Request& request, const char* member,
                                        const std::string& id,
                                        Result<T> (*decoder)(const json::Value&)) {
  auto document = json_body(request);
  if (!document) return document.error();
  if (document->is_object() && !document->contains(member)) (*document)[member] = id;
  auto value = decoder(*document);
  if (value.ok() && (*document)[member] != id) {
    return invalid_argument("differs from the identifier in the path", std::string("/") + member);
  }
  return value;
}

struct PageQuery {
  http::SingleValued query;
  std::size_t limit;
};
// `known` besides cursor and limit.
[[nodiscard]] Result<PageQuery> page_query(const OperatorApi& api, const Request& request,
                                           std::vector<std::string> known);

// A page of a map; the cursor is the last key.
template <typename Map, typename Encode>
json::Value page_of(const Map& map, const PageQuery& page, Encode encode) {
  auto items = json::Value::array();
  json::Value out;
  std::string last;
  for (auto it = map.upper_bound(page.query.text("cursor")); it != map.end(); ++it) {
    if (items.size() == page.limit) {
      out["next"] = last;
      break;
    }
    items.push_back(encode(it->second));
    last = it->first;
  }
  out["items"] = std::move(items);
  return out;
}

// Answers a change with what `format` makes of it, or with a refusal.
template <typename T, typename Format>
Callback<Result<T>> answer_with(const Request& request, Responder responder, Format format) {
  return [id = request.id, responder = std::move(responder),
          format = std::move(format)](const Result<T>& outcome) mutable {
    responder.reply(outcome ? format(*outcome) : refusal(outcome.error(), id));
  };
}

}  // namespace mx2
