// Who wants to hear of packages (AppPkgSubscription and AppPkgNotification, ETSI GS MEC 010-2
// V2.1.1 clauses 6.2.3.4 and 6.2.3.6). Subscriptions are part of the model; what is owed to them is
// written to the outbox with the change, so it survives a crash, is tried again for as long as any
// notification, and told at least once.
//
// Of one subscription and package the newest takes the place of what is owed: it says what the
// package is now. So it arrives in order, too.
#pragma once

#include <string>

#include "api/base/callback.h"
#include "api/mec/app_package.h"
#include "orchestrator/core/core.h"

namespace mx2 {

// Answers it with its identifier; forbidden when there are `count_max`.
void subscribe_to_packages(Core& core, PackageSubscription subscription, std::size_t count_max,
                           Callback<Result<PackageSubscription>> answer);
// What is owed to it goes with it. not_found.
void unsubscribe_from_packages(Core& core, const std::string& id, Callback<Result<void>> answer);

// Of a unit that changes a package to this.
[[nodiscard]] Result<void> owe_package_event(const Core& core, StoreTransaction& transaction,
                                             const Model& model, PackageEvent event,
                                             const Package& package);

}  // namespace mx2
