#include "api/mx2/codec.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/mx2/service.h"

namespace mx2 {
namespace {

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
  UpdateAppContext(Mx2Service& service, std::string context_id, AppContext request, Caller caller,
                   const IfMatch& if_match, Callback<Result<std::uint64_t>> answer)
      : service_(service),
        context_id_(std::move(context_id)),
        request_(std::move(request)),
        caller_(std::move(caller)),
        if_match_(if_match),
        answer_(std::move(answer)) {}

  Result<void> run(StoreTransaction& transaction) override {
    auto found = transaction.find_context(context_id_);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller_, if_match_); !access) return access;
    ContextRecord record = std::move(**found);
    auto context = codec::decode_app_context(record.document);
    if (!context) return internal("stored context: " + context.error().detail);
    apply(*context, record);
    record.revision += 1;
    revision_ = record.revision;
    record.document = codec::encode(*context);
    changed_ = update_notification(*context);
    return transaction.update_context(record);
  }

  [[nodiscard]] bool writes_once() const override { return true; }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    service_.events.publish(context_id_, revision_, changed_);
    answer_(revision_);
  }

 private:
  // Only callbackReference and appLocation may change (7.5.3.2); the rest of the request is
  // ignored.
  void apply(AppContext& context, ContextRecord& record) const {
    if (request_.callback_reference) context.callback_reference = request_.callback_reference;
    record.has_callback = context.callback_reference.has_value();
    auto& stored = context.app_info.user_app_instance_info;
    const auto& updates = request_.app_info.user_app_instance_info;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      auto* item = counterpart(stored, updates[i], i);
      if (item == nullptr || !updates[i].app_location ||
          updates[i].app_location == item->app_location) {
        continue;
      }
      item->app_location = updates[i].app_location;
      relocate(*item, record, item == &stored.front());
    }
  }

  // The item moves to where its new location is served, if that is anywhere; else it stays.
  void relocate(UserAppInstance& item, ContextRecord& record, bool first) const {
    const auto location = PreparedLocation::make(*item.app_location);
    if (!location) return;  // an update is only checked by the schema: no area to go by
    const PlacementQuery query{record.app_d_id, record.dev_app_id,
                               IpAddress::parse(record.client_ip), &*location};
    const auto placement = place(service_.model.unlocked(), query);
    if (!placement) return;
    item.app_instance_id = placement->app_instance_id;
    item.reference_uri = placement->reference_uri;
    if (!first) return;
    record.host_id = placement->host_id;
    record.reference_uri = placement->reference_uri;
    record.ue = placement->ue;
  }

  Mx2Service& service_;
  const std::string context_id_;
  const AppContext request_;
  const Caller caller_;
  const IfMatch if_match_;
  Callback<Result<std::uint64_t>> answer_;
  std::uint64_t revision_ = 0;
  ApplicationContextUpdateNotification changed_;
};

}  // namespace

void update_app_context(Mx2Service& service, std::string context_id, AppContext request,
                        Caller caller, const IfMatch& if_match,
                        Callback<Result<std::uint64_t>> answer) {
  service.store.submit(std::make_unique<UpdateAppContext>(service, std::move(context_id),
                                                          std::move(request), std::move(caller),
                                                          if_match, std::move(answer)));
}

}  // namespace mx2
