// /operator/v1/snapshot and /operator/v1/changes, for replicas; /operator/v1/optimizer, for whoever
// keeps one.
#include <limits>
#include <utility>

#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {
namespace {

constexpr std::uint64_t kWaitMsMax = 60'000;
constexpr std::int64_t kLeaseMsMin = 100;
constexpr std::int64_t kLeaseMsMax = 600'000;

// The resource as its own list has it, and what has happened to it.
struct ChangeJson {
  std::int64_t now_ms;  // of the steady clock

  json::Value operator()(const ContextChanged& c) const {
    return of_kind("context", codec::to_json(c.place));
  }
  json::Value operator()(const ContextEnded& c) const {
    return {{"kind", "contextEnded"}, {"contextId", c.context_id}};
  }
  json::Value operator()(const TableChange& c) const {
    if (c.remove) {
      return {{"kind", "rowRemoved"}, {"app", c.row.app_d_id}, {"ue", c.row.ue.text()}};
    }
    return of_kind("row", codec::to_json(c.row));
  }
  json::Value operator()(const HostChanged& c) const {
    return of_kind("host", codec::to_json_with_status(*c.host, now_ms));
  }
  json::Value operator()(const HostRemoved& c) const {
    return {{"kind", "hostRemoved"}, {"id", c.id}};
  }
  json::Value operator()(const HostReported& c) const {
    return {{"kind", "hostLoad"}, {"id", c.id}, {"load", codec::to_json(*c.load, now_ms)}};
  }
  json::Value operator()(const AppChanged& c) const {
    return of_kind("app", codec::to_json(*c.app));
  }
  json::Value operator()(const AppRemoved& c) const {
    return {{"kind", "appRemoved"}, {"appDId", c.app_d_id}};
  }

  static json::Value of_kind(const char* kind, json::Value resource) {
    resource["kind"] = kind;
    return resource;
  }
};

// To be asked before the lists: what changes while they are read comes in the feed as well. The
// version first: whoever has followed up to the position knows what it is the version of.
Result<json::Value> snapshot_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto query = http::SingleValued::parse(request.query, {});
  if (!query) return query.error();
  const auto version =
      api.core.model.read([](const Model& model) { return model.table_version(); });
  const auto position = api.core.changes.follow();
  const auto& strategy = api.contexts.strategy;
  return json::Value{
      {"position", position},
      {"tableVersion", version},
      {"strategy",
       {{"standard", to_text(strategy.standard)}, {"dispatcher", strategy.dispatcher}}}};
}

std::string news_text(const ChangeFeed::News& news, std::int64_t now_ms) {
  std::string text = "{\"position\":" + std::to_string(news.position) + ",\"changes\":[";
  bool first = true;
  for (const auto& change : news.changes) {
    if (!std::exchange(first, false)) text += ',';
    text += json::dump(std::visit(ChangeJson{now_ms}, change));
  }
  return text + "]}";
}

void changes_get(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto query = http::SingleValued::parse(request.query, {"since", "wait_ms"});
  if (!query) return responder.reply(refusal(query.error(), request.id));
  if (query->text("since").empty()) {
    const auto error = invalid_argument("query parameter 'since' is needed: a position");
    return responder.reply(refusal(error, request.id));
  }
  const auto since = query->number("since", 0, 0, std::numeric_limits<std::uint64_t>::max());
  if (!since) return responder.reply(refusal(since.error(), request.id));
  const auto wait_ms = query->number("wait_ms", 0, 0, kWaitMsMax);
  if (!wait_ms) return responder.reply(refusal(wait_ms.error(), request.id));
  api.core.changes.poll(
      *since, std::chrono::milliseconds(*wait_ms),
      answer_with<ChangeFeed::News>(request, std::move(responder), [](const auto& news) {
        return http::json_reply(200, news_text(news, to_ms(HostWatch::now())));
      }));
}

json::Value lease_json(const OptimizerLease::State& state, bool paused) {
  return {{"holder", state.holder},
          {"url", state.url},
          {"remainingMs", state.remaining_ms},
          {"paused", paused}};
}

struct LeaseRequest {
  std::string holder;
  std::string url;
  std::int64_t lease_ms = 0;
};

Result<LeaseRequest> decode_lease(const Request& request) {
  return read_body<LeaseRequest>(request, [](json::ObjectReader& reader, LeaseRequest& asked) {
    reader.required_line("holder", asked.holder, {1, 64});
    reader.optional("url", asked.url, {0, 2048});
    reader.required("leaseMs", asked.lease_ms, kLeaseMsMin, kLeaseMsMax);
    reader.refuse_unknown({"holder", "url", "leaseMs"});
  });
}

void lease_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto asked = decode_lease(request);
  if (!asked) return responder.reply(refusal(asked.error(), request.id));
  const auto state =
      api.leader.request(asked->holder, asked->url, std::chrono::milliseconds(asked->lease_ms),
                         std::chrono::steady_clock::now());
  auto document = lease_json(state, api.leader.paused());
  document["granted"] = state.holder == asked->holder;
  hear_of_store(api, request, "optimizer " + asked->holder);
  responder.reply(telling_store(api, http::json_reply(200, json::dump(document))));
}

void lease_delete(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto query = http::SingleValued::parse(request.query, {"holder"});
  if (!query) return responder.reply(refusal(query.error(), request.id));
  const auto holder = query->text("holder");
  if (api.leader.release(holder, std::chrono::steady_clock::now())) {
    return responder.reply(http::no_content());
  }
  responder.reply(refusal(not_found("no lease of '" + holder + "'"), request.id));
}

Result<json::Value> optimizer_get(OperatorApi& api, const Request&, const PathValues&) {
  const auto state = api.leader.state(std::chrono::steady_clock::now());
  if (!state) return not_found("no Optimizer leads now");
  return lease_json(*state, api.leader.paused());
}

Result<bool> decode_paused(const Request& request) {
  return read_body<bool>(request, [](json::ObjectReader& reader, bool& paused) {
    reader.required("paused", paused);
    reader.refuse_unknown({"paused"});
  });
}

void optimizer_put(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto paused = decode_paused(request);
  if (!paused) return responder.reply(refusal(paused.error(), request.id));
  pause_optimizer(api.core.store, api.leader, *paused,
                  no_content_to(request, std::move(responder)));
}

}  // namespace

void add_change_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("GET", root + "/snapshot", reading(api, snapshot_get));
  router.add("GET", root + "/changes", answering(api, changes_get));
  router.add("GET", root + "/optimizer", reading(api, optimizer_get));
  router.add("PUT", root + "/optimizer", changing(api, optimizer_put));
  router.add("POST", root + "/optimizer/lease", changing(api, lease_post));
  router.add("DELETE", root + "/optimizer/lease", answering(api, lease_delete));
}

}  // namespace mx2
