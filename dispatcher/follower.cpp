#include "dispatcher/follower.h"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "api/base/log.h"
#include "api/operator/codec.h"

namespace mx2::dispatcher {
namespace {

constexpr std::int64_t kResolveAgainMs = 30'000;
constexpr std::int64_t kResolveMs = 1000;  // in a step, unless one name takes longer

bool serves_alike(const Host& a, const Host& b) {
  return a.state == b.state && a.reachable == b.reachable && a.zone == b.zone &&
         a.labels == b.labels && a.instances == b.instances;
}

}  // namespace

std::vector<std::string> resolve_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) return {};
  std::vector<std::string> addresses;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> out{};
    const int failed = ::getnameinfo(each->ai_addr, each->ai_addrlen, out.data(), out.size(),
                                     nullptr, 0, NI_NUMERICHOST);
    if (failed == 0) addresses.emplace_back(out.data());
  }
  ::freeaddrinfo(found);
  return addresses;
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
  const auto wait_ms =
      to_resolve_.empty() ? std::min<std::int64_t>(access_.wait_ms, kResolveAgainMs) : 0;
  const auto news = feed_.follow(*this, static_cast<int>(wait_ms));
  if (!news) return news.error();
  if (*news == Feed::News::kEverything) {
    reading_.addresses = std::move(known_.addresses);
    known_ = std::exchange(reading_, {});
    changed_here_ = true;
  }
  // What is known is told before anybody waits for a resolver.
  if (changed_here_) {
    keep_addresses();
    publish();
  }
  if (resolve_names()) publish();
  return {};
}

Result<void> Follower::begin(const FeedClient::Mark& mark) {
  reading_ = {};
  if (!mark.has_feed) return unavailable("the orchestrator has no feed of changes");
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
  const auto kind = text_of(change, "kind");
  bool matters = false;
  if (kind == "host") {
    auto host = codec::decode_stored_host(resource_of(std::move(change)));
    if (!host) return host.error();
    auto& known = known_.hosts[host->id];
    matters = known.id != host->id || !serves_alike(known, *host);
    known = std::move(*host);
  } else if (kind == "hostRemoved") {
    matters = known_.hosts.erase(text_of(change, "id")) > 0;
  } else if (kind == "app") {
    const auto app = codec::decode_stored_app(resource_of(std::move(change)));
    if (!app) return app.error();
    known_.apps[app->info.app_d_id] = app->enabled;
    matters = true;
  } else if (kind == "appRemoved") {
    matters = known_.apps.erase(text_of(change, "appDId")) > 0;
  }
  changed_here_ = changed_here_ || matters;
  return {};
}

// Of names that are still used; others are to be resolved.
void Follower::keep_addresses() {
  std::map<std::string, std::string> addresses;
  for (const auto& name : names_to_resolve(known_)) {
    const auto before = known_.addresses.find(name);
    if (before == known_.addresses.end()) {
      to_resolve_.insert(name);
    } else {
      addresses.insert(*before);
    }
  }
  known_.addresses = std::move(addresses);
}

// A name keeps the address it had while that is one of those it has now, or none can be found. True
// if there is another.
bool Follower::resolve_names() {
  const auto begin_ms = clock_.now_ms();
  if (begin_ms >= resolve_all_ms_) {
    resolve_all_ms_ = begin_ms + kResolveAgainMs;
    for (auto& name : names_to_resolve(known_)) to_resolve_.insert(std::move(name));
  }
  bool changed = false;
  while (!to_resolve_.empty() && !stopping_ && clock_.now_ms() - begin_ms < kResolveMs) {
    const auto name = to_resolve_.extract(to_resolve_.begin()).value();
    const auto found = resolve_(name);
    auto& address = known_.addresses[name];
    if (found.empty() || std::find(found.begin(), found.end(), address) != found.end()) continue;
    address = found.front();
    changed = true;
  }
  return changed;
}

void Follower::publish() {
  {
    auto world = std::make_shared<const World>(known_);
    const std::lock_guard lock(mutex_);
    world_ = std::move(world);
  }
  changed_();
}

}  // namespace mx2::dispatcher
