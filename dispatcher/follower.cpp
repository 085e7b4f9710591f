#include "dispatcher/follower.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/operator/codec.h"

namespace mx2::dispatcher {
namespace {

bool serves_alike(const Host& a, const Host& b) {
  return a.state == b.state && a.reachable == b.reachable && a.zone == b.zone &&
         a.labels == b.labels && a.instances == b.instances;
}

}  // namespace

Follower::Follower(http::Client& http, FeedAccess access, Names& names,
                   std::function<void()> changed)
    : access_(std::move(access)),
      changed_(std::move(changed)),
      names_(names),
      feed_(http, http, access_, {"hosts", "apps"}, Feed::WhenLost::kReadAtOnce) {}

Result<void> Follower::step() {
  auto outcome = follow();
  note(outcome);
  return outcome;
}

// Many names may get an address before somebody asks.
std::shared_ptr<const World> Follower::world() const {
  const std::lock_guard lock(mutex_);
  const auto version = names_.version();
  if (world_ && names_version_ != version) {
    auto world = *world_;
    world.addresses = names_.known();
    world_ = std::make_shared<const World>(std::move(world));
    names_version_ = version;
  }
  return world_;
}

std::string Follower::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void Follower::note(const Result<void>& outcome) {
  const auto now = outcome ? std::string() : outcome.error().detail;
  const std::lock_guard lock(mutex_);
  if (now == problem_ || stopping_) return;
  if (now.empty()) {
    log::info("following the orchestrator", {{"orchestrator", access_.url}});
  } else {
    log::warn("cannot follow the orchestrator; going on with what is known", {{"reason", now}});
  }
  problem_ = now;
}

Result<void> Follower::follow() {
  changed_here_ = false;
  const auto news = feed_.follow(*this, access_.wait_ms);
  if (!news) return news.error();
  if (*news == Feed::News::kEverything) {
    known_ = std::exchange(reading_, {});
    changed_here_ = true;
  }
  if (changed_here_) publish();
  return {};
}

Result<void> Follower::begin(const FeedClient::Mark&) {
  reading_ = {};
  return {};
}

Result<void> Follower::take_item(const std::string& list, const json::Value& item) {
  if (list == "hosts") {
    auto host = codec::decode_stored_host(item);
    if (!host) return host.error();
    reading_.hosts[host->id] = std::move(*host);
    return {};
  }
  const auto app = codec::decode_stored_app(item);
  if (!app) return app.error();
  reading_.apps[app->info.app_d_id] = app->enabled;
  return {};
}

// Notes whether it matters here.
Result<void> Follower::take_change(json::Value change) {
  const auto kind = json::text_of(change, "kind");
  bool matters = false;
  if (kind == "host") {
    auto host = codec::decode_stored_host(resource_of(std::move(change)));
    if (!host) return host.error();
    auto& known = known_.hosts[host->id];
    matters = known.id != host->id || !serves_alike(known, *host);
    known = std::move(*host);
  } else if (kind == "hostRemoved") {
    matters = known_.hosts.erase(json::text_of(change, "id")) > 0;
  } else if (kind == "app") {
    const auto app = codec::decode_stored_app(resource_of(std::move(change)));
    if (!app) return app.error();
    known_.apps[app->info.app_d_id] = app->enabled;
    matters = true;
  } else if (kind == "appRemoved") {
    matters = known_.apps.erase(json::text_of(change, "appDId")) > 0;
  }
  changed_here_ = changed_here_ || matters;
  return {};
}

// With the addresses there are.
void Follower::publish() {
  names_.want(names_to_resolve(known_));
  {
    auto world = known_;
    const std::lock_guard lock(mutex_);
    names_version_ = names_.version();
    world.addresses = names_.known();
    world_ = std::make_shared<const World>(std::move(world));
  }
  changed_();
}

}  // namespace mx2::dispatcher
