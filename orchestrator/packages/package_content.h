// What is done with the content of a package: fetched from its source, and examined. Blocking;
// private to orchestrator/packages.
//
// Errors are refusals of the package, with a cause for machines: "source-unreachable",
// "source-slow", "source-refused", "too-large", "wrong-checksum", "bad-archive" and the others of
// archive.h, "no-descriptor", "bad-descriptor", "storage".
#pragma once

#include <cstddef>
#include <string>

#include "api/base/result.h"
#include "api/http/http_client.h"
#include "api/mec/app_package.h"
#include "api/mec/appd.h"
#include "orchestrator/packages/package_files.h"

namespace mx2 {

struct FetchLimits {
  std::size_t bytes_max;
  int timeout_ms;  // in all
  int idle_ms;     // without a byte
};

[[nodiscard]] Result<void> fetch_package(http::CurlClient& client, const std::string& uri,
                                         const FetchLimits& limits, IncomingFile& into);

// `expected` empty: any.
[[nodiscard]] Result<void> check_digest(const std::string& expected, const std::string& found);

// The descriptor in the archive at `path`.
[[nodiscard]] Result<AppDescriptor> examine_package(const std::string& path);
[[nodiscard]] Result<std::string> read_descriptor(const std::string& path);

[[nodiscard]] OnboardingFailure failure_of(const Error& error);

}  // namespace mx2
