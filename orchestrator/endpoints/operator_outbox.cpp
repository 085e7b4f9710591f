// /operator/v1/outbox: notifications that are owed.
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {
namespace {

Result<json::Value> outbox_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {"state"});
  if (!page) return page.error();
  const auto state = page->query.text("state");
  if (!state.empty() && state != "pending" && state != "dead") {
    return invalid_argument("query parameter 'state' must be pending or dead");
  }
  const auto outbox =
      api.core.store.outbox(state == "dead", page->query.text("cursor"), page->limit);
  if (!outbox) return outbox.error();
  auto document = codec::to_json(*outbox);
  if (const auto& relay_status = api.relay_status) {
    const auto relay = relay_status();
    document["inFlight"] = relay.in_flight;
    document["failingDestinations"] = relay.failing_destinations;
  }
  return document;
}

void outbox_retry(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto query = http::SingleValued::parse(request.query, {"contextId"});
  if (!query) return responder.reply(refusal(query.error(), request.id));
  retry_notifications(
      api.core, query->text("contextId"),
      answer_with<std::size_t>(request, std::move(responder), [](const std::size_t& revived) {
        return http::json_reply(200, json::dump({{"revived", revived}}));
      }));
}

}  // namespace

void add_outbox_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/outbox", reading(api, outbox_get));
  router.add("POST", root + "/outbox/retry", answering(api, outbox_retry));
}

}  // namespace mx2
