// /operator/v1/plans, and the history of the table.
#include <limits>

#include "api/base/text.h"
#include "api/operator/codec.h"
#include "orchestrator/endpoints/operator_support.h"

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

Result<RewriteOrder> plan_of(const OperatorApi& api, const Request& request) {
  const auto query = http::SingleValued::parse(request.query, {"dry_run"});
  if (!query) return query.error();
  const auto dry_run = query->text("dry_run");
  if (!dry_run.empty() && dry_run != "true" && dry_run != "false") {
    return invalid_argument("query parameter 'dry_run' must be true or false");
  }
  const auto version = version_of(request);
  if (!version) return version.error();
  auto changes = codec::decode_table_patch(request.body, api.options.plan_rows_max);
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
  return RewriteOrder{
      TableVersion::Kind::kPlan, std::move(*changes), *version, {}, dry_run == "true"};
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

void rollback_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto version = rollback_version(request);
  if (!version) return responder.reply(refusal(version.error(), request.id));
  api.rewriter.roll_back(*version,
                         answer_with<Rewritten>(request, std::move(responder), rewritten_reply));
}

}  // namespace

void add_plan_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string root = kOperatorRoot;
  router.add("POST", root + "/plans", answering(api, plan_post));
  router.add("GET", root + "/table/history", reading(api, history_get));
  router.add("POST", root + "/table/rollback", changing(api, rollback_post));
}

}  // namespace mx2
