// Where a device application's appPackageSource may make the orchestrator fetch from: an operator
// lists prefixes of URIs, and anybody who can reach Mx2 may name what lies below one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"

namespace mx2 {

// True when `uri` is one of `prefixes` or below it: the same scheme, host and port, and a path that
// goes on at a segment's end. Whatever servers may read in different ways is refused: user
// information, fragments, backslashes, dot segments (also when encoded), encoded slashes, encodings
// of encodings.
[[nodiscard]] bool allowed_source(const std::vector<std::string>& prefixes, std::string_view uri);

// Whether `prefix` can allow anything: invalid_argument says why not.
[[nodiscard]] Result<void> check_source_prefix(std::string_view prefix);

}  // namespace mx2
