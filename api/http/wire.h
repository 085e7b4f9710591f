// The few bytes of HTTP/1.1 that Pistache does not give or write as we need them. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/http/http.h"

namespace mx2::http {

// "http://host:1/path?x" (absolute form, RFC 9112 3.2.2) -> "/path?x"; "/path" stays as it is.
[[nodiscard]] std::string_view strip_authority(std::string_view target);

// Status line, headers and body. No Content-Length and no body with 204 (RFC 9110 8.6); no body in
// answer to HEAD.
[[nodiscard]] std::string serialise(const Reply& reply, bool close, bool head_only);
// The same for a reply whose body ends when the connection does (RFC 9112 6.3): no Content-Length.
[[nodiscard]] std::string serialise_stream(const Reply& reply, bool head_only);

}  // namespace mx2::http
