#include "mx2-client/src/mx2_api.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/json/json.h"
#include "api/mx2/codec.h"

namespace mx2::device {
namespace {

const http::Headers kAcceptJson{{"Accept", "application/json, application/problem+json"}};

http::Headers json_headers() {
  auto headers = kAcceptJson;
  headers.emplace_back("Content-Type", "application/json");
  return headers;
}

Error strange(const std::string& what) {
  return refused_as(ErrorCode::kInternal, "an answer that is not of MEC 016: " + what, "protocol");
}

std::string joined(const char* name, const std::vector<std::string>& values) {
  std::string out;
  for (const auto& value : values) {
    out += out.empty() ? name : ",";
    out += percent_encode(value);
  }
  return out;
}

}  // namespace

Error refusal(const http::Reply& reply) {
  const auto status = std::to_string(reply.status);
  auto detail = json::problem_detail(reply.body);
  if (detail.empty()) detail = "status " + status;
  return {http::code_of(reply.status),
          std::move(detail),
          {},
          kRefusal,
          status + " " + json::problem_type(reply.body),
          0};
}

std::optional<std::uint64_t> revision_of(const http::Reply& reply) {
  for (const auto& [name, value] : reply.headers) {
    if (equals_ignoring_case(name, "ETag")) return read_number(value);
  }
  return std::nullopt;
}

Mx2Api::Mx2Api(const std::string& url)
    : root_(url.substr(0, url.find_last_not_of('/') + 1) + "/dev_app/v1") {}

std::string Mx2Api::context_url(const std::string& context_id) const {
  return root_ + "/app_contexts/" + percent_encode(context_id);
}

Result<std::vector<AppInfo>> Mx2Api::list(http::Client& http, const std::vector<std::string>& names,
                                          const std::vector<std::string>& providers) const {
  auto query = joined("appName=", names);
  const auto second = joined("appProvider=", providers);
  if (!query.empty() && !second.empty()) query += '&';
  query += second;
  const auto url = root_ + "/app_list" + (query.empty() ? "" : "?" + query);
  const auto reply = http.send("GET", url, kAcceptJson, "");
  if (!reply) return reply.error();
  if (reply->status != 200) return refusal(*reply);
  auto apps = codec::decode_application_list(reply->body);
  if (!apps) return strange(apps.error().detail);
  return apps;
}

Result<Created> Mx2Api::create(http::Client& http, const AppContext& context) const {
  const auto reply =
      http.send("POST", root_ + "/app_contexts", json_headers(), codec::encode(context));
  if (!reply) return reply.error();
  if (reply->status != 201 && reply->status != 200) return refusal(*reply);
  auto made = codec::decode_app_context(reply->body);
  if (!made) return strange(made.error().detail);
  if (made->context_id.empty()) return strange("a context without contextId");
  return Created{std::move(*made), revision_of(*reply)};
}

Result<http::Reply> Mx2Api::update(http::Client& http, const AppContext& context) const {
  return http.send("PUT", context_url(context.context_id), json_headers(), codec::encode(context));
}

Result<void> Mx2Api::remove(http::Client& http, const std::string& context_id) const {
  const auto reply = http.send("DELETE", context_url(context_id), kAcceptJson, "");
  if (!reply) return reply.error();
  if (reply->status == 404 || (reply->status >= 200 && reply->status < 300)) return {};
  return refusal(*reply);
}

}  // namespace mx2::device
