#include "orchestrator/continuity.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "api/base/file.h"
#include "api/base/ids.h"
#include "api/base/log.h"
#include "api/json/json.h"
#include "orchestrator/core/store_peers.h"

namespace mx2 {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPeerPatience{1000};   // with all peers together
constexpr std::chrono::milliseconds kReportsWithin{4000};  // they report once a second
constexpr std::chrono::milliseconds kPeerLookEvery{500};
constexpr std::int64_t kHeardLatelyMs = 5000;
constexpr int kPeerHealthy = 200;
constexpr int kPeerGuarded = 401;

// ---- one machine

sockaddr_un claim_address(const std::string& id, socklen_t& size) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = "mx2-store-" + id;  // abstract: gone with the process
  std::memcpy(address.sun_path + 1, name.data(),
              std::min(name.size(), sizeof address.sun_path - 1));
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

// Who has it; nothing when that is no user whom we would believe.
std::optional<pid_t> holder_of(const sockaddr_un& address, socklen_t size) {
  const Fd peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ucred who{};
  socklen_t length = sizeof who;
  if (!peer.is_open() ||
      ::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &length) != 0) {
    return std::nullopt;
  }
  if (who.uid != ::geteuid() && who.uid != 0) return std::nullopt;
  return who.pid;
}

