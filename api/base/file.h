// Files that are read as a whole. Blocking.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "api/base/result.h"

namespace mx2 {

// invalid_argument, with the path as its pointer, when it cannot be read, is empty or has more.
[[nodiscard]] Result<std::string> read_file(
    const std::string& path, std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

// Of a content, without spaces around it: a token.
[[nodiscard]] std::string first_line(const std::string& content);

}  // namespace mx2
