// From the table to the userAppInstanceInfo of one context: which endpoints it has, by the strategy
// of its app. Shared by creating, updating and relocating.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "api/base/result.h"
#include "orchestrator/core/asked_locations.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/store/store.h"

namespace mx2 {

struct StrategyOptions {
  Strategy standard = Strategy::kNotification;  // of apps that say nothing
  std::size_t endpoints_max = 3;                // in a context of strategy `multiple`
  std::string dispatcher = "dispatcher-1";      // appDId of the dispatchers
};

[[nodiscard]] Strategy strategy_of(const App& app, const StrategyOptions& options);

// An instance that should be started.
struct Start {
  std::string app_d_id;
  std::string host_id;
  bool operator<(const Start& other) const {
    return std::tie(app_d_id, host_id) < std::tie(other.app_d_id, other.host_id);
  }
};

// What a context is given addresses by.
struct AssignmentBasis {
  const Model& model;
  Strategy strategy;
  const StrategyOptions& options;
  const AskedLocations& locations;  // an item whose location is not among them is left alone
  bool keeps_addresses = false;     // only items without an address are looked at
  // Items by position, one bit each, whose location its device application asks for now. With
  // appLocationUpdates no other gets its first address.
  std::uint32_t asked = 0;
};

// Gives the items of a context that exists the addresses they should have now. An item that nobody
// can serve keeps its address. An item keeps its appInstanceId when it moves, so that an
// AddressChangeNotification names what the device application knows; the list of `multiple` is
// replaced, with the identifiers of the instances. When the app has lost that strategy, the list
// becomes one item again. What items wait for is noted in the record.
struct Reassignment {
  bool changed = false;   // some address
  bool unserved = false;  // some item that nobody can serve
  bool list = false;      // items have come or gone, not only their addresses
  // What could be started for those that nobody can serve.
  std::vector<Start> starts = {};
  std::optional<EscalationCause> escalated = {};  // as Placement has it, of the first item
};
[[nodiscard]] Reassignment reassign(const AssignmentBasis& basis, ContextRecord& record,
                                    AppContext& context);

// Of the items that wait until their location becomes available (appLocationUpdates), those that
// could have an address there now and were not told so: what
// ApplicationLocationAvailabilityNotification tells (clause 6.4.5). Noted in the record.
[[nodiscard]] std::vector<LocationConstraints> offer_locations(const AssignmentBasis& basis,
                                                               ContextRecord& record,
                                                               const AppContext& context);

// The list of `multiple` in place of the only item of a new context.
void expand(const Model& model, const StrategyOptions& options, const PlacementQuery& query,
            AppContext& context);

// The instances of a context that have an address, as clause 6.4.4 tells them.
[[nodiscard]] ApplicationContextUpdateNotification update_notification(const AppContext& context);

// What tells a device application that addresses have changed: the new address when it has one
// item and knew an address of it before, else the whole list.
[[nodiscard]] Notification notification_of(const AppContext& context, bool address_only);

// For those who follow.
[[nodiscard]] ContextPlace place_of(const ContextRecord& record, const AppContext& context);

// Writes a context's notification of its instances to the outbox, in place of the one that is owed.
// There is one entry, so the new one tells all that the old one would have: an AddressChange means
// something to those who know the instance, and so becomes the whole list while anything else is
// owed, or was given up. Once the context has ended, nothing else is worth telling.
[[nodiscard]] Result<void> owe(StoreTransaction& transaction, const ContextRecord& record,
                               const AppContext& context, const Notification& notification,
                               std::int64_t now_ms);

// The same for locations that have become available, which have an entry of their own: those
// `offered` now, and those that are owed already and are on offer still, as the record says.
// Nothing is owed when there are none of either.
[[nodiscard]] Result<void> owe_offers(StoreTransaction& transaction, const ContextRecord& record,
                                      const AppContext& context,
                                      const std::vector<LocationConstraints>& offered,
                                      std::int64_t now_ms);

}  // namespace mx2
