// On-boarding of an application package over app_pkgm/v1 of ETSI GS MEC 010-2, as `packages
// onboard` and `demo load` do it.
#pragma once

#include <string>

#include "api/base/result.h"
#include "api/json/json.h"
#include "ctl/operator_client.h"

namespace mx2::ctl {

inline constexpr const char* kPackageApi = "/app_pkgm/v1";

struct OnboardArguments {
  std::string source;   // a file, which is uploaded, or a URI, which the orchestrator fetches
  std::string name;     // appPkgName; empty: the file's
  std::string version;  // appPkgVersion; empty: the beginning of the digest
  std::string sha256;   // empty: of what is read from the source
  double wait_s = 120;  // for it to be on-boarded
};

// By its identifier, or by its app's appDId; not_found otherwise.
[[nodiscard]] Result<json::Value> find_package(const OperatorClient& server, const std::string& id);

// The package, on-boarded, or as it was when the time was over. The refusal if it was refused; a
// usage error for a file that cannot be read. Blocking.
[[nodiscard]] Result<json::Value> onboard_package(const OperatorClient& server,
                                                  OnboardArguments arguments);

}  // namespace mx2::ctl
