#include "dispatcher/follower.h"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/operator/codec.h"

namespace mx2::dispatcher {
namespace {

constexpr const char* kRoot = "/operator/v1";
constexpr int kOk = 200;
constexpr std::int64_t kResolveAgainMs = 30'000;

std::string text(const json::Value& document, const char* member) {
  const auto it = document.find(member);
  return it != document.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Error strange(const std::string& path) {
  return unavailable("the orchestrator's answer to " + path + " is not as expected");
}

// Members of the change that the resource itself does not have.
json::Value resource_of(json::Value change) {
  change.erase("kind");
  change.erase("position");
  return change;
}

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

Follower::Follower(http::Client& http, OrchestratorAccess access, const Clock& clock,
                   Resolve resolve, std::function<void()> changed)
    : http_(http),
      access_(std::move(access)),
      clock_(clock),
      resolve_(std::move(resolve)),
      changed_(std::move(changed)) {}

Result<void> Follower::step() {
  auto outcome = synchronised_ ? follow() : read_all();
  if (!outcome) synchronised_ = false;
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

Result<json::Value> Follower::get(const std::string& path) {
  const auto reply = http_.send("GET", access_.url + kRoot + path, {}, "");
  if (!reply) return reply.error();
  if (reply->status != kOk) {
    return unavailable("the orchestrator answered " + path + " with " +
                       std::to_string(reply->status));
  }
  auto document = json::parse(reply->body);
  if (!document || !document->is_object()) return strange(path);
  return document;
}

Result<void> Follower::each(const std::string& list,
                            const std::function<Result<void>(const json::Value&)>& use) {
  std::string cursor;
  do {
    auto path = "/" + list + "?limit=" + std::to_string(access_.page_items);
    if (!cursor.empty()) path += "&cursor=" + percent_encode(cursor);
    const auto document = get(path);
    if (!document) return document.error();
    const auto items = document->find("items");
    if (items == document->end() || !items->is_array()) return strange(path);
    for (const auto& item : *items) {
      if (auto used = use(item); !used) return used;
    }
    cursor = text(*document, "next");
  } while (!cursor.empty());
  return {};
}

Result<void> Follower::read_all() {
  const auto mark = get("/snapshot");
  if (!mark) return mark.error();
  const auto position = mark->find("position");
  if (position == mark->end() || !position->is_number_unsigned()) return strange("/snapshot");
  World read;
  auto done = each("hosts", [&](const json::Value& value) -> Result<void> {
    auto host = codec::decode_host(value);
    if (!host) return host.error();
    read.hosts[host->id] = std::move(*host);
    return {};
  });
  if (!done) return done;
  done = each("apps", [&](const json::Value& value) -> Result<void> {
    const auto app = codec::decode_app(value);
    if (!app) return app.error();
    read.apps[app->info.app_d_id] = app->enabled;
    return {};
  });
  if (!done) return done;
  read.addresses = std::move(known_.addresses);
  known_ = std::move(read);
  position_ = position->get<std::uint64_t>();
  synchronised_ = true;
  publish();
  return {};
}

Result<void> Follower::follow() {
  const auto wait_ms = std::min<std::int64_t>(access_.wait_ms, kResolveAgainMs);
  auto news =
      get("/changes?since=" + std::to_string(position_) + "&wait_ms=" + std::to_string(wait_ms));
  if (!news) {
    // 410, or a restart: everything is read again.
    return read_all();
  }
  const auto position = news->find("position");
  const auto changes = news->find("changes");
  if (position == news->end() || !position->is_number_unsigned() || changes == news->end() ||
      !changes->is_array()) {
    return strange("/changes");
  }
  bool changed = false;
  for (auto& change : *changes) {
    const auto applied = apply(std::move(change));
    if (!applied) return applied.error();
    changed = changed || *applied;
  }
  position_ = position->get<std::uint64_t>();
  if (changed || clock_.now_ms() - resolved_ms_ >= kResolveAgainMs) publish();
  return {};
}

// Whether it matters here.
Result<bool> Follower::apply(json::Value change) {
  const auto kind = text(change, "kind");
  if (kind == "host") {
    auto host = codec::decode_host(resource_of(std::move(change)));
    if (!host) return host.error();
    auto& known = known_.hosts[host->id];
    const bool same = known.id == host->id && serves_alike(known, *host);
    known = std::move(*host);
    return !same;
  }
  if (kind == "hostRemoved") return known_.hosts.erase(text(change, "id")) > 0;
  if (kind == "app") {
    const auto app = codec::decode_app(resource_of(std::move(change)));
    if (!app) return app.error();
    known_.apps[app->info.app_d_id] = app->enabled;
    return true;
  }
  if (kind == "appRemoved") return known_.apps.erase(text(change, "appDId")) > 0;
  return false;
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
