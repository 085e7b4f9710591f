#include "orchestrator/core/assignment.h"

#include <algorithm>

#include "api/mx2/codec.h"

namespace mx2 {
namespace {

void take_first(const Placement& placement, ContextRecord& record) {
  record.host_id = placement.host_id;
  record.reference_uri = placement.reference_uri;
  record.ue = placement.ue;
}

PlacementQuery query_of(const ContextRecord& record) {
  return {record.app_d_id, record.dev_app_id, IpAddress::parse(record.client_ip), nullptr, {}};
}

// It was told, or will be, that its location is available, and asks for it then.
bool waits_for_offer(const AssignmentBasis& basis, const ContextRecord& record,
                     const AppContext& context, std::size_t position) {
  const auto& item = context.app_info.user_app_instance_info[position];
  return item.reference_uri.empty() && item.app_location &&
         context.app_location_updates.value_or(false) &&
         wait_of(record, position) != Wait::kRequested && ((basis.asked >> position) & 1U) == 0;
}

std::vector<UserAppInstance> as_items(const std::vector<Placement>& placements,
                                      const std::optional<LocationConstraints>& location) {
  std::vector<UserAppInstance> items;
  items.reserve(placements.size());
  for (const auto& placement : placements) {
    items.push_back({placement.app_instance_id, placement.reference_uri, location});
  }
  return items;
}

bool same_addresses(const std::vector<UserAppInstance>& a, const std::vector<UserAppInstance>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.reference_uri == y.reference_uri;
  });
}

// One wish, however many endpoints it was given.
bool is_one_wish(const std::vector<UserAppInstance>& items) {
  return std::all_of(items.begin(), items.end(), [&](const UserAppInstance& item) {
    return item.app_location == items.front().app_location;
  });
}

// What an item of several addresses was expanded to: wishes that are alike are served alike.
bool is_expanded(const std::vector<UserAppInstance>& items) {
  const bool all_placed = std::none_of(items.begin(), items.end(),
                                       [](const auto& item) { return item.reference_uri.empty(); });
  return all_placed && is_one_wish(items) &&
         std::any_of(items.begin(), items.end(), [&](const auto& item) {
           return item.reference_uri != items.front().reference_uri;
         });
}

notifier::OutboxEntry entry_of(const ContextRecord& record, const AppContext& context,
                               const Notification& notification, std::int64_t now_ms) {
  notifier::OutboxEntry entry;
  entry.context_id = record.context_id;
  entry.topic = std::holds_alternative<ApplicationLocationAvailabilityNotification>(notification)
                    ? notifier::Topic::kLocations
                    : notifier::Topic::kInstances;
  entry.revision = record.revision;
  entry.callback_reference = context.callback_reference.value_or("");
  entry.type = codec::type_of(notification);
  entry.body = codec::encode(notification);
  entry.created_ms = record.created_ms;
  entry.written_ms = now_ms;
  entry.due_ms = now_ms;
  return entry;
}

// Of an owed ApplicationLocationAvailabilityNotification.
std::vector<LocationConstraints> locations_in(const std::string& body) {
  auto decoded = codec::decode_notification(body);
  if (!decoded) return {};
  auto* offer = std::get_if<ApplicationLocationAvailabilityNotification>(&*decoded);
  return offer == nullptr ? std::vector<LocationConstraints>()
                          : std::move(offer->available_locations);
}

bool contains(const std::vector<LocationConstraints>& locations,
              const LocationConstraints& location) {
  return std::find(locations.begin(), locations.end(), location) != locations.end();
}

Reassignment unserved(const Model& model, PlacementQuery query) {
  Reassignment nobody;
  nobody.unserved = true;
  query.could_start = true;
  const auto could = place(model, query);
  if (could) nobody.starts.push_back({model.served_by(query.app_d_id), could->host_id});
  return nobody;
}

Reassignment reassign_list(const AssignmentBasis& basis, ContextRecord& record,
                           std::vector<UserAppInstance>& items) {
  auto query = query_of(record);
  query.location = basis.locations.find(items.front());
  if (items.front().app_location && query.location == nullptr) return {};
  for (const auto& item : items) query.current_uris.push_back(item.reference_uri);
  const auto placements = place_all(basis.model, query, basis.options.endpoints_max);
  if (placements.empty()) return unserved(basis.model, query);
  auto list = as_items(placements, items.front().app_location);
  if (same_addresses(list, items)) return {};
  take_first(placements.front(), record);
  items = std::move(list);
  return {true, false, true, {}, placements.front().escalated};
}

Reassignment reassign_item(const AssignmentBasis& basis, ContextRecord& record,
                           UserAppInstance& item, bool first) {
  auto query = query_of(record);
  query.location = basis.locations.find(item);
  if (item.app_location && query.location == nullptr) return {};
  query.current_uris = {item.reference_uri};
  const auto placement = place(basis.model, query);
  if (!placement) return unserved(basis.model, query);
  if (placement->reference_uri == item.reference_uri) return {};
  item.reference_uri = placement->reference_uri;
  if (item.app_instance_id.empty()) item.app_instance_id = placement->app_instance_id;
  if (!first) return {true, false, false};
  take_first(*placement, record);
  return {true, false, false, {}, placement->escalated};
}

// After the attempt to give an item an address.
void note_wait(const AssignmentBasis& basis, ContextRecord& record, const UserAppInstance& item,
               std::size_t position, const Reassignment& attempt) {
  if (!item.reference_uri.empty()) return set_wait(record, position, Wait::kNone);
  if (((basis.asked >> position) & 1U) == 0) return;
  set_wait(record, position, attempt.starts.empty() ? Wait::kAnything : Wait::kRequested);
}

