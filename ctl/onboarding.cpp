#include "ctl/onboarding.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "api/base/digest.h"
#include "api/base/file.h"
#include "api/base/ids.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(50);
constexpr std::size_t kVersionDigits = 12;
constexpr int kIdleMs = 30000;
constexpr int kOk = 200;

bool is_uri(const std::string& source) { return source.find("://") != std::string::npos; }

// What is there for us is what must be there for the orchestrator.
Result<std::string> digest_of_uri(const std::string& uri) {
  http::CurlClient client({});
  Sha256 digest;
  int status = 0;
  const auto reply = client.stream(uri, {},
                                   {[&](const http::Reply& head) {
                                      status = head.status;
                                      return status == kOk;
                                    },
                                    [&](std::string_view bytes) {
                                      digest.update(bytes);
                                      return true;
                                    }},
                                   kIdleMs);
  if (!reply) return reply.error();
  if (status != kOk) return not_found(uri + " answers with status " + std::to_string(status));
  return digest.hex();
}

Result<std::string> digest_of(const std::string& source, const std::string& content) {
  if (is_uri(source)) return digest_of_uri(source);
  Sha256 digest;
  digest.update(content);
  return digest.hex();
}

Result<std::string> content_of(const std::string& source) {
  if (is_uri(source)) return std::string();
  auto read = read_file(source);
  if (!read) return usage_error(read.error().detail, read.error().pointer);
  return read;
}

Result<void> complete(OnboardArguments& arguments, const std::string& content) {
  if (arguments.sha256.empty()) {
    auto digest = digest_of(arguments.source, content);
    if (!digest) return digest.error();
    arguments.sha256 = *digest;
  }
  if (arguments.name.empty()) {
    const auto plain = arguments.source.substr(0, arguments.source.find_first_of("?#"));
    arguments.name = std::filesystem::path(plain).stem().string();
  }
  if (arguments.version.empty()) arguments.version = arguments.sha256.substr(0, kVersionDigits);
  return {};
}

// Until the package is on-boarded or refused, or the time is over.
Result<json::Value> follow(const OperatorClient& server, const std::string& id, double wait_s) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(wait_s);
  while (true) {
    auto package = find_package(server, id);
    if (!package) return package;
    const auto failure = package->find("onboardingFailureDetails");
    if (failure != package->end()) {
      return forbidden("refused", "package " + id + ": " + failure->value("detail", std::string()));
    }
    const auto state = package->value("onboardingState", std::string());
    if (state == "ONBOARDED" || std::chrono::steady_clock::now() >= end) return package;
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace

Result<json::Value> find_package(const OperatorClient& server, const std::string& id) {
  auto api = server.api(kPackageApi);
  return api.get(encoded(is_hex32(id) ? "app_packages" : "onboarded_app_packages", id));
}

Result<json::Value> onboard_package(const OperatorClient& server, OnboardArguments arguments) {
  const auto content = content_of(arguments.source);
  if (!content) return content.error();
  if (auto whole = complete(arguments, *content); !whole) return whole.error();
  json::Value request{{"appPkgName", arguments.name},
                      {"appPkgVersion", arguments.version},
                      {"checksum", {{"algorithm", "SHA-256"}, {"hash", arguments.sha256}}}};
  const bool from_uri = is_uri(arguments.source);
  if (from_uri) request["appPkgPath"] = arguments.source;
  auto api = server.api(kPackageApi);
  const auto made = api.post_for("/app_packages", request);
  if (!made) return made.error();
  const auto id = made->value("id", std::string());
  if (!from_uri && made->value("onboardingState", std::string()) == "CREATED") {
    const auto put = api.exchange("PUT", encoded("app_packages", id) + "/package_content", *content,
                                  "application/zip");
    if (!put) return put.error();
  }
  return follow(server, id, arguments.wait_s);
}

}  // namespace mx2::ctl
