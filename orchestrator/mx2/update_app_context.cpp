#include "api/mx2/codec.h"
#include "orchestrator/core/assignment.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

constexpr std::uint64_t kAsCreated = 1;  // the revision that a 201 has told

// The stored item that an item of an update speaks of: by appInstanceId, else by position.
UserAppInstance* counterpart(std::vector<UserAppInstance>& stored, const UserAppInstance& update,
                             std::size_t position) {
  for (auto& item : stored) {
    if (!update.app_instance_id.empty() && item.app_instance_id == update.app_instance_id) {
      return &item;
    }
  }
  return position < stored.size() ? &stored[position] : nullptr;
}

// What is published when it is durable.
struct Updated {
  ContextLedger::Entry entry;
  std::vector<Start> starts;
};

struct UpdateAppContext {
  Contexts& contexts;
  std::string context_id;
  AppContext request;
  Caller caller;
  IfMatch if_match;
  AskedLocations locations;  // of the request, compared with what hosts offer

  Result<Updated> run(StoreTransaction& transaction) const {
    auto found = transaction.find_context(context_id);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller, if_match); !access) return access.error();
    ContextRecord record = std::move(**found);
    auto context = codec::decode_stored_context(record.document);
    if (!context) {
      contexts.core.store.set_aside().add("context", context_id, context.error().detail);
      return internal("stored context: " + context.error().detail);
    }
    const bool knows_address = !record.reference_uri.empty();
    Updated updated{{context_id, record.revision + 1, {}, record.host_id, {}}, {}};
    const bool untold = !record.has_callback && record.revision > kAsCreated;
    const auto asked = take_changes(*context, record);
    const bool relocated = asked != 0;
    const auto moved = relocated ? relocate(*context, record, asked) : Reassignment{};
    updated.starts = moved.starts;
    record.revision = updated.entry.revision;
    record.document = codec::encode(*context);
    if (auto owing = tell_offers(transaction, record, *context, asked); !owing) {
      return owing.error();
    }
    const bool late = untold && !record.reference_uri.empty();
    if ((moved.changed || late) && record.has_callback) {
      const bool address_only = record.legacy || (knows_address && !moved.list && !late);
      auto owing = tell(transaction, record, *context, address_only);
      if (!owing) return owing.error();
    }
    updated.entry.told = update_notification(*context);  // the list, whatever has changed
    if (relocated) {
      updated.entry.place = place_of(record, *context);
      updated.entry.escalated =
          escalation(contexts.core.model.unlocked(), record.app_d_id, record.dev_app_id,
                     updated.entry.host_before, record.host_id, moved.escalated);
    }
    if (auto stored = transaction.update_context(record); !stored) return stored.error();
    return updated;
  }

  // Only callbackReference and appLocation may change (7.5.3.2); the rest of the request is
  // ignored. The items, by position, whose location has changed or is asked for again because they
  // have no address.
  std::uint32_t take_changes(AppContext& context, ContextRecord& record) const {
    if (request.callback_reference) context.callback_reference = request.callback_reference;
    record.has_callback = context.callback_reference.has_value();
    auto& stored = context.app_info.user_app_instance_info;
    const auto& updates = request.app_info.user_app_instance_info;
    std::uint32_t asked = 0;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      auto* item = counterpart(stored, updates[i], i);
      if (item == nullptr || !updates[i].app_location) continue;
      const bool same = updates[i].app_location == item->app_location;
      if (same && !item->reference_uri.empty()) continue;
      item->app_location = updates[i].app_location;
      asked |= std::uint32_t{1} << static_cast<unsigned>(item - stored.data());
    }
    return asked;
  }

  // Items move to where their new locations are served, if that is anywhere; else they stay, as do
  // those whose locations the request does not name.
  Reassignment relocate(AppContext& context, ContextRecord& record, std::uint32_t asked) const {
    const auto& model = contexts.core.model.unlocked();
    const auto* entry = model.app(record.app_d_id);
    if (entry == nullptr) return {};
    const auto strategy = strategy_of(entry->app, contexts.strategy);
    return reassign({model, strategy, contexts.strategy, locations, false, asked}, record, context);
  }

  // What is owed goes to the callback of now. What has been asked for is on offer no longer.
  Result<void> tell_offers(StoreTransaction& transaction, const ContextRecord& record,
                           const AppContext& context, std::uint32_t asked) const {
    const auto now_ms = contexts.core.clock.now_ms();
    if (request.callback_reference) {
      auto redirected = transaction.redirect_notifications(record.context_id,
                                                           *request.callback_reference, now_ms);
      if (!redirected) return redirected;
    }
    if (asked == 0 || !record.has_callback) return {};
    return owe_offers(transaction, record, context, {}, now_ms);
  }

  // The 204 has no room for the new address: a notification brings it. So it does for the first
  // callback of a context that has changed while there was nobody to tell.
  Result<void> tell(StoreTransaction& transaction, const ContextRecord& record,
                    const AppContext& context, bool address_only) const {
    return owe(transaction, record, context, notification_of(context, address_only),
               contexts.core.clock.now_ms());
  }
};

}  // namespace

void update_app_context(Contexts& contexts, std::string context_id, AppContext request,
                        Caller caller, const IfMatch& if_match,
                        Callback<Result<std::uint64_t>> answer) {
  auto locations = AskedLocations::of(request.app_info.user_app_instance_info);
  if (!locations.empty()) {
    locations.compare(
        contexts.core.model.read([](const Model& model) { return model.service_areas(); }));
  }
  UpdateAppContext update{contexts, std::move(context_id), std::move(request), std::move(caller),
                          if_match, std::move(locations)};
  auto done = [&contexts, answer = std::move(answer)](Result<Updated> updated) mutable {
    if (!updated) return answer(updated.error());
    const auto revision = updated->entry.revision;
    contexts.ledger.changed(std::move(updated->entry));
    for (const auto& [app_d_id, host_id] : updated->starts) {
      if (contexts.instantiation != nullptr) contexts.instantiation->want(app_d_id, host_id);
    }
    answer(revision);
  };
  submit_unit(
      contexts.core.store, kPlainUnit,
      [update = std::move(update)](StoreTransaction& tx) { return update.run(tx); },
      std::move(done));
}

}  // namespace mx2
