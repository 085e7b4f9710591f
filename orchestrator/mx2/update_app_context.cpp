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

class UpdateAppContext final : public UnitOfWork {
 public:
  UpdateAppContext(Contexts& contexts, std::string context_id, AppContext request, Caller caller,
                   const IfMatch& if_match, Callback<Result<std::uint64_t>> answer)
      : contexts_(contexts),
        context_id_(std::move(context_id)),
        request_(std::move(request)),
        caller_(std::move(caller)),
        if_match_(if_match),
        answer_(std::move(answer)) {}

  // On the caller's thread: what is asked for is compared with what hosts offer now.
  void prepare() {
    locations_ = AskedLocations::of(request_.app_info.user_app_instance_info);
    if (locations_.empty()) return;
    locations_.compare(
        contexts_.core.model.read([](const Model& model) { return model.service_areas(); }));
  }

  Result<void> run(StoreTransaction& transaction) override {
    auto found = transaction.find_context(context_id_);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller_, if_match_); !access) return access;
    ContextRecord record = std::move(**found);
    auto context = codec::decode_stored_context(record.document);
    if (!context) {
      contexts_.core.store.set_aside().add("context", context_id_, context.error().detail);
      return internal("stored context: " + context.error().detail);
    }
    const bool knows_address = !record.reference_uri.empty();
    entry_ = {context_id_, record.revision + 1, {}, record.host_id, {}};
    untold_ = !record.has_callback && record.revision > kAsCreated;
    const auto asked = take_changes(*context, record);
    const bool relocated = asked != 0;
    const auto moved = relocated ? relocate(*context, record, asked) : Reassignment{};
    starts_ = moved.starts;
    record.revision = entry_.revision;
    record.document = codec::encode(*context);
    if (auto owing = tell_offers(transaction, record, *context, asked); !owing) return owing;
    if (auto owing = tell(transaction, record, *context, moved, knows_address); !owing) {
      return owing;
    }
    entry_.told = update_notification(*context);  // the list, whatever has changed
    if (relocated) entry_.place = place_of(record, *context);
    return transaction.update_context(record);
  }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    const auto revision = entry_.revision;
    contexts_.ledger.changed(std::move(entry_));
    for (const auto& [app_d_id, host_id] : starts_) {
      if (contexts_.instantiation != nullptr) contexts_.instantiation->want(app_d_id, host_id);
    }
    answer_(revision);
  }

 private:
  // Only callbackReference and appLocation may change (7.5.3.2); the rest of the request is
  // ignored. The items, by position, whose location has changed or is asked for again because they
  // have no address.
  std::uint32_t take_changes(AppContext& context, ContextRecord& record) const {
    if (request_.callback_reference) context.callback_reference = request_.callback_reference;
    record.has_callback = context.callback_reference.has_value();
    auto& stored = context.app_info.user_app_instance_info;
    const auto& updates = request_.app_info.user_app_instance_info;
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
    const auto& model = contexts_.core.model.unlocked();
    const auto* entry = model.app(record.app_d_id);
    if (entry == nullptr) return {};
    const auto strategy = strategy_of(entry->app, contexts_.strategy);
    return reassign({model, strategy, contexts_.strategy, locations_, false, asked}, record,
                    context);
  }

  // What is owed goes to the callback of now. What has been asked for is on offer no longer.
  Result<void> tell_offers(StoreTransaction& transaction, const ContextRecord& record,
                           const AppContext& context, std::uint32_t asked) const {
    const auto now_ms = contexts_.core.clock.now_ms();
    if (request_.callback_reference) {
      auto redirected = transaction.redirect_notifications(record.context_id,
                                                           *request_.callback_reference, now_ms);
      if (!redirected) return redirected;
    }
    if (asked == 0 || !record.has_callback) return {};
    return owe_offers(transaction, record, context, {}, now_ms);
  }

  // The 204 has no room for the new address: a notification brings it. So it does for the first
  // callback of a context that has changed while there was nobody to tell.
  Result<void> tell(StoreTransaction& transaction, const ContextRecord& record,
                    const AppContext& context, const Reassignment& moved,
                    bool knows_address) const {
    const bool late = untold_ && !record.reference_uri.empty();
    if ((!moved.changed && !late) || !record.has_callback) return {};
    const bool address_only = record.legacy || (knows_address && !moved.list && !late);
    return owe(transaction, record, context, notification_of(context, address_only),
               contexts_.core.clock.now_ms());
  }

  Contexts& contexts_;
  const std::string context_id_;
  const AppContext request_;
  const Caller caller_;
  const IfMatch if_match_;
  Callback<Result<std::uint64_t>> answer_;
  AskedLocations locations_;
  bool untold_ = false;
  std::vector<Start> starts_;
  ContextLedger::Entry entry_;
};

}  // namespace

void update_app_context(Contexts& contexts, std::string context_id, AppContext request,
                        Caller caller, const IfMatch& if_match,
                        Callback<Result<std::uint64_t>> answer) {
  auto unit =
      std::make_unique<UpdateAppContext>(contexts, std::move(context_id), std::move(request),
                                         std::move(caller), if_match, std::move(answer));
  unit->prepare();
  contexts.core.store.submit(std::move(unit));
}

}  // namespace mx2
