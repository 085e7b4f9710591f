#include "api/orchestrator/operator_calls.h"

#include "api/http/problem.h"

namespace mx2 {
namespace {

constexpr const char* kRoot = "/operator/v1";
constexpr int kOk = 200;

}  // namespace

Result<http::Reply> OperatorCalls::ask(const std::string& method, const std::string& path,
                                       const http::Headers& headers, const std::string& body) {
  return http_.send(method, url_ + kRoot + path, headers, body);
}

Result<json::Value> OperatorCalls::get(const std::string& path) {
  return document_of(path, ask("GET", path));
}

Error OperatorCalls::refused(const std::string& path, const http::Reply& reply) {
  auto detail = json::problem_detail(reply.body);
  if (!detail.empty()) detail = ": " + detail;
  return refused_as(http::code_of(reply.status), "the orchestrator answered " + path + " with " +
                                                     std::to_string(reply.status) + detail);
}

Error OperatorCalls::strange(const std::string& path) {
  return refused_as(ErrorCode::kInternal,
                    "the orchestrator's answer to " + path + " is not as expected");
}

Result<json::Value> OperatorCalls::document_of(const std::string& path,
                                               const Result<http::Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->status != kOk) return refused(path, *reply);
  auto document = json::parse(reply->body);
  if (!document || !document->is_object()) return strange(path);
  return document;
}

std::optional<std::uint64_t> number_of(const json::Value& object, const char* member) {
  if (!object.is_object()) return std::nullopt;
  const auto it = object.find(member);
  if (it == object.end() || !it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

}  // namespace mx2
