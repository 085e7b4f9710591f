#include "optimizer/feasibility.h"

#include <algorithm>

namespace mx2::optimizer {

std::string_view to_text(Tier tier) { return enum_text(tier, kTiers); }

std::string_view to_text(Verdict verdict) {
  static constexpr EnumTexts<15> kTexts{"feasible",
                                        "has no instance of the app",
                                        "lacks a label the app needs",
                                        "is in a zone the app must not be in",
                                        "is of a tier the app must not be in",
                                        "serves none of the app's locations",
                                        "does not serve the requested location",
                                        "is down",
                                        "is draining",
                                        "is cordoned",
                                        "cannot be reached from the attachment",
                                        "has no capacity",
                                        "has less memory than the app needs",
                                        "has less bandwidth than the app needs",
                                        "reports that its memory is full"};
  return enum_text(verdict, kTexts);
}

Verdict host_suits_app(const AppModel& app, const HostModel& host, Index host_index) {
  if (!app.instances.empty() && !app.instances[host_index]) return Verdict::kNoInstance;
  for (const auto& [name, value] : app.labels) {
    const auto it = host.labels.find(name);
    if (it == host.labels.end() || it->second != value) return Verdict::kLabels;
  }
  if (!app.zones.empty() &&
      std::find(app.zones.begin(), app.zones.end(), host.zone) == app.zones.end()) {
    return Verdict::kZone;
  }
  if (!app.tiers.empty() &&
      std::find(app.tiers.begin(), app.tiers.end(), host.tier) == app.tiers.end()) {
    return Verdict::kTier;
  }
  if (!app.in_area.empty() && !app.in_area[host_index]) return Verdict::kAppArea;
  if (host.memory_mb > 0 && app.memory_mb > host.memory_mb) return Verdict::kMemory;
  if (host.bandwidth_kbps > 0 && app.bandwidth_kbps > host.bandwidth_kbps) {
    return Verdict::kBandwidth;
  }
  return Verdict::kFeasible;
}

Feasibility::Feasibility(const Snapshot& snapshot)
    : snapshot_(snapshot), hosts_(snapshot.hosts.size()) {
  suits_.resize(snapshot.apps.size() * hosts_);
  for (std::size_t a = 0; a < snapshot.apps.size(); ++a) {
    for (Index h = 0; h < hosts_; ++h) {
      suits_[a * hosts_ + h] =
          host_suits_app(snapshot.apps[a], snapshot.hosts[h], h) == Verdict::kFeasible ? 1 : 0;
    }
  }
  for (const auto& host : snapshot.hosts) {
    const bool takes = host.status == HostStatus::kUp && !host.memory_full;
    open_.push_back(takes && host.capacity > 0 ? 1 : 0);
    const bool may_keep = host.status == HostStatus::kCordoned || host.status == HostStatus::kUp;
    keeps_.push_back(may_keep && host.capacity > 0 ? 1 : 0);
  }
}

Verdict Feasibility::verdict(const Demand& demand, Index current, Index host) const {
  const auto& model = snapshot_.hosts[host];
  const auto suits = host_suits_app(snapshot_.apps[demand.app], model, host);
  if (suits != Verdict::kFeasible) return suits;
  if (demand.area != kNone && !snapshot_.areas[demand.area][host]) return Verdict::kArea;
  if (model.status == HostStatus::kDown) return Verdict::kDown;
  if (model.status == HostStatus::kDraining) return Verdict::kDraining;
  if (snapshot_.latency.at(demand.attachment, host) == LatencyMatrix::kUnreachable) {
    return Verdict::kUnreachable;
  }
  if (model.capacity <= 0) return Verdict::kNoCapacity;
  if (current == host) return Verdict::kFeasible;
  if (model.status != HostStatus::kUp) return Verdict::kCordoned;
  return model.memory_full ? Verdict::kMemoryFull : Verdict::kFeasible;
}

}  // namespace mx2::optimizer
