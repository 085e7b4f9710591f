#include "optimizer/classes.h"

#include <algorithm>
#include <unordered_map>

namespace mx2::optimizer {
namespace {

struct KeyHash {
  std::size_t operator()(const ClassKey& key) const {
    std::uint64_t hash = key.app;
    hash = hash * 0x9E3779B97F4A7C15U + key.attachment;
    hash = hash * 0x9E3779B97F4A7C15U + key.area;
    hash = hash * 0x9E3779B97F4A7C15U + key.contexts * 8U + static_cast<unsigned>(key.tier) * 2U +
           (key.placed ? 1U : 0U);
    return hash ^ (hash >> 29U);
  }
};

}  // namespace

Classes classify(const Snapshot& snapshot) {
  Classes result;
  const bool tiers_matter =
      std::any_of(snapshot.hosts.begin(), snapshot.hosts.end(),
                  [](const HostModel& host) { return !host.takes_from_above; });
  std::unordered_map<ClassKey, std::uint32_t, KeyHash> known;
  std::vector<std::uint32_t> class_of(snapshot.groups.size(), kNone);
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto& group = snapshot.groups[i];
    if (group.fixed) continue;
    const bool placed = group.host != kNone;
    const auto tier = tiers_matter && placed ? snapshot.hosts[group.host].tier : Tier::kEdge;
    const ClassKey key{group, group.contexts, placed, tier};
    const auto [it, fresh] = known.emplace(key, static_cast<std::uint32_t>(result.classes.size()));
    if (fresh) result.classes.push_back({key, 0, 0});
    class_of[i] = it->second;
    ++result.classes[it->second].groups;
  }
  std::uint32_t first = 0;
  for (auto& c : result.classes) {
    c.first = first;
    first += c.groups;
  }
  result.members.resize(first);
  std::vector<std::uint32_t> filled(result.classes.size());
  for (std::uint32_t i = 0; i < class_of.size(); ++i) {
    if (class_of[i] == kNone) continue;
    result.members[result.classes[class_of[i]].first + filled[class_of[i]]++] = i;
  }
  for (const auto& c : result.classes) {
    const auto begin = result.members.begin() + c.first;
    std::stable_sort(begin, begin + c.groups, [&](std::uint32_t a, std::uint32_t b) {
      const auto& x = snapshot.groups[a];
      const auto& y = snapshot.groups[b];
      return x.host != y.host ? x.host < y.host : x.resting && !y.resting;
    });
  }
  return result;
}

}  // namespace mx2::optimizer
