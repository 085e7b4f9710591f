// A host that is to become empty: which contexts are still there and why, and what is to become of
// the rows by which operators have pinned somebody to it.
//
// Threads: any. A page of either takes milliseconds, and neither the store's writer nor requests
// wait for it.
#pragma once

#include <optional>
#include <string>

#include "api/base/result.h"
#include "orchestrator/core/core.h"

namespace mx2 {

// Who would place contexts elsewhere.
enum class PlannerState : std::uint8_t { kLeads, kPaused, kNone };

// A context that is on the host still.
struct Staying {
  ContextSummary context;
  std::string reason;  // app-gone | strategy | no-other-host | pinned | optimizer-paused |
                       // no-optimizer | waiting
  std::string detail;  // a sentence
};
// Those with their first instance there, in the order of their identifiers. A page may have none,
// and a next one all the same.
[[nodiscard]] Result<Page<Staying>> staying(const Core& core, const std::string& host_id,
                                            PlannerState planner, const std::string& cursor,
                                            std::size_t limit);

// A row of an operator that names the host.
struct Pin {
  Association row;
  std::optional<TableChange> change;  // what empties the host of it; nothing: it has to stay
  std::string why;
};
// The host is taken out of the row's targets. A row that then has none is removed, if who it is for
// is served without it: by the Optimizer, by row *, or as λ of the app can be started; else it
// leads to all other hosts that can serve its app. If no other can, it stays.
[[nodiscard]] Result<Page<Pin>> pins_of(const Core& core, const std::string& host_id,
                                        PlannerState planner, const std::string& cursor,
                                        std::size_t limit);

}  // namespace mx2
