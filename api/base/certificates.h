// Certificates in PEM files, read by OpenSSL.
#pragma once

#include <cstddef>
#include <string>

#include "api/base/result.h"

namespace mx2 {

// How many there are, at least one; an error names the file and says why it cannot be used.
// Blocking.
[[nodiscard]] Result<std::size_t> count_certificates(const std::string& path);

}  // namespace mx2
