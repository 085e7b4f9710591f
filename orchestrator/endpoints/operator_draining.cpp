// /operator/v1/hosts/{id}/contexts and …/pins: what keeps a host from becoming empty.
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"
#include "orchestrator/operator/draining.h"

namespace mx2 {
namespace {

PlannerState planner_of(const OperatorApi& api) {
  if (!api.leader.state(std::chrono::steady_clock::now())) return PlannerState::kNone;
  return api.leader.paused() ? PlannerState::kPaused : PlannerState::kLeads;
}

Result<void> check_host_is_there(const OperatorApi& api, const std::string& id) {
  return api.core.model.read([&](const Model& model) -> Result<void> {
    if (model.host(id) == nullptr) return model.no_host(id);
    return {};
  });
}

json::Value staying_json(const Staying& staying) {
  auto out = codec::to_json(staying.context);
  out.erase("appLocation");
  out["reason"] = staying.reason;
  out["detail"] = staying.detail;
  return out;
}

// The change is a line of a PATCH.
json::Value pin_json(const Pin& pin) {
  json::Value out{{"row", codec::to_json(pin.row)}, {"why", pin.why}};
  if (pin.change) out["change"] = codec::change_line(*pin.change);
  return out;
}

template <typename T>
json::Value page_json(const Page<T>& page, json::Value (*encode)(const T&)) {
  auto items = json::Value::array();
  for (const auto& item : page.items) items.push_back(encode(item));
  json::Value out{{"items", std::move(items)}};
  if (!page.next.empty()) out["next"] = page.next;
  return out;
}

Result<json::Value> host_contexts_get(OperatorApi& api, const Request& request,
                                      const PathValues& path) {
  const auto page = page_query(api, request, {});
  if (!page) return page.error();
  if (auto there = check_host_is_there(api, path[0]); !there) return there.error();
  const auto contexts =
      staying(api.core, path[0], planner_of(api), page->query.text("cursor"), page->limit);
  if (!contexts) return contexts.error();
  return page_json<Staying>(*contexts, staying_json);
}

Result<json::Value> pins_page(OperatorApi& api, const Request& request, const std::string& host) {
  const auto page = page_query(api, request, {});
  if (!page) return page.error();
  if (auto there = check_host_is_there(api, host); !there) return there.error();
  const auto pins =
      pins_of(api.core, host, planner_of(api), page->query.text("cursor"), page->limit);
  if (!pins) return pins.error();
  return page_json<Pin>(*pins, pin_json);
}

// Its ETag is the table version, for the If-Match of a PATCH with the changes; taken before the
// rows are read.
void pins_get(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto version =
      api.core.model.read([](const Model& model) { return model.table_version(); });
  const auto page = pins_page(api, request, path[0]);
  if (!page) return responder.reply(refusal(page.error(), request.id));
  auto reply = http::json_reply(200, json::dump(*page));
  reply.headers.emplace_back("ETag", etag(version));
  responder.reply(std::move(reply));
}

}  // namespace

void add_draining_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const auto host = std::string(kOperatorRoot) + "/hosts/{id}";
  router.add("GET", host + "/contexts", reading(api, host_contexts_get));
  router.add("GET", host + "/pins", answering(api, pins_get));
}

}  // namespace mx2
