#include "orchestrator/endpoints/operator_support.h"

#include "api/base/text.h"
#include "api/http/bearer.h"

namespace mx2 {
namespace {

constexpr std::size_t kAuthorMax = 64;

http::Endpoint guarded(const OperatorApiPtr& api, http::Endpoint endpoint) {
  return [api, endpoint = std::move(endpoint)](Request& q, const PathValues& v, Responder r) {
    if (http::bears(q, api->now()->token)) return endpoint(q, v, std::move(r));
    r.reply(refusal(refused_as(ErrorCode::kUnauthorized, "the operator's bearer token is needed"),
                    q.id));
  };
}

}  // namespace

http::Endpoint reading(const OperatorApiPtr& api, Read read) {
  return guarded(api, [api, read](Request& q, const PathValues& v, Responder r) {
    const auto value = read(*api, q, v);
    r.reply(value ? document_reply(200, json::dump(*value)) : refusal(value.error(), q.id));
  });
}

http::Endpoint answering(const OperatorApiPtr& api, Answer answer) {
  return guarded(api, [api, answer](Request& q, const PathValues& v, Responder r) {
    answer(*api, q, v, std::move(r));
  });
}

http::Endpoint changing(const OperatorApiPtr& api, Answer change) {
  return guarded(api, [api, change](Request& q, const PathValues& v, Responder r) {
    const auto query = http::SingleValued::parse(q.query, {});
    if (!query) return r.reply(refusal(query.error(), q.id));
    change(*api, q, v, std::move(r));
  });
}

Result<json::Value> json_body(const Request& request) { return decode_body(request, json::parse); }

http::Reply document_reply(int status, const std::string& document) {
  auto reply = http::json_reply(status, document);
  reply.headers.emplace_back("ETag", etag_of(document));
  return reply;
}

http::Reply changed_reply(const Changed& changed) {
  auto reply = http::json_reply(changed.created ? 201 : 200, changed.document);
  reply.headers.emplace_back("ETag", changed.etag);
  return reply;
}

http::Reply removed_reply(const Changed& /*changed*/) { return http::no_content(); }

void hear_of_store(OperatorApi& api, const Request& request, const std::string& peer) {
  api.store_peers.hear(peer, request.header(kStoreHeader));
}

http::Reply telling_store(const OperatorApi& api, http::Reply reply) {
  reply.headers.emplace_back(kStoreHeader, to_text(api.store_peers.own()));
  return reply;
}

Precondition guard_of(const Request& request) {
  Precondition guard;
  if (const auto match = request.header("If-Match")) guard.if_match = trim(*match);
  const auto none = request.header("If-None-Match");
  guard.must_be_absent = none && trim(*none) == "*";
  return guard;
}

std::string author_of(const Request& request, const std::string& role) {
  const auto claimed = request.header("Mx2-Operator");
  const std::string name(claimed ? trim(*claimed).substr(0, kAuthorMax) : std::string_view());
  const auto author = role + (name.empty() || !json::is_single_line(name) ? "" : " " + name);
  return request.peer_address.empty() ? author : author + " from " + request.peer_address;
}

Result<PageQuery> page_query(const OperatorApi& api, const Request& request,
                             std::vector<std::string> known) {
  known.insert(known.end(), {"cursor", "limit"});
  auto query = http::SingleValued::parse(request.query, std::move(known));
  if (!query) return query.error();
  const auto limit = query->number("limit", kPageDefault, 1, api.now()->page_max);
  if (!limit) return limit.error();
  return PageQuery{std::move(*query), *limit};
}

void add_operator_endpoints(http::Router& router, const OperatorServices& services,
                            const Live<OperatorEndpointOptions>& options) {
  const auto api = std::make_shared<OperatorApi>(OperatorApi{services, options});
  add_catalogue_endpoints(router, api);
  add_draining_endpoints(router, api);
  add_table_endpoints(router, api);
  add_plan_endpoints(router, api);
  add_change_endpoints(router, api);
  add_lifecycle_endpoints(router, api);
  add_package_endpoints(router, api);
  add_outbox_endpoints(router, api);
  add_backup_endpoints(router, api);
  add_status_endpoints(router, api);
}

}  // namespace mx2
