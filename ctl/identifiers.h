// Identifiers that there are, for completion.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "ctl/operator_client.h"

namespace mx2::ctl {

inline constexpr std::size_t kIdentifiersMax = 1000;

// As help calls arguments and options whose value is one: APP, CONTEXT, DEVICE, HOST, PACKAGE,
// TARGET, UE, VERSION.
[[nodiscard]] const std::vector<std::string>& identifier_kinds();

// The first kIdentifiersMax that the server has, each once, a line each; nothing of those that a
// shell would take for several words, and nothing when the server does not answer.
void print_identifiers(OperatorClient& server, const std::string& kind, std::ostream& out);

}  // namespace mx2::ctl
