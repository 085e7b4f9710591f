#include "orchestrator/packages/package_subscriptions.h"

#include <algorithm>

#include "api/mec/attribute_filter.h"
#include "api/mec/codec_app_package.h"
#include "orchestrator/core/model_change.h"
#include "orchestrator/packages/package_changes.h"

namespace mx2 {
namespace {

constexpr auto kTopic = notifier::Topic::kPackages;

bool matches(const PackageSubscription& subscription, const json::Value& info) {
  return std::all_of(subscription.filters.begin(), subscription.filters.end(),
                     [&](const std::string& text) {
                       const auto filter = AttributeFilter::parse(text);
                       return filter.ok() && filter->matches(info);
                     });
}

notifier::OutboxEntry owed_to(const Core& core, const PackageSubscription& subscription,
                              PackageEvent event, const Package& package) {
  const auto now_ms = core.clock.now_ms();
  const auto document =
      codec::app_pkg_notification(core.ids.next(), event, package, subscription, now_ms);
  notifier::OutboxEntry entry;
  entry.context_id = subscription.id + "/" + package.id;
  entry.topic = kTopic;
  entry.callback_reference = subscription.callback_uri;
  entry.type = document["notificationType"].get<std::string>();
  entry.body = json::dump(document);
  entry.created_ms = entry.written_ms = entry.due_ms = now_ms;
  return entry;
}

}  // namespace

void subscribe_to_packages(Core& core, PackageSubscription subscription, std::size_t count_max,
                           Callback<Result<PackageSubscription>> answer) {
  subscription.id = core.ids.next();
  auto attempt = [subscription, count_max](const Model& model, StoreTransaction& tx,
                                           RelocationScopes&) -> Result<PackageSubscription> {
    if (model.package_subscriptions().size() >= count_max) {
      return forbidden("too-many-subscriptions", "there are too many subscriptions");
    }
    if (auto stored = tx.put(subscription); !stored) return stored.error();
    return subscription;
  };
  auto publish = [subscription](Model& model, ChangeFeed&) {
    model.put_package_subscription(subscription);
  };
  submit_change<PackageSubscription>(core, std::move(attempt), std::move(publish),
                                     std::move(answer));
}

void unsubscribe_from_packages(Core& core, const std::string& id, Callback<Result<void>> answer) {
  struct Ended {};
  auto attempt = [id](const Model& model, StoreTransaction& tx,
                      RelocationScopes&) -> Result<Ended> {
    if (!model.package_subscriptions().contains(id)) {
      return not_found("no subscription '" + id + "'");
    }
    auto stored = tx.delete_document(Stored::kPackageSubscription, id);
    if (stored.ok()) stored = tx.delete_notifications(id);
    if (!stored) return stored.error();
    return Ended{};
  };
  auto publish = [id](Model& model, ChangeFeed&) { model.remove_package_subscription(id); };
  auto tell = [answer = std::move(answer)](const Result<Ended>& ended) mutable {
    answer(ended ? Result<void>() : ended.error());
  };
  submit_change<Ended>(core, std::move(attempt), std::move(publish), std::move(tell));
}

Result<void> owe_package_event(const Core& core, StoreTransaction& transaction, const Model& model,
                               PackageEvent event, const Package& package) {
  const bool used = in_use(model, package);
  const bool ends = event == PackageEvent::kDeleted;
  for (const auto& [id, subscription] : model.package_subscriptions()) {
    const bool of_its_type = subscription.type == type_of(event);
    if (!of_its_type && !ends) continue;
    const bool wanted =
        of_its_type && matches(subscription, codec::app_pkg_info(package, used, subscription.root));
    // What is owed must stay true: that one was on-boarded is not when it is gone, nor is what the
    // filter does not match any more.
    auto owed = wanted ? transaction.put_notification(owed_to(core, subscription, event, package))
                       : transaction.delete_notification(id + "/" + package.id, kTopic);
    if (!owed) return owed;
  }
  return {};
}

}  // namespace mx2
