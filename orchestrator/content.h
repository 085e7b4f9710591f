// The first content of a store, from YAML: `apps`, `hosts` and `table`, each a list in the words of
// the operator API. See deploy/example/content.yaml.
#pragma once

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {

// All errors in one, a line for each, with file:line:column; the apps and hosts that items
// refer to must be in the file, as the store is empty.
[[nodiscard]] Result<Content> read_content(const config::Document& document);

}  // namespace mx2
