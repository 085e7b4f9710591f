// Those who have just moved to another attachment, looked at on their own, so that they need not
// wait for the next plan of everybody: a snapshot of them alone, in which the load of all others is
// there already. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optimizer/model.h"

namespace mx2::optimizer {

// The group of a UE ("dev:car-7") and an app; nothing if there is none.
[[nodiscard]] std::optional<std::size_t> find_group(const Snapshot& snapshot, Index app,
                                                    const std::string& ue);
// After the groups of the UE whose first is `first`: its own, or its row and those that stay.
[[nodiscard]] std::size_t end_of_ue(const Snapshot& snapshot, std::size_t first);

// By their identifiers, or name; kNone if there is none.
[[nodiscard]] Index find_host(const Snapshot& snapshot, const std::string& id);
[[nodiscard]] Index find_app(const Snapshot& snapshot, const std::string& id);
[[nodiscard]] Index find_attachment(const Snapshot& snapshot, const std::string& name);

// The snapshot without its groups; its hosts have so much less room and so much more background
// load, by host.
[[nodiscard]] Snapshot without_groups(const Snapshot& snapshot,
                                      const std::vector<std::int64_t>& load);
// `groups` of a snapshot, in this order, where `placement` has everybody else, who is load.
[[nodiscard]] Snapshot part_of(const Snapshot& snapshot, const Placement& placement,
                               const std::vector<std::size_t>& groups);

}  // namespace mx2::optimizer
