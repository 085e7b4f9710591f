// The OpenAPI documents of this folder, compiled in, and how a program serves its own.
#pragma once

#include <string>

#include "api/http/router.h"

namespace mx2::openapi {

[[nodiscard]] std::string mx2_yaml();
[[nodiscard]] std::string operator_yaml();
[[nodiscard]] std::string app_pkgm_yaml();
[[nodiscard]] std::string optimizer_yaml();
[[nodiscard]] std::string mepm_yaml();

// GET {prefix}/openapi.yaml, for everybody, with or without a token.
void serve(http::Router& router, const std::string& prefix, std::string document);

}  // namespace mx2::openapi
