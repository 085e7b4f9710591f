// What operators see of the topology: where UEs are attached, and the latency that they have and
// could have. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json/json.h"
#include "optimizer/status.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer {

inline constexpr std::uint64_t kUesDefault = 1000;
inline constexpr std::uint64_t kUesMax = 100'000;
inline constexpr std::size_t kHostsToldMax = 100;

struct TopologyFilter {
  std::string ue;    // "dev:car-7" or "car-7"; empty: all
  std::string app;   // empty: all
  bool all = false;  // UEs without contexts, too
  std::uint64_t limit = kUesDefault;
};

//   {"source": {"kind","name","state","error","read","subscribed","problems"},
//    "planned": …, "total": n,
//    "ues": [{"ue","app","attachment","connected","host","latencyMs","best","bestMs"}],
//    "hostsWithoutPlace": [id]}
// state is live, stale (what is known is from "read") or none; kind is file without a live source.
// A latency is a round trip in ms, absent when unknown; "reachable":false when the host is not.
// Without a decision nothing was planned yet; without a source (null) there is no live one.
// hostsWithoutPlace is absent when each has one.
[[nodiscard]] json::Value topology_json(const Status::Decided& decided,
                                        const TopologySource* source, const TopologyFilter& filter);

// Of the source alone, as /status has it.
[[nodiscard]] json::Value source_json(const TopologySource& source);

// Ids of hosts that the topology does not place, so that nobody in it reaches them.
[[nodiscard]] std::vector<std::string> hosts_without_place(const Snapshot& snapshot);
// As "hostsWithoutPlace", at most kHostsToldMax of them; nothing if there are none.
void add_hosts_without_place(json::Value& out, const std::vector<std::string>& hosts);

}  // namespace mx2::optimizer