// One that waits for its location does not keep the others from following.
Reassignment reassign_items(const AssignmentBasis& basis, ContextRecord& record,
                            AppContext& context) {
  Reassignment all;
  auto& items = context.app_info.user_app_instance_info;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool placed = !items[i].reference_uri.empty();
    if (placed && basis.keeps_addresses) continue;
    if (waits_for_offer(basis, record, context, i)) continue;
    const auto one = reassign_item(basis, record, items[i], i == 0);
    all.changed |= one.changed;
    all.unserved |= one.unserved;
    if (i == 0) all.escalated = one.escalated;
    all.starts.insert(all.starts.end(), one.starts.begin(), one.starts.end());
    note_wait(basis, record, items[i], i, one);
  }
  return all;
}

}  // namespace

Strategy strategy_of(const App& app, const StrategyOptions& options) {
  return app.strategy.value_or(options.standard);
}

Reassignment reassign(const AssignmentBasis& basis, ContextRecord& record, AppContext& context) {
  auto& items = context.app_info.user_app_instance_info;
  // Clients of the V1.1.1 dialect know one address.
  const bool list = basis.strategy == Strategy::kMultiple && !record.legacy && is_one_wish(items);
  if (list && !waits_for_offer(basis, record, context, 0)) {
    auto all = reassign_list(basis, record, items);
    if (all.changed) record.waits = 0;
    note_wait(basis, record, items.front(), 0, all);
    return all;
  }
  const bool was_list = !basis.keeps_addresses && is_expanded(items);
  if (was_list) items.erase(items.begin() + 1, items.end());
  auto all = reassign_items(basis, record, context);
  all.changed |= was_list;
  all.list |= was_list;
  return all;
}

std::vector<LocationConstraints> offer_locations(const AssignmentBasis& basis,
                                                 ContextRecord& record, const AppContext& context) {
  std::vector<LocationConstraints> offered;
  const auto& items = context.app_info.user_app_instance_info;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!waits_for_offer(basis, record, context, i)) continue;
    auto query = query_of(record);
    query.location = basis.locations.find(items[i]);
    if (query.location == nullptr) continue;
    query.could_start = true;
    const bool available = place(basis.model, query).has_value();
    const bool told = wait_of(record, i) == Wait::kOffered;
    if (available && !told) offered.push_back(*items[i].app_location);
    set_wait(record, i, available ? Wait::kOffered : Wait::kAnything);
  }
  return offered;
}

void expand(const Model& model, const StrategyOptions& options, const PlacementQuery& query,
            AppContext& context) {
  auto& items = context.app_info.user_app_instance_info;
  auto list = as_items(place_all(model, query, options.endpoints_max), items.front().app_location);
  if (!list.empty()) items = std::move(list);
}

ApplicationContextUpdateNotification update_notification(const AppContext& context) {
  const auto& items = context.app_info.user_app_instance_info;
  ApplicationContextUpdateNotification update{context.context_id, {}};
  std::copy_if(items.begin(), items.end(), std::back_inserter(update.user_app_instance_info),
               [](const UserAppInstance& item) { return !item.reference_uri.empty(); });
  return update;
}

Notification notification_of(const AppContext& context, bool address_only) {
  const auto& items = context.app_info.user_app_instance_info;
  if (address_only && items.size() == 1) {
    return AddressChangeNotification{context.context_id, items.front().app_instance_id,
                                     items.front().reference_uri};
  }
  return update_notification(context);
}

ContextPlace place_of(const ContextRecord& record, const AppContext& context) {
  ContextPlace place{record.context_id, record.app_d_id, record.dev_app_id,
                     record.client_ip,  record.host_id,  nullptr};
  const auto& items = context.app_info.user_app_instance_info;
  if (!items.empty() && items.front().app_location) {
    place.app_location = std::make_shared<const LocationConstraints>(*items.front().app_location);
  }
  return place;
}

Result<void> owe(StoreTransaction& transaction, const ContextRecord& record,
                 const AppContext& context, const Notification& notification, std::int64_t now_ms) {
  const auto entry = entry_of(record, context, notification, now_ms);
  if (std::holds_alternative<ApplicationContextDeleteNotification>(notification)) {
    auto gone = transaction.delete_notification(record.context_id, notifier::Topic::kLocations);
    if (!gone) return gone;
  }
  if (!std::holds_alternative<AddressChangeNotification>(notification)) {
    return transaction.put_notification(entry);
  }
  const auto put = transaction.put_notification_alike(entry);
  if (!put) return put.error();
  if (*put) return {};
  return transaction.put_notification(
      entry_of(record, context, update_notification(context), now_ms));
}

Result<void> owe_offers(StoreTransaction& transaction, const ContextRecord& record,
                        const AppContext& context, const std::vector<LocationConstraints>& offered,
                        std::int64_t now_ms) {
  const auto owed = transaction.find_notification(record.context_id, notifier::Topic::kLocations);
  if (!owed) return owed.error();
  if (!*owed && offered.empty()) return {};
  const auto before = *owed ? locations_in((*owed)->body) : std::vector<LocationConstraints>();
  ApplicationLocationAvailabilityNotification all{record.context_id, {}};
  const auto& items = context.app_info.user_app_instance_info;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& location = items[i].app_location;
    if (!location || wait_of(record, i) != Wait::kOffered) continue;
    if (!contains(offered, *location) && !contains(before, *location)) continue;
    if (!contains(all.available_locations, *location)) all.available_locations.push_back(*location);
  }
  if (all.available_locations.empty()) {
    return transaction.delete_notification(record.context_id, notifier::Topic::kLocations);
  }
  if (offered.empty() && all.available_locations.size() == before.size()) return {};
  return transaction.put_notification(entry_of(record, context, all, now_ms));
}

}  // namespace mx2
