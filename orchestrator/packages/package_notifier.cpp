#include "orchestrator/packages/package_notifier.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/mec/attribute_filter.h"
#include "api/mec/codec_app_package.h"
#include "orchestrator/packages/package_changes.h"

namespace mx2 {
namespace {

constexpr int kNotifierRoundMs = 100;
constexpr int kFirstSuccess = 200;
constexpr int kLastSuccess = 299;

bool matches(const PackageSubscription& subscription, const json::Value& info) {
  return std::all_of(subscription.filters.begin(), subscription.filters.end(),
                     [&](const std::string& text) {
                       const auto filter = AttributeFilter::parse(text);
                       return filter.ok() && filter->matches(info);
                     });
}

}  // namespace

PackageNotifier::PackageNotifier(Core& core, const PackageNotifierOptions& options,
                                 std::unique_ptr<http::AsyncClient> client,
                                 metrics::Registry& registry)
    : core_(core),
      options_(options),
      client_(std::move(client)),
      delivered_(registry.counter("mx2_package_notifications_total", "Notifications about packages",
                                  {{"outcome", "delivered"}})),
      lost_(registry.counter("mx2_package_notifications_total", "Notifications about packages",
                             {{"outcome", "lost"}})) {}

void PackageNotifier::start() {
  worker_.repeat([this] { step(std::chrono::steady_clock::now(), kNotifierRoundMs); },
                 [this] { client_->wake(); });
}

void PackageNotifier::restore(PackageSubscription subscription) {
  const std::lock_guard guard(mutex_);
  const auto id = subscription.id;
  subscriptions_[id] = std::move(subscription);
}

// Alone in its batch, as the next one, so that each sees what the one before did.
void PackageNotifier::subscribe(PackageSubscription subscription,
                                Callback<Result<PackageSubscription>> answer) {
  subscription.id = core_.ids.next();
  auto run = [this, wanted = std::move(subscription)](
                 StoreTransaction& tx) -> Result<PackageSubscription> {
    if (subscriptions().size() >= options_.subscriptions_max) {
      return forbidden("too-many-subscriptions", "there are too many subscriptions");
    }
    if (auto stored = tx.put(wanted); !stored) return stored.error();
    return wanted;
  };
  auto done = [this, answer = std::move(answer)](Result<PackageSubscription> made) mutable {
    if (made.ok()) restore(*made);
    answer(std::move(made));
  };
  submit_unit(core_.store, kChangesModel, std::move(run), std::move(done));
}

void PackageNotifier::unsubscribe(const std::string& id, Callback<Result<void>> answer) {
  auto run = [this, id](StoreTransaction& tx) -> Result<void> {
    if (!find(id)) return not_found("no subscription '" + id + "'");
    return tx.delete_document(Stored::kPackageSubscription, id);
  };
  auto done = [this, id, answer = std::move(answer)](const Result<void>& outcome) mutable {
    if (outcome.ok()) {
      const std::lock_guard guard(mutex_);
      subscriptions_.erase(id);
    }
    answer(outcome);
  };
  submit_unit(core_.store, kChangesModel, std::move(run), std::move(done));
}

std::vector<PackageSubscription> PackageNotifier::subscriptions() const {
  const std::lock_guard guard(mutex_);
  std::vector<PackageSubscription> all;
  all.reserve(subscriptions_.size());
  for (const auto& [id, subscription] : subscriptions_) all.push_back(subscription);
  return all;
}

std::optional<PackageSubscription> PackageNotifier::find(const std::string& id) const {
  const std::lock_guard guard(mutex_);
  const auto it = subscriptions_.find(id);
  return it == subscriptions_.end() ? std::nullopt : std::optional(it->second);
}

void PackageNotifier::notify(PackageEvent event, const Package& package) {
  const bool used = core_.model.read([&](const Model& model) { return in_use(model, package); });
  for (const auto& subscription : subscriptions()) {
    if (subscription.type != type_of(event)) continue;
    const auto info = codec::app_pkg_info(package, used, subscription.root);
    if (!matches(subscription, info)) continue;
    const auto document = codec::app_pkg_notification(core_.ids.next(), event, package,
                                                      subscription, core_.clock.now_ms());
    const std::lock_guard guard(mutex_);
    if (owed_.size() >= options_.waiting_max) {
      owed_.pop_front();
      lost_.add();
    }
    owed_.push_back({subscription.callback_uri, json::dump(document), 0, {}});
  }
  client_->wake();
}

std::vector<PackageNotifier::Owed> PackageNotifier::take_due(Time now) {
  const std::lock_guard guard(mutex_);
  std::vector<Owed> due;
  std::deque<Owed> later;
  for (auto& owed : owed_) {
    if (owed.due <= now && in_flight_ + due.size() < options_.in_flight_max) {
      due.push_back(std::move(owed));
    } else {
      later.push_back(std::move(owed));
    }
  }
  in_flight_ += due.size();
  owed_ = std::move(later);
  return due;
}

void PackageNotifier::step(Time now, int wait_ms) {
  for (auto& owed : take_due(now)) send(std::move(owed));
  client_->poll(wait_ms);
}

void PackageNotifier::send(Owed owed) {
  http::OutgoingRequest request{
      "POST", owed.uri, {{"Content-Type", "application/json"}}, owed.body};
  client_->begin(std::move(request),
                 [this, owed = std::move(owed)](const Result<http::Reply>& reply) mutable {
                   settle(std::move(owed), reply);
                 });
}

void PackageNotifier::settle(Owed owed, const Result<http::Reply>& reply) {
  const std::lock_guard guard(mutex_);
  --in_flight_;
  if (reply.ok() && reply->status >= kFirstSuccess && reply->status <= kLastSuccess) {
    return delivered_.add();
  }
  if (++owed.attempts >= options_.attempts_max) {
    lost_.add();
    return log::warn("notification about a package lost",
                     {{"callback", owed.uri},
                      {"reason", reply.ok() ? "status " + std::to_string(reply->status)
                                            : reply.error().detail}});
  }
  owed.due = std::chrono::steady_clock::now() +
             std::chrono::milliseconds(options_.retry_first_ms << (owed.attempts - 1));
  owed_.push_back(std::move(owed));
}

}  // namespace mx2
