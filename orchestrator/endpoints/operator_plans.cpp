// /operator/v1/plans, and the history of the table.
#include <algorithm>
#include <limits>
#include <utility>

#include "api/base/text.h"
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"
#include "orchestrator/operator/forecast.h"

namespace mx2 {
namespace {

// The table version that a plan was made on.
Result<std::uint64_t> version_of(const Request& request) {
  const auto match = request.header("If-Match");
  if (!match) return invalid_argument("a plan needs If-Match with the table version it is made on");
  const auto version = revision_of(trim(*match));
  if (!version) return invalid_argument("If-Match must be a table version in quotes");
  return *version;
}

// The only query parameter there may be.
Result<bool> is_dry_run(const Request& request) {
  const auto query = http::SingleValued::parse(request.query, {"dry_run"});
  if (!query) return query.error();
  const auto dry_run = query->text("dry_run");
  if (dry_run.empty() || dry_run == "true" || dry_run == "false") return dry_run == "true";
  return invalid_argument("query parameter 'dry_run' must be true or false");
}

Result<RewriteOrder> plan_of(const OperatorApi& api, const Request& request) {
  const auto dry_run = is_dry_run(request);
  if (!dry_run) return dry_run.error();
  const auto version = version_of(request);
  if (!version) return version.error();
  auto changes = codec::decode_table_patch(request.body, api.now()->plan_rows_max);
  if (!changes) return changes.error();
  if (changes->empty()) return invalid_argument("the plan has no rows");
  for (auto& change : *changes) change.row.writer = Writer::kOptimizer;
  // Told by row, before anything is done; what goes while it is carried out is counted.
  const auto known = api.core.model.read([&](const Model& model) -> Result<void> {
    for (const auto& change : *changes) {
      if (auto ok = model.check(change); !ok) return ok;
    }
    return {};
  });
  if (!known) return known.error();
  return RewriteOrder{TableVersion::Kind::kPlan, std::move(*changes), *version, {}, *dry_run};
}

json::Value rewritten_json(const Rewritten& rewritten) {
  return {{"tableVersion", rewritten.table_version},
          {"rows", rewritten.rows},
          {"skipped",
           {{"pinned", rewritten.pinned},
            {"unknown", rewritten.unknown},
            {"superseded", rewritten.superseded}}}};
}

http::Reply rewritten_reply(const Rewritten& rewritten) {
  auto reply = http::json_reply(200, json::dump(rewritten_json(rewritten)));
  reply.headers.emplace_back("ETag", etag(rewritten.table_version));
  return reply;
}

http::Reply tried_reply(const Rewritten& rewritten) {
  auto document = rewritten_json(rewritten);
  document["dryRun"] = true;
  return http::json_reply(200, json::dump(document));
}

void plan_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const std::string holder(request.header("Mx2-Optimizer").value_or(""));
  if (!api.leader.may_send(holder, std::chrono::steady_clock::now())) {
    const auto error = conflict("another Optimizer leads: see GET /operator/v1/optimizer");
    return responder.reply(refusal(error, request.id));
  }
  auto order = plan_of(api, request);
  if (!order) return responder.reply(refusal(order.error(), request.id));
  order->summary = holder.substr(0, 64);
  order->by = author_of(request, "optimizer");
  const auto format = order->dry_run ? tried_reply : rewritten_reply;
  api.rewriter.submit(std::move(*order),
                      answer_with<Rewritten>(request, std::move(responder), format));
}

Result<json::Value> history_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {});
  if (!page) return page.error();
  const auto versions = api.core.store.table_versions(page->query.text("cursor"), page->limit);
  if (!versions) return versions.error();
  return codec::to_json(*versions);
}

Result<std::uint64_t> rollback_version(const Request& request) {
  return read_body<std::uint64_t>(request, [](json::ObjectReader& reader, auto& version) {
    reader.required("version", version, 0, std::numeric_limits<std::int64_t>::max());
    reader.refuse_unknown({"version"});
  });
}

// What it would be to the contexts that exist; nothing for a version that is refused later.
Result<Forecast> forecast_of(OperatorApi& api, std::uint64_t version) {
  const auto now = api.core.model.read([](const Model& model) { return model.table_version(); });
  if (version >= now) return Forecast{};
  const auto changes = api.core.store.changes_back_to(version);
  if (!changes) return changes.error();
  return forecast(api.core, *changes);
}

void try_rollback(OperatorApi& api, const Request& request, std::uint64_t version,
                  Responder responder) {
  const auto contexts = forecast_of(api, version);
  if (!contexts) return responder.reply(refusal(contexts.error(), request.id));
  const auto format = [contexts = *contexts](const Rewritten& rewritten) {
    auto document = rewritten_json(rewritten);
    document["dryRun"] = true;
    document["contexts"] = {
        {"moved", contexts.moved}, {"lookedAt", contexts.looked_at}, {"all", contexts.all}};
    return http::json_reply(200, json::dump(document));
  };
  api.rewriter.roll_back(version, answer_with<Rewritten>(request, std::move(responder), format), {},
                         true);
}

void rollback_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto dry_run = is_dry_run(request);
  if (!dry_run) return responder.reply(refusal(dry_run.error(), request.id));
  const auto version = rollback_version(request);
  if (!version) return responder.reply(refusal(version.error(), request.id));
  if (*dry_run) return try_rollback(api, request, *version, std::move(responder));
  api.rewriter.roll_back(*version,
                         answer_with<Rewritten>(request, std::move(responder), rewritten_reply),
                         author_of(request, "operator"));
}

// `to` may be left out: as it is now.
Result<json::Value> diff_get(OperatorApi& api, const Request& request, const PathValues&) {
  const auto page = page_query(api, request, {"from", "to"});
  if (!page) return page.error();
  const auto now = api.core.model.read([](const Model& model) { return model.table_version(); });
  if (page->query.text("from").empty()) return invalid_argument("query parameter 'from' is needed");
  const auto from = page->query.number("from", 0, 0, now);
  if (!from) return from.error();
  const auto to = page->query.number("to", now, 0, now);
  if (!to) return to.error();
  auto differences = api.core.store.table_differences(std::min(*from, *to), std::max(*from, *to),
                                                      page->query.text("cursor"), page->limit);
  if (!differences) return differences.error();
  if (*from > *to) {
    for (auto& row : differences->items) std::swap(row.before, row.after);
  }
  auto document = codec::to_json(*differences);
  document["from"] = *from;
  document["to"] = *to;
  return document;
}

}  // namespace

void add_plan_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("POST", root + "/plans", answering(api, plan_post));
  router.add("GET", root + "/table/history", reading(api, history_get));
  router.add("GET", root + "/table/diff", reading(api, diff_get));
  router.add("POST", root + "/table/rollback", answering(api, rollback_post));
}

}  // namespace mx2
