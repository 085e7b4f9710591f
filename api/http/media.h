// What a body may be: of an answer, as the client says (406), and of a request (415).
#pragma once

#include <initializer_list>
#include <string_view>

#include "api/base/result.h"
#include "api/http/http.h"
#include "api/http/router.h"

namespace mx2::http {

// RFC 9110 12.5.1: the most specific range that fits decides; without Accept, or with one that
// cannot be understood, everything is welcome.
[[nodiscard]] bool accepts(const Request& request, std::string_view type);

// The endpoint, for those who accept one of the types that it answers with; others get 406.
[[nodiscard]] Endpoint offering(std::initializer_list<std::string_view> types, Endpoint endpoint);

// unsupported_media_type for a body of clearly another type than JSON (or NDJSON); no body, and no
// or an odd Content-Type pass, as ETSI's suites send misspelt ones.
[[nodiscard]] Result<void> check_content_type(const Request& request);

}  // namespace mx2::http
