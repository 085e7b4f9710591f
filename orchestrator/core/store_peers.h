// What our peers (MEPMs, the Optimizer) know of the store that we work on: each is told its
// identity and epoch with every answer to its reports and remembers the newest, and says with every
// report what it remembers. A store that is older than that has been put back from a copy.
//
// While we run nobody's word ends us: who is ahead is told once in the log, and in health.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operator/backup.h"

namespace mx2 {

// What one of them said at our start.
struct PeerView {
  std::string peer;
  StoreEpoch store;         // the newest it knows
  std::uint64_t heard = 0;  // reports of its present life that an orchestrator has answered
  bool lately = false;      // the last of them a moment ago
};

// So many of those who answered and know this store must agree before we believe them: more than
// half, and never one alone.
[[nodiscard]] bool is_believed(std::size_t agree, std::size_t of);

// Who knows a newer epoch of the same store. Pure.
[[nodiscard]] std::vector<PeerView> who_is_ahead(const StoreEpoch& own,
                                                 const std::vector<PeerView>& views);
// Who has reported to an orchestrator between two looks, and knows this store. Pure.
[[nodiscard]] std::vector<PeerView> who_reports(const StoreEpoch& own,
                                                const std::vector<PeerView>& before,
                                                const std::vector<PeerView>& after);
// "mec-1, mec-2 and 3 more"
[[nodiscard]] std::string names_of(const std::vector<PeerView>& views);

class StorePeers {
 public:
  void begin(const StoreEpoch& own);
  [[nodiscard]] StoreEpoch own() const;

  // `said`: kStoreHeader of its request, if it has one.
  void hear(const std::string& peer, std::optional<std::string_view> said);
  // The epoch that each of those knows who are ahead.
  [[nodiscard]] std::map<std::string, std::uint64_t> ahead() const;

 private:
  mutable std::mutex mutex_;
  StoreEpoch own_;
  std::map<std::string, std::uint64_t> ahead_;  // bounded: kPeersMax
};

}  // namespace mx2
