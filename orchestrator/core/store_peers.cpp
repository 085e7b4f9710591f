#include "orchestrator/core/store_peers.h"

#include <algorithm>
#include <iterator>

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr std::size_t kPeersMax = 1000;
constexpr std::size_t kNamesShown = 3;
constexpr std::size_t kAgreeLeast = 2;

}  // namespace

bool is_believed(std::size_t agree, std::size_t of) {
  return agree >= kAgreeLeast && 2 * agree > of;
}

std::vector<PeerView> who_is_ahead(const StoreEpoch& own, const std::vector<PeerView>& views) {
  std::vector<PeerView> ahead;
  std::copy_if(views.begin(), views.end(), std::back_inserter(ahead), [&](const PeerView& view) {
    return view.store.id == own.id && view.store.epoch > own.epoch;
  });
  return ahead;
}

std::vector<PeerView> who_reports(const StoreEpoch& own, const std::vector<PeerView>& before,
                                  const std::vector<PeerView>& after) {
  std::vector<PeerView> reporting;
  for (const auto& view : after) {
    const auto was = std::find_if(before.begin(), before.end(),
                                  [&](const PeerView& b) { return b.peer == view.peer; });
    if (was == before.end() || view.store.id != own.id || view.heard <= was->heard) continue;
    reporting.push_back(view);
  }
  return reporting;
}

std::string names_of(const std::vector<PeerView>& views) {
  std::string names;
  for (std::size_t i = 0; i < std::min(views.size(), kNamesShown); ++i) {
    names += (i == 0 ? "" : ", ") + views[i].peer;
  }
  if (views.size() <= kNamesShown) return names;
  return names + " and " + std::to_string(views.size() - kNamesShown) + " more";
}

void StorePeers::begin(const StoreEpoch& own) {
  const std::lock_guard guard(mutex_);
  own_ = own;
}

StoreEpoch StorePeers::own() const {
  const std::lock_guard guard(mutex_);
  return own_;
}

void StorePeers::hear(const std::string& peer, std::optional<std::string_view> said) {
  const auto known = said ? parse_store_epoch(*said) : std::nullopt;
  if (!known) return;
  const std::lock_guard guard(mutex_);
  if (known->id != own_.id) return;
  if (known->epoch <= own_.epoch) {
    ahead_.erase(peer);
    return;
  }
  const bool full = ahead_.size() >= kPeersMax && ahead_.count(peer) == 0;
  if (full || !ahead_.insert_or_assign(peer, known->epoch).second) return;
  log::warn("a peer knows a newer epoch of this store: it was put back from a copy, or runs twice",
            {{"peer", peer}, {"its_epoch", known->epoch}, {"our_epoch", own_.epoch}});
}

std::map<std::string, std::uint64_t> StorePeers::ahead() const {
  const std::lock_guard guard(mutex_);
  return ahead_;
}

}  // namespace mx2
