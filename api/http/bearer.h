// Bearer tokens of requests: "Authorization: Bearer <token>", scheme in any letter case (RFC 6750).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/http/router.h"

namespace mx2::http {

[[nodiscard]] std::optional<std::string> bearer_token(const Request& request);

// Whether the request bears the token that is asked for; of an empty one every request does. Takes
// as long for a good guess as for a bad one.
[[nodiscard]] bool bears(const Request& request, std::string_view token);

// For requests that bear the token, which must outlive the router; others are told whose is needed,
// e.g. "MEPM".
[[nodiscard]] Endpoint guarded(const std::string& token, const std::string& whose,
                               Endpoint endpoint);

}  // namespace mx2::http
