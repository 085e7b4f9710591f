// Files that are read as a whole, and files that are nobody else's. Blocking.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "api/base/result.h"

namespace mx2 {

// invalid_argument, with the path as its pointer, when it cannot be read, is empty or has more.
[[nodiscard]] Result<std::string> read_file(
    const std::string& path, std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

// Others than its owner may neither read nor write the file from now on (0600), if it is there and
// ours; whatever the umask, and an earlier version, have made of it.
void keep_private(const std::string& path);
// The same, and made, empty, if it is missing. What goes wrong, who writes to it finds out.
void make_private(const std::string& path);

// Of a content, without spaces around it: a token.
[[nodiscard]] std::string first_line(const std::string& content);

}  // namespace mx2
