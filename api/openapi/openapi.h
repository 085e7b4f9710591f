// The OpenAPI documents of this folder, compiled in.
#pragma once

#include <string>

namespace mx2::openapi {

[[nodiscard]] std::string mx2();           // mx2.yaml
[[nodiscard]] std::string operator_api();  // operator.yaml

}  // namespace mx2::openapi
