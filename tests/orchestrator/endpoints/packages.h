// Packages for the tests of on-boarding, and requests about them.
#pragma once

#include <string>

#include "api/base/digest.h"
#include "tests/support/archives.h"
#include "tests/support/receiver.h"
#include "tests/support/server.h"

namespace mx2::test {

inline const std::string kPackages = "/app_pkgm/v1/app_packages";
inline const std::string kOnboardedPackages = "/app_pkgm/v1/onboarded_app_packages";
inline const std::string kPackageSubscriptions = "/app_pkgm/v1/subscriptions";

inline json::Value sample_appd(const std::string& app_d_id = "hello-1") {
  return {{"appDId", app_d_id},
          {"appName", "hello"},
          {"appProvider", "Example"},
          {"appSoftVersion", "1.2"},
          {"appDVersion", "1.0"},
          {"appDescription", "Says hello"},
          {"mecVersion", {"2.1.1"}},
          {"virtualComputeDescriptor",
           {{"virtualCpu", {{"numVirtualCpu", 2}}}, {"virtualMemory", {{"virtualMemSize", 64}}}}},
          {"mx2Process", {{"command", {"bin/hello"}}, {"readyPath", "/health"}}}};
}

// The bytes of a zip with these files.
inline std::string zip_of(const std::vector<ArchiveEntry>& entries) {
  const TempDir dir;
  write_archive(dir.file("p"), ArchiveKind::kZip, entries);
  std::ifstream in(dir.file("p"), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string package_zip(const json::Value& appd = sample_appd()) {
  return zip_of({{"appd.json", json::dump(appd)}, {"bin/hello", "#!/bin/sh\n"}});
}

inline std::string digest_of(const std::string& bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

inline json::Value create_request(const std::string& digest, const std::string& name = "hello",
                                  const std::string& path = {}) {
  json::Value out{{"appPkgName", name},
                  {"appPkgVersion", "1"},
                  {"checksum", {{"algorithm", "SHA-256"}, {"hash", digest}}}};
  if (!path.empty()) out["appPkgPath"] = path;
  return out;
}

inline Response put_content(Client& ops, const std::string& id, const std::string& content) {
  return ops.request("PUT", kPackages + "/" + id + "/package_content", content,
                     {{"Content-Type", "application/zip"}});
}

// The package as it is when nothing is under way any more.
inline json::Value settled(Client& ops, const std::string& id) {
  json::Value info;
  static_cast<void>(eventually([&] {
    info = ops.get(kPackages + "/" + id).json();
    return info.value("onboardingState", "") == "ONBOARDED" ||
           info.contains("onboardingFailureDetails");
  }));
  return info;
}

inline std::string cause_of(const json::Value& info) {
  if (!info.contains("onboardingFailureDetails")) return "";
  const auto type = info["onboardingFailureDetails"]["type"].get<std::string>();
  return type.substr(type.rfind(':') + 1);
}

// Creates and uploads; its identifier.
inline std::string onboarded(Client& ops, const std::string& zip,
                             const std::string& name = "hello") {
  const auto made = ops.post(kPackages, create_request(digest_of(zip), name));
  const auto id = made.json()["id"].get<std::string>();
  static_cast<void>(put_content(ops, id, zip));
  static_cast<void>(settled(ops, id));
  return id;
}

}  // namespace mx2::test
