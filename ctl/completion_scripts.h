// The scripts for each shell. Each first walks the words typed so far to the path of the command
// they name, skipping the values of options, then offers what may follow it.
#pragma once

#include <string>
#include <vector>

#include "ctl/completion.h"

namespace mx2::ctl {

[[nodiscard]] std::string bash_script(const std::vector<CompletionNode>& nodes);
[[nodiscard]] std::string zsh_script(const std::vector<CompletionNode>& nodes);
[[nodiscard]] std::string fish_script(const std::vector<CompletionNode>& nodes);

}  // namespace mx2::ctl
