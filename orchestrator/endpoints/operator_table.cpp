// /operator/v1/table and /operator/v1/explain.
#include "api/operator/codec.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {
namespace {

Result<json::Value> table_page(OperatorApi& api, const Request& request) {
  const auto page = page_query(api, request, {"app", "ue"});
  if (!page) return page.error();
  auto ue = page->query.text("ue");
  if (!ue.empty()) {
    const auto selector = UeSelector::parse(ue);
    if (!selector) return selector.error();
    ue = selector->text();
  }
  const auto rows =
      api.core.store.rows(page->query.text("app"), ue, page->query.text("cursor"), page->limit);
  if (!rows) return rows.error();
  return codec::to_json(*rows);
}

// Its ETag is the table version, for the If-Match of a PATCH. Taken before the rows are read: a
// change in between makes the PATCH fail, never the other way round.
void table_get(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto version =
      api.core.model.read([](const Model& model) { return model.table_version(); });
  const auto page = table_page(api, request);
  if (!page) return responder.reply(refusal(page.error(), request.id));
  auto reply = http::json_reply(200, json::dump(*page));
  reply.headers.emplace_back("ETag", etag(version));
  responder.reply(std::move(reply));
}

http::Reply patched_reply(const Patched& patched) {
  auto reply = http::json_reply(
      200, json::dump({{"tableVersion", patched.table_version}, {"rows", patched.rows}}));
  reply.headers.emplace_back("ETag", etag(patched.table_version));
  return reply;
}

void table_patch(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  auto changes = codec::decode_table_patch(request.body, api.now()->patch_rows_max);
  if (changes.ok() && changes->empty()) changes = invalid_argument("the patch has no rows");
  if (!changes) return responder.reply(refusal(changes.error(), request.id));
  api.rewriter.patch(std::move(*changes), guard_of(request),
                     answer_with<Patched>(request, std::move(responder), patched_reply),
                     author_of(request, "operator"));
}

// ue: "dev:<id>" or the bare id, or "ip:<address>"; ip: the address a device asks from.
Result<PlacementQuery> explain_query(const Request& request) {
  auto query = http::SingleValued::parse(request.query, {"ue", "ip", "app"});
  if (!query) return query.error();
  PlacementQuery asked{query->text("app"), query->text("ue"), std::nullopt, nullptr};
  auto ip = query->text("ip");
  auto& ue = asked.dev_app_id;
  if (ue.rfind("dev:", 0) == 0) ue.erase(0, 4);
  if (ue.rfind("ip:", 0) == 0) ip = std::exchange(ue, "").substr(3);
  if (asked.app_d_id.empty()) return invalid_argument("query parameter 'app' is needed");
  if (ip.empty()) return asked;
  asked.ip = IpAddress::parse(ip);
  if (!asked.ip) return invalid_argument("'" + ip + "' is no IP address");
  return asked;
}

Result<json::Value> explain_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto asked = explain_query(request);
  if (!asked) return asked.error();
  return api.core.model.read([&](const Model& model) -> Result<json::Value> {
    if (model.app(asked->app_d_id) == nullptr) return not_found("no app '" + asked->app_d_id + "'");
    return codec::to_json(explain(model, *asked));
  });
}

}  // namespace

void add_table_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/table", answering(api, table_get));
  router.add("PATCH", root + "/table", changing(api, table_patch));
  router.add("GET", root + "/explain", reading(api, explain_get));
}

}  // namespace mx2
