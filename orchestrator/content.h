// The first content of a store, from YAML: `apps`, `hosts` and `table`, each a list in the words of
// the operator API. See deploy/example/content.yaml.
#pragma once

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {

// Errors carry file:line:column.
[[nodiscard]] Result<Content> read_content(const config::Document& document);

}  // namespace mx2
