// Who may be served where. Pure; one definition for all policies, the evaluation and explanations.
#pragma once

#include <utility>

#include "optimizer/model.h"

namespace mx2::optimizer {

enum class Verdict : std::uint8_t {
  kFeasible,
  kNoInstance,
  kLabels,
  kZone,
  kTier,
  kAppArea,  // none of the app's locations
  kArea,     // not the location that the device application asks for
  kDown,
  kDraining,
  kCordoned,  // only those who are there already may stay
  kUnreachable,
  kNoCapacity,
  kMemory,
  kBandwidth,
  kMemoryFull,  // only those who are there already may stay
};

[[nodiscard]] std::string_view to_text(Verdict verdict);

// Without regard to the UE: instance, labels, zone, tier, area, memory, bandwidth.
[[nodiscard]] Verdict host_suits_app(const AppModel& app, const HostModel& host, Index host_index);

// Apps × hosts, asked millions of times.
class Feasibility {
 public:
  explicit Feasibility(const Snapshot& snapshot);

  // May a group that is at `current` be at `host`, capacity apart?
  [[nodiscard]] bool may(const Demand& demand, Index current, Index host) const {
    if (!suits_[demand.app * hosts_ + host]) return false;
    if (!open_[host] && !(keeps_[host] && current == host)) return false;
    if (demand.area != kNone && !snapshot_.areas[demand.area][host]) return false;
    return snapshot_.latency.at(demand.attachment, host) != LatencyMatrix::kUnreachable;
  }
  // May somebody new come to `host`?
  [[nodiscard]] bool may_enter(const Demand& demand, Index host) const {
    return may(demand, kNone, host);
  }
  // May it stay where it is? Not who is nowhere.
  [[nodiscard]] bool may_stay(const Group& group) const {
    return group.host != kNone && may(group, group.host, group.host);
  }
  [[nodiscard]] Verdict verdict(const Demand& demand, Index current, Index host) const;

 private:
  const Snapshot& snapshot_;
  std::size_t hosts_;
  std::vector<std::uint8_t> suits_;
  std::vector<std::uint8_t> open_;
  std::vector<std::uint8_t> keeps_;
};

// The host with the least `key`, the first of equals, of those that `may` be; kNone if none may.
template <typename May, typename Key>
[[nodiscard]] Index least_host(const Snapshot& snapshot, May may, Key key) {
  Index best = kNone;
  decltype(key(best)) least{};
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    if (!may(h)) continue;
    auto value = key(h);
    if (best != kNone && !(value < least)) continue;
    best = h;
    least = std::move(value);
  }
  return best;
}

}  // namespace mx2::optimizer
