#include "lcm/mepm/package_server.h"

#include "api/base/digest.h"
#include "api/base/text.h"
#include "api/http/http_client.h"
#include "api/json/json.h"

namespace mx2::mepm {
namespace {

constexpr int kOk = 200;
constexpr int kHttpNotFound = 404;
constexpr std::size_t kInfoBytesMax = 1U << 20U;

http::ClientOptions client_options(const OrchestratorAccess& access) {
  http::ClientOptions options;
  options.connect_timeout_ms = options.timeout_ms = access.timeout_ms;
  options.response_bytes_max = kInfoBytesMax;
  options.bearer_token = access.token;
  options.ca_file = access.ca_file;
  return options;
}

std::string url_of(const OrchestratorAccess& access, const std::string& app_d_id) {
  return access.url + "/app_pkgm/v1/onboarded_app_packages/" + percent_encode(app_d_id);
}

Error refused(const std::string& app_d_id, int status) {
  if (status == kHttpNotFound) return not_found("no package of " + app_d_id + " is on-boarded");
  return unavailable("the orchestrator answered the request for the package with " +
                     std::to_string(status));
}

Error unreachable(const Error& error) {
  return refused_as(ErrorCode::kUnavailable,
                    "the orchestrator cannot be asked for the package: " + error.detail,
                    "orchestrator-unreachable", 1);
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<PackageInfo> decode_package_info(std::string_view body) {
  return json::decode_text<PackageInfo>(body, [](json::ObjectReader& reader, PackageInfo& info) {
    std::string operational = "ENABLED";
    std::string onboarding = "ONBOARDED";
    reader.required_line("id", info.id, json::kIdentifier);
    reader.required_line("appDId", info.app_d_id, json::kIdentifier);
    reader.optional("appName", info.app_name, json::kAnyText);
    reader.optional("appProvider", info.app_provider, json::kAnyText);
    reader.optional("appSoftwareVersion", info.app_soft_version, json::kAnyText);
    reader.optional("appDVersion", info.app_d_version, json::kAnyText);
    reader.optional("operationalState", operational, json::kAnyText);
    reader.optional("onboardingState", onboarding, json::kAnyText);
    reader.required_object("checksum", [&](json::ObjectReader& checksum) {
      checksum.required("hash", info.digest, json::kAnyText);
      info.digest = to_lower(info.digest);
      if (!is_digest(info.digest)) checksum.fail("must be a SHA-256 in hexadecimal", "hash");
    });
    info.enabled = operational == "ENABLED" && onboarding == "ONBOARDED";
  });
}

Result<PackageInfo> OrchestratorPackages::info(const std::string& app_d_id) {
  if (access_.url.empty()) return unavailable("this host has no orchestrator to ask");
  http::CurlClient client(client_options(access_));
  const auto reply = client.send("GET", url_of(access_, app_d_id), {}, "");
  if (!reply) return unreachable(reply.error());
  if (reply->status != kOk) return refused(app_d_id, reply->status);
  auto info = decode_package_info(reply->body);
  if (!info) {
    return unavailable("the orchestrator's answer about the package is not as expected",
                       info.error().pointer + " " + info.error().detail);
  }
  return info;
}

Result<void> OrchestratorPackages::content(const std::string& app_d_id,
                                           const std::function<bool(std::string_view)>& take) {
  if (access_.url.empty()) return unavailable("this host has no orchestrator to ask");
  http::CurlClient client(client_options(access_));
  int status = 0;
  const http::StreamSink sink{[&](const http::Reply& head) {
                                status = head.status;
                                return status == kOk;
                              },
                              take};
  const auto ended =
      client.stream(url_of(access_, app_d_id) + "/package_content", {}, sink, access_.timeout_ms);
  if (status != 0 && status != kOk) return refused(app_d_id, status);
  if (!ended) return unreachable(ended.error());
  return {};
}

}  // namespace mx2::mepm
