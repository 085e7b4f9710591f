// What the endpoints of app_pkgm/v1 share. Private to orchestrator/endpoints.
#pragma once

#include <optional>
#include <string>

#include "orchestrator/endpoints/operator_support.h"

namespace mx2 {

inline constexpr const char* kPackagesRoot = "/app_pkgm/v1";

// Of the API, as this client reaches it.
[[nodiscard]] std::string packages_root(const http::Request& request);

// A part of a content, for a Range header (IETF RFC 9110 clause 14).
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
struct RangeWanted {
  bool satisfiable = true;
  std::optional<ByteRange> part;  // nothing: all of it
};
// Several ranges at once, and what is malformed, are answered with everything, as the RFC allows.
[[nodiscard]] RangeWanted wanted_range(const http::Request& request, std::uint64_t size,
                                       const std::string& etag);

void add_package_subscription_endpoints(http::Router& router, const OperatorApiPtr& api);

}  // namespace mx2
