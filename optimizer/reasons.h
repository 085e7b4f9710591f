// Why contexts are not where they would be best off, in words for operators: which hosts are full,
// and of what. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "optimizer/decision.h"

namespace mx2::optimizer {

inline constexpr std::size_t kReasonsMax = 20;

// Of what was decided: a sentence for each host that is full while contexts placed elsewhere, or
// nowhere, would be better off there, the host most wanted first; at most kReasonsMax, and how many
// more there are. If the plan had no `rows`, the first says so, or why else there are none. About
// as long as a plan takes at most: everybody is looked at.
[[nodiscard]] std::vector<std::string> reasons(const Decision& decision, std::size_t rows);

}  // namespace mx2::optimizer
