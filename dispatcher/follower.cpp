#include "dispatcher/follower.h"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "api/base/log.h"
#include "api/operator/codec.h"

namespace mx2::dispatcher {
namespace {

constexpr std::int64_t kResolveAgainMs = 30'000;

bool serves_alike(const Host& a, const Host& b) {
  return a.state == b.state && a.reachable == b.reachable && a.zone == b.zone &&
         a.labels == b.labels && a.instances == b.instances;
}

}  // namespace

std::string resolve_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) return {};
  std::array<char, NI_MAXHOST> out{};
  const int failed = ::getnameinfo(found->ai_addr, found->ai_addrlen, out.data(), out.size(),
                                   nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return failed != 0 ? std::string() : std::string(out.data());
}

Follower::Follower(http::Client& http, FeedAccess access, const Clock& clock, Resolve resolve,
                   std::function<void()> changed)
    : access_(std::move(access)),
      clock_(clock),
      resolve_(std::move(resolve)),
      changed_(std::move(changed)),
      feed_(http, http, access_, {"hosts", "apps"}, Feed::WhenLost::kReadAtOnce) {}

Result<void> Follower::step() {
  auto outcome = follow();
  note(outcome);
  return outcome;
}

std::shared_ptr<const World> Follower::world() const {
  const std::lock_guard lock(mutex_);
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
  const auto wait_ms = std::min<std::int64_t>(access_.wait_ms, kResolveAgainMs);
  const auto news = feed_.follow(*this, static_cast<int>(wait_ms));
  if (!news) return news.error();
  if (*news == Feed::News::kEverything) {
    reading_.addresses = std::move(known_.addresses);
    known_ = std::exchange(reading_, {});
    changed_here_ = true;
  }
  if (changed_here_ || clock_.now_ms() - resolved_ms_ >= kResolveAgainMs) publish();
  return {};
}

Result<void> Follower::begin(const FeedClient::Mark& mark) {
  reading_ = {};
  if (!mark.has_feed) return unavailable("the orchestrator has no feed of changes");
  return {};
}

Result<void> Follower::take_item(const std::string& list, const json::Value& item) {
  if (list == "hosts") {
    auto host = codec::decode_host(item);
    if (!host) return host.error();
    reading_.hosts[host->id] = std::move(*host);
    return {};
  }
  const auto app = codec::decode_app(item);
  if (!app) return app.error();
  reading_.apps[app->info.app_d_id] = app->enabled;
  return {};
}

// Notes whether it matters here.
Result<void> Follower::take_change(json::Value change) {
  const auto kind = text_of(change, "kind");
  bool matters = false;
  if (kind == "host") {
    auto host = codec::decode_host(resource_of(std::move(change)));
    if (!host) return host.error();
    auto& known = known_.hosts[host->id];
    matters = known.id != host->id || !serves_alike(known, *host);
    known = std::move(*host);
  } else if (kind == "hostRemoved") {
    matters = known_.hosts.erase(text_of(change, "id")) > 0;
  } else if (kind == "app") {
    const auto app = codec::decode_app(resource_of(std::move(change)));
    if (!app) return app.error();
    known_.apps[app->info.app_d_id] = app->enabled;
    matters = true;
  } else if (kind == "appRemoved") {
    matters = known_.apps.erase(text_of(change, "appDId")) > 0;
  }
  changed_here_ = changed_here_ || matters;
  return {};
}

// A name that cannot be resolved now keeps the address it had.
void Follower::resolve_names() {
  const bool again = clock_.now_ms() - resolved_ms_ >= kResolveAgainMs;
  std::map<std::string, std::string> addresses;
  for (const auto& name : names_to_resolve(known_)) {
    auto& address = addresses[name];
    const auto before = known_.addresses.find(name);
    if (before != known_.addresses.end()) address = before->second;
    if (!again && before != known_.addresses.end()) continue;
    if (auto found = resolve_(name); !found.empty()) address = std::move(found);
  }
  known_.addresses = std::move(addresses);
  if (again) resolved_ms_ = clock_.now_ms();
}

void Follower::publish() {
  resolve_names();
  {
    auto world = std::make_shared<const World>(known_);
    const std::lock_guard lock(mutex_);
    world_ = std::move(world);
  }
  changed_();
}

}  // namespace mx2::dispatcher
