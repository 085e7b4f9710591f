// The one table that turns an error code into a status and a problem document.
// Source: IETF RFC 7807 and ETSI GS MEC 009 (status and detail always present; type, title and
// instance where they say something). `type` is "urn:mx2:problem:<cause>", for machines.
#pragma once

#include <string>

#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http {

[[nodiscard]] int status_of(ErrorCode code);
[[nodiscard]] ErrorCode code_of(int status);
[[nodiscard]] const char* reason_phrase(int status);

// For statuses that only HTTP itself has a use for: 406, 408, 501.
[[nodiscard]] Reply problem_reply(int status, const std::string& cause, const std::string& detail);
// application/problem+json, with Retry-After where the error says when.
[[nodiscard]] Reply problem_reply(const Error& error);

}  // namespace mx2::http