Result<Fd> claim_here(const std::string& id, const std::string& path) {
  socklen_t size = 0;
  const auto address = claim_address(id, size);
  Fd claim(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!claim.is_open()) return Fd();
  if (::bind(claim.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) {
    // Never accepted: each start that is refused stays in the queue, and that is long.
    static_cast<void>(::listen(claim.get(), SOMAXCONN));
    return claim;
  }
  if (const auto pid = holder_of(address, size)) {
    return unavailable("process " + std::to_string(*pid) +
                       " of this machine has a copy of the store " + path +
                       " open: one store serves once. Stop that orchestrator first, or start this "
                       "one instead of it");
  }
  log::warn("cannot see whether another process has a copy of this store", {{"store", path}});
  return Fd();
}

// ---- peers

std::uint64_t unsigned_in(const json::Value& document, const char* member) {
  const auto it = document.find(member);
  return it != document.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

std::optional<PeerView> view_of(const std::string& peer, const Result<http::Reply>& reply) {
  if (!reply || reply->status != kPeerHealthy) return std::nullopt;
  const auto document = json::parse(reply->body);
  if (!document || !document->is_object()) return std::nullopt;
  const auto store = parse_store_epoch(json::text_of(*document, "store"));
  if (!store) return std::nullopt;
  const bool has_age = document->contains("reportAgeMs");
  const bool lately = has_age && unsigned_in(*document, "reportAgeMs") < kHeardLatelyMs;
  return PeerView{peer, *store, unsigned_in(*document, "reports"), lately};
}

// One round: the health of all, by those who answer in time.
std::vector<PeerView> ask_all(const Peers& peers, http::AsyncClient& client) {
  struct Round {
    std::vector<PeerView> views;
    std::size_t open = 0;
  };
  const auto round = std::make_shared<Round>();
  const auto deadline = Steady::now() + kPeerPatience;
  for (const auto& peer : peers.all) {
    ++round->open;
    http::OutgoingRequest request{"GET", peer.mepm_uri + "/health", {}, {}};
    if (!peers.token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + peers.token);
    request.timeout_ms = static_cast<int>(kPeerPatience.count());
    client.begin(std::move(request), [round, id = peer.host_id](const Result<http::Reply>& reply) {
      --round->open;
      if (reply && reply->status == kPeerGuarded) {
        log::warn(
            "a MEPM does not tell us its health: it cannot say whether this store is an old "
            "copy (lifecycle.token_file must be its server.token_file)",
            {{"host", id}});
      }
      if (auto view = view_of(id, reply)) round->views.push_back(std::move(*view));
    });
  }
  while (round->open > 0 && Steady::now() < deadline) client.poll(10);
  std::sort(round->views.begin(), round->views.end(),
            [](const PeerView& a, const PeerView& b) { return a.peer < b.peer; });
  return round->views;
}

// Those who know this store.
std::size_t count_of_knowing(const StoreEpoch& own, const std::vector<PeerView>& views) {
  return static_cast<std::size_t>(std::count_if(
      views.begin(), views.end(), [&](const PeerView& v) { return v.store.id == own.id; }));
}

Result<void> check_epoch(const StoreEpoch& own, const std::string& path,
                         const std::vector<PeerView>& views) {
  const auto ahead = who_is_ahead(own, views);
  if (ahead.empty()) return {};
  const auto text = names_of(ahead) + " know" + (ahead.size() == 1 ? "s" : "") +
                    " a newer epoch of it (" + std::to_string(ahead.front().store.epoch) +
                    ", this one has " + std::to_string(own.epoch) + ")";
  if (!is_believed(ahead.size(), count_of_knowing(own, views))) {
    log::warn("the store may be an old copy: " + text, {{"store", path}});
    return {};
  }
  return unavailable("the store " + path + " is an old copy: " + text +
                     ". Start the newest one; or, to go on with this one and lose what came since, "
                     "run mx2ctl restore --as-is --store " +
                     path);
}

// The store was elsewhere before: moved, or copied while its orchestrator goes on.
Result<void> check_unshared(const StoreEpoch& own, const std::string& path,
                            const std::vector<PeerView>& before, const Peers& peers,
                            http::AsyncClient& client) {
  const auto lately = static_cast<std::size_t>(
      std::count_if(before.begin(), before.end(),
                    [&](const PeerView& view) { return view.lately && view.store.id == own.id; }));
  if (!is_believed(lately, count_of_knowing(own, before))) return {};
  log::info("looking whether another orchestrator works on this store", {{"store", path}});
  const auto end = Steady::now() + kReportsWithin;
  while (Steady::now() < end) {
    std::this_thread::sleep_for(kPeerLookEvery);
    const auto after = ask_all(peers, client);
    const auto reporting = who_reports(own, before, after);
    if (!is_believed(reporting.size(), count_of_knowing(own, before))) continue;
    return unavailable("another orchestrator works on a copy of the store " + path + ": " +
                       names_of(reporting) +
                       " go on reporting to it. One store serves once: stop that one first");
  }
  return {};
}

// ---- the store

std::string machine_and_path(const std::string& path) {
  std::error_code ignored;
  const auto machine = read_file("/etc/machine-id", 256);
  const auto full = std::filesystem::weakly_canonical(path, ignored).string();
  return (machine ? first_line(*machine) : "") + ":" + full;
}

// What `mx2ctl restore` has left, if this is the first start since.
Result<std::optional<std::uint64_t>> ordered_epoch(const std::string& path) {
  const auto file = path + kNewEpochSuffix;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::optional<std::uint64_t>();
  const auto text = read_file(file, 64);
  if (!text) return unavailable(file + " cannot be read: it must belong to who runs this");
  return std::optional(parse_uint(first_line(*text)).value_or(0));
}

// Not kept, it must not be told either: our peers would take the store for an old copy for ever.
Result<void> keep_epoch(Store& store, const StoreEpoch& epoch, const std::string& place,
                        const std::string& path) {
  std::promise<Result<void>> done;
  submit_unit(
      store, kPlainUnit, [&](StoreTransaction& tx) { return tx.set_epoch(epoch, place); },
      [&](const Result<void>& outcome) { done.set_value(outcome); });
  auto stored = done.get_future().get();
  std::error_code ignored;
  if (stored) std::filesystem::remove(path + kNewEpochSuffix, ignored);
  return stored;
}

}  // namespace

Result<BegunEpoch> begin_epoch(Store& store, const Store::Loaded& loaded, const std::string& path,
                               const Peers& peers, http::AsyncClient& client,
                               const SystemClock& clock) {
  auto epoch = loaded.epoch;
  const bool known = !epoch.id.empty();
  if (!known) epoch.id = RandomIds(clock).next();
  auto claim = claim_here(epoch.id, path);
  if (!claim) return claim.error();
  const auto ordered = ordered_epoch(path);
  if (!ordered) return ordered.error();
  const auto place = machine_and_path(path);
  const auto views = known && !peers.all.empty() ? ask_all(peers, client) : std::vector<PeerView>();
  if (!*ordered) {
    if (auto fine = check_epoch(epoch, path, views); !fine) return fine.error();
  }
  if (known && place != loaded.place) {
    if (auto alone = check_unshared(epoch, path, views, peers, client); !alone)
      return alone.error();
  }
  epoch.epoch = std::max(epoch.epoch + 1, (*ordered).value_or(0));
  if (auto kept = keep_epoch(store, epoch, place, path); !kept) return kept.error();
  return BegunEpoch{std::move(epoch), std::move(*claim)};
}

}  // namespace mx2
