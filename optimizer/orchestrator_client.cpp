#include "optimizer/orchestrator_client.h"

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::optimizer {
namespace {

constexpr const char* kRoot = "/operator/v1";
constexpr int kOk = 200;
constexpr int kNoContent = 204;
constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;
constexpr int kGone = 410;

Error refused(const std::string& path, const http::Reply& reply) {
  std::string detail;
  const auto document = json::parse(reply.body);
  if (document.ok() && document->is_object()) {
    const auto it = document->find("detail");
    if (it != document->end() && it->is_string()) detail = ": " + it->get<std::string>();
  }
  return {http::code_of(reply.status),
          "the orchestrator answered " + path + " with " + std::to_string(reply.status) + detail,
          {},
          {},
          {},
          0};
}

Error strange(const std::string& path) {
  return {ErrorCode::kInternal,
          "the orchestrator's answer to " + path + " is not as expected",
          {},
          {},
          {},
          0};
}

Result<json::Value> document_of(const std::string& path, const Result<http::Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->status != kOk) return refused(path, *reply);
  auto document = json::parse(reply->body);
  if (!document || !document->is_object()) return strange(path);
  return document;
}

std::optional<std::uint64_t> number(const json::Value& document, const char* member) {
  const auto it = document.find(member);
  if (it == document.end() || !it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

std::string text(const json::Value& document, const char* member) {
  if (!document.is_object()) return {};
  const auto it = document.find(member);
  return it != document.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool unknown_path(const Result<http::Reply>& reply) {
  return reply.ok() && (reply->status == kNotFound || reply->status == kMethodNotAllowed);
}

}  // namespace

Result<http::Reply> OrchestratorClient::ask(const std::string& method, const std::string& path,
                                            const http::Headers& headers, const std::string& body) {
  return http_.send(method, access_.url + kRoot + path, headers, body);
}

void OrchestratorClient::configure(OrchestratorAccess access) {
  access.url = access_.url;
  access_ = std::move(access);
}

Result<OrchestratorClient::Mark> OrchestratorClient::mark() {
  const auto reply = ask("GET", "/snapshot", {}, "");
  if (unknown_path(reply)) return mark_of_table();
  const auto document = document_of("/snapshot", reply);
  if (!document) return document.error();
  const auto position = number(*document, "position");
  const auto version = number(*document, "tableVersion");
  if (!position || !version) return strange("/snapshot");
  Mark mark{*position, *version, true, Strategy::kNotification, {}};
  const auto strategy = document->find("strategy");
  if (strategy == document->end()) return mark;
  mark.standard = parse_strategy(text(*strategy, "standard")).value_or(mark.standard);
  mark.dispatcher = text(*strategy, "dispatcher");
  return mark;
}

// An orchestrator without the feed: its table's version guards the plan all the same.
Result<OrchestratorClient::Mark> OrchestratorClient::mark_of_table() {
  const auto reply = ask("GET", "/health", {}, "");
  const auto document = document_of("/health", reply);
  if (!document) return document.error();
  const auto version = number(*document, "tableVersion");
  if (!version) return strange("/health");
  return Mark{0, *version, false, Strategy::kNotification, {}};
}

Result<void> OrchestratorClient::each(const std::string& list,
                                      const std::function<Result<void>(const json::Value&)>& use) {
  std::string cursor;
  do {
    auto path = "/" + list + "?limit=" + std::to_string(access_.page_items);
    if (!cursor.empty()) path += "&cursor=" + percent_encode(cursor);
    const auto document = document_of(path, ask("GET", path, {}, ""));
    if (!document) return document.error();
    const auto items = document->find("items");
    if (items == document->end() || !items->is_array()) return strange(path);
    for (const auto& item : *items) {
      if (auto used = use(item); !used) return used.error();
    }
    const auto next = document->find("next");
    cursor = next != document->end() && next->is_string() ? next->get<std::string>() : "";
  } while (!cursor.empty());
  return {};
}

Result<OrchestratorClient::Changes> OrchestratorClient::changes(std::uint64_t since, int wait_ms) {
  const auto path =
      "/changes?since=" + std::to_string(since) + "&wait_ms=" + std::to_string(wait_ms);
  const auto reply = ask("GET", path, {}, "");
  if (reply.ok() && reply->status == kGone) return Changes{0, {}, true};
  auto document = document_of(path, reply);
  if (!document) return document.error();
  const auto position = number(*document, "position");
  const auto list = document->find("changes");
  if (!position || list == document->end() || !list->is_array()) return strange(path);
  return Changes{*position, list->get<std::vector<json::Value>>(), false};
}

Result<std::uint64_t> OrchestratorClient::send_plan(const std::string& ndjson,
                                                    std::uint64_t version,
                                                    const std::string& holder) {
  const http::Headers headers = {{"Content-Type", "application/x-ndjson"},
                                 {"Mx2-Optimizer", holder},
                                 {"If-Match", "\"" + std::to_string(version) + "\""}};
  auto reply = ask("POST", "/plans", headers, ndjson);
  if (unknown_path(reply)) reply = ask("PATCH", "/table", headers, ndjson);
  const auto document = document_of("/plans", reply);
  if (!document) return document.error();
  return number(*document, "tableVersion").value_or(version);
}

Result<OrchestratorClient::Lease> OrchestratorClient::lease(const std::string& holder,
                                                            const std::string& url, int lease_ms) {
  const json::Value body{{"holder", holder}, {"url", url}, {"leaseMs", lease_ms}};
  const auto reply =
      ask("POST", "/optimizer/lease", {{"Content-Type", "application/json"}}, json::dump(body));
  if (unknown_path(reply)) return Lease{true, false, holder, url, lease_ms, false};
  const auto document = document_of("/optimizer/lease", reply);
  if (!document) return document.error();
  const auto granted = document->find("granted");
  if (granted == document->end() || !granted->is_boolean()) return strange("/optimizer/lease");
  const auto paused = document->find("paused");
  return Lease{granted->get<bool>(),
               true,
               text(*document, "holder"),
               text(*document, "url"),
               static_cast<std::int64_t>(number(*document, "remainingMs").value_or(0)),
               paused != document->end() && *paused == true};
}

Result<void> OrchestratorClient::set_paused(bool paused) {
  const auto reply = ask("PUT", "/optimizer", {{"Content-Type", "application/json"}},
                         json::dump({{"paused", paused}}));
  if (!reply) return reply.error();
  if (reply->status != kNoContent && !unknown_path(reply)) return refused("/optimizer", *reply);
  return {};
}

Result<void> OrchestratorClient::release(const std::string& holder) {
  const auto reply = ask("DELETE", "/optimizer/lease?holder=" + percent_encode(holder), {}, "");
  if (!reply) return reply.error();
  return {};
}

}  // namespace mx2::optimizer
