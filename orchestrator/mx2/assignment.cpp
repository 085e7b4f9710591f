#include "orchestrator/mx2/assignment.h"

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

// Nothing when the item asks for no location, or for one that cannot be compared (an update is only
// checked by the schema).
std::optional<PreparedLocation> location_of(const UserAppInstance& item) {
  if (!item.app_location) return std::nullopt;
  auto prepared = PreparedLocation::make(*item.app_location);
  if (!prepared) return std::nullopt;
  return std::move(*prepared);
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
  return is_one_wish(items) && std::any_of(items.begin(), items.end(), [&](const auto& item) {
           return item.reference_uri != items.front().reference_uri;
         });
}

notifier::OutboxEntry entry_of(const ContextRecord& record, const AppContext& context,
                               const Notification& notification, std::int64_t now_ms) {
  notifier::OutboxEntry entry;
  entry.context_id = record.context_id;
  entry.revision = record.revision;
  entry.callback_reference = context.callback_reference.value_or("");
  entry.type = codec::type_of(notification);
  entry.body = codec::encode(notification);
  entry.created_ms = record.created_ms;
  entry.written_ms = now_ms;
  entry.due_ms = now_ms;
  return entry;
}

Reassignment unserved(const Model& model, PlacementQuery query) {
  Reassignment nobody;
  nobody.unserved = true;
  query.could_start = true;
  const auto could = place(model, query);
  if (could) nobody.starts.push_back({model.served_by(query.app_d_id), could->host_id});
  return nobody;
}

Reassignment reassign_list(const Model& model, const StrategyOptions& options,
                           ContextRecord& record, std::vector<UserAppInstance>& items) {
  auto query = query_of(record);
  const auto location = location_of(items.front());
  if (location) query.location = &*location;
  for (const auto& item : items) query.current_uris.push_back(item.reference_uri);
  const auto placements = place_all(model, query, options.endpoints_max);
  if (placements.empty()) return unserved(model, query);
  auto list = as_items(placements, items.front().app_location);
  if (same_addresses(list, items)) return {};
  take_first(placements.front(), record);
  items = std::move(list);
  return {true, false, true};
}

Reassignment reassign_item(const Model& model, ContextRecord& record, UserAppInstance& item,
                           bool first) {
  auto query = query_of(record);
  const auto location = location_of(item);
  if (item.app_location && !location) return {};
  if (location) query.location = &*location;
  query.current_uris = {item.reference_uri};
  const auto placement = place(model, query);
  if (!placement) return unserved(model, query);
  if (placement->reference_uri == item.reference_uri) return {};
  item.reference_uri = placement->reference_uri;
  if (item.app_instance_id.empty()) item.app_instance_id = placement->app_instance_id;
  if (first) take_first(*placement, record);
  return {true, false, false};
}

}  // namespace

Strategy strategy_of(const App& app, const StrategyOptions& options) {
  return app.strategy.value_or(options.standard);
}

Reassignment reassign(const Model& model, Strategy strategy, const StrategyOptions& options,
                      ContextRecord& record, AppContext& context) {
  auto& items = context.app_info.user_app_instance_info;
  // Clients of the V1.1.1 dialect know one address.
  if (strategy == Strategy::kMultiple && !record.legacy && is_one_wish(items)) {
    return reassign_list(model, options, record, items);
  }
  Reassignment all;
  if (is_expanded(items)) {
    items.erase(items.begin() + 1, items.end());
    all.changed = all.list = true;
  }
  for (auto& item : items) {
    const auto one = reassign_item(model, record, item, &item == &items.front());
    all.changed |= one.changed;
    all.unserved |= one.unserved;
    all.starts.insert(all.starts.end(), one.starts.begin(), one.starts.end());
  }
  return all;
}

std::vector<LocationConstraints> locations_to_offer(const Model& model, const ContextRecord& record,
                                                    const AppContext& context) {
  std::vector<LocationConstraints> offered;
  for (const auto& item : context.app_info.user_app_instance_info) {
    if (!item.reference_uri.empty()) continue;
    const auto location = location_of(item);
    if (!location) continue;
    auto query = query_of(record);
    query.location = &*location;
    query.could_start = true;
    if (place(model, query)) offered.push_back(*item.app_location);
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

ContextChanged changed(const ContextRecord& record, const AppContext& context) {
  ContextPlace place{record.context_id, record.app_d_id, record.dev_app_id,
                     record.client_ip,  record.host_id,  nullptr};
  const auto& items = context.app_info.user_app_instance_info;
  if (!items.empty() && items.front().app_location) {
    place.app_location = std::make_shared<const LocationConstraints>(*items.front().app_location);
  }
  return {std::move(place)};
}

Result<void> owe(StoreTransaction& transaction, const ContextRecord& record,
                 const AppContext& context, const Notification& notification, std::int64_t now_ms) {
  const auto entry = entry_of(record, context, notification, now_ms);
  if (!std::holds_alternative<AddressChangeNotification>(notification)) {
    return transaction.put_notification(entry);
  }
  const auto put = transaction.put_notification_alike(entry);
  if (!put) return put.error();
  if (*put) return {};
  return transaction.put_notification(
      entry_of(record, context, update_notification(context), now_ms));
}

}  // namespace mx2
