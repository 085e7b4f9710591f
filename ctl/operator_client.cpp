#include "ctl/operator_client.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::ctl {
namespace {

constexpr std::size_t kPageItems = 1000;
constexpr const char* kOperatorApi = "/operator/v1";

Error strange_answer(const std::string& url, int status) {
  return refused_as(ErrorCode::kInternal, "is " + url +
                                              " an operator API? It answered with status " +
                                              std::to_string(status) + " and no document of ours");
}

Error refusal(const http::Reply& reply, const std::string& url) {
  auto detail = json::problem_detail(reply.body);
  if (detail.empty()) return strange_answer(url, reply.status);
  return refused_as(http::code_of(reply.status), std::move(detail));
}

std::string with_query(std::string path, const Query& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    path += separator + name + '=' + percent_encode(value);
    separator = '&';
  }
  return path;
}

}  // namespace

OperatorClient::OperatorClient(http::Client& http, const std::string& url) : http_(http) {
  root_ = url.substr(0, url.find_last_not_of('/') + 1) + kOperatorApi;
}

OperatorClient OperatorClient::api(const std::string& root) const {
  OperatorClient other(*this);
  other.root_ = root_.substr(0, root_.rfind(kOperatorApi)) + root;
  return other;
}

OperatorClient OperatorClient::peer(const std::string& url) const {
  OperatorClient other(http_, url);
  other.root_ = url.substr(0, url.find_last_not_of('/') + 1);
  return other;
}

Result<http::Reply> OperatorClient::exchange(const std::string& method, const std::string& path,
                                             const std::string& body,
                                             const std::string& content_type,
                                             const std::string& if_match) {
  http::Headers headers{{"Accept", "application/json"}};
  if (!name_.empty()) headers.emplace_back("Mx2-Operator", name_);
  if (!if_match.empty()) headers.emplace_back("If-Match", if_match);
  if (!content_type.empty()) headers.emplace_back("Content-Type", content_type);
  auto reply = http_.send(method, root_ + path, headers, body);
  if (reply.ok() && (reply->status < 200 || reply->status > 299)) {
    return refusal(*reply, root_);
  }
  return reply;
}

Result<json::Value> OperatorClient::document_of(const Result<http::Reply>& reply) const {
  if (!reply) return reply.error();
  auto value = json::parse(reply->body);
  if (!value || !value->is_object()) return strange_answer(root_, reply->status);
  return value;
}

Result<json::Value> OperatorClient::get(const std::string& path, const Query& query) {
  return document_of(exchange("GET", with_query(path, query)));
}

Result<std::string> OperatorClient::get_text(const std::string& path) {
  auto reply = exchange("GET", path);
  if (!reply) return reply.error();
  return std::move(reply->body);
}

Result<http::Reply> OperatorClient::put(const std::string& path, const json::Value& document) {
  return exchange("PUT", path, json::dump(document), "application/json");
}

Result<http::Reply> OperatorClient::post(const std::string& path, const Query& query) {
  return exchange("POST", with_query(path, query));
}

Result<json::Value> OperatorClient::post_for(const std::string& path, const json::Value& document) {
  if (document.is_null()) return document_of(exchange("POST", path));
  return document_of(exchange("POST", path, json::dump(document), "application/json"));
}

Result<http::Reply> OperatorClient::remove(const std::string& path) {
  return exchange("DELETE", path);
}

Result<http::Reply> OperatorClient::patch_table(const std::string& ndjson,
                                                const std::string& if_match) {
  return exchange("PATCH", "/table", ndjson, "application/x-ndjson", if_match);
}

Result<void> OperatorClient::list(const std::string& path, Query query, std::size_t limit,
                                  const Visit& visit) {
  const auto all = limit == 0;
  std::size_t left = limit;
  query.emplace_back("limit", std::to_string(all ? kPageItems : std::min(limit, kPageItems)));
  query.emplace_back("cursor", "");
  for (auto& cursor = query.back().second;;) {
    const auto page = get(path, query);
    if (!page) return page.error();
    const auto items = page->find("items");
    if (items == page->end() || !items->is_array()) return strange_answer(root_, 200);
    for (const auto& item : *items) {
      if (!visit(item) || (!all && --left == 0)) return {};
    }
    const auto next = page->find("next");
    if (next == page->end() || !next->is_string() || *next == cursor) return {};
    cursor = next->get<std::string>();
  }
}

std::string encoded(const std::string& collection, const std::string& id) {
  return "/" + collection + "/" + percent_encode(id);
}

}  // namespace mx2::ctl
