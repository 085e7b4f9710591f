#include "optimizer/orchestrator_client.h"

#include "api/base/text.h"

namespace mx2::optimizer {
namespace {

constexpr int kNoContent = 204;
const http::Headers kJson = {{"Content-Type", "application/json"}};

}  // namespace

Result<std::uint64_t> OrchestratorClient::send_plan(const std::string& ndjson,
                                                    std::uint64_t version,
                                                    const std::string& holder) {
  const http::Headers headers = {{"Content-Type", "application/x-ndjson"},
                                 {"Mx2-Optimizer", holder},
                                 {"If-Match", "\"" + std::to_string(version) + "\""}};
  const auto document =
      OperatorCalls::document_of("/plans", calls_.ask("POST", "/plans", headers, ndjson));
  if (!document) return document.error();
  return number_of(*document, "tableVersion").value_or(version);
}

Result<OrchestratorClient::Lease> OrchestratorClient::lease(const std::string& holder,
                                                            const std::string& url, int lease_ms) {
  const json::Value body{{"holder", holder}, {"url", url}, {"leaseMs", lease_ms}};
  auto headers = kJson;
  if (known_) headers.emplace_back(kStoreHeader, to_text(*known_));
  const auto reply = calls_.ask("POST", "/optimizer/lease", headers, json::dump(body));
  learn_store(reply);
  const auto document = OperatorCalls::document_of("/optimizer/lease", reply);
  if (!document) return document.error();
  const auto granted = document->find("granted");
  if (granted == document->end() || !granted->is_boolean())
    return OperatorCalls::strange("/optimizer/lease");
  const auto paused = document->find("paused");
  return Lease{granted->get<bool>(), json::text_of(*document, "holder"),
               json::text_of(*document, "url"),
               static_cast<std::int64_t>(number_of(*document, "remainingMs").value_or(0)),
               paused != document->end() && *paused == true};
}

void OrchestratorClient::learn_store(const Result<http::Reply>& reply) {
  if (!reply) return;
  for (const auto& [name, value] : reply->headers) {
    if (!equals_ignoring_case(name, kStoreHeader)) continue;
    if (const auto heard = parse_store_epoch(value)) {
      known_ = newer_of(known_.value_or(StoreEpoch()), *heard);
    }
  }
}

Result<void> OrchestratorClient::set_paused(bool paused) {
  const auto reply = calls_.ask("PUT", "/optimizer", kJson, json::dump({{"paused", paused}}));
  if (!reply) return reply.error();
  if (reply->status != kNoContent) return OperatorCalls::refused("/optimizer", *reply);
  return {};
}

Result<void> OrchestratorClient::release(const std::string& holder) {
  const auto reply = calls_.ask("DELETE", "/optimizer/lease?holder=" + percent_encode(holder));
  if (!reply) return reply.error();
  return {};
}

}  // namespace mx2::optimizer
