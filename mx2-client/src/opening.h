// From a request to a context that is kept.
#pragma once

#include <functional>
#include <memory>

#include "mx2-client/src/session.h"

namespace mx2::device {

// Two exchanges with the orchestrator at most: the list of applications, for what the request
// leaves out, and the creation. `stopped` is asked before the latter, and ends it with
// kUnavailable.
[[nodiscard]] Result<std::shared_ptr<Session>> open(const std::shared_ptr<Shared>& shared,
                                                    client::ContextRequest request,
                                                    const std::function<bool()>& stopped);

}  // namespace mx2::device
