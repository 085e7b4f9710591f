// A scenario as the Optimizer's topology: hosts, where UEs are attached, and the latency between.
//
// Hosts are the EDGE, FOG and DC nodes, by their name or userMeta "mx2.hostId"; tier cloud for DC
// and edge for the others unless "mx2.tier" says otherwise; "mx2.capacity" in load units. UEs are
// devices by their name or "mx2.device", and addresses if their name or "mx2.ip" is one.
//
// The process of a node is the one that userMeta "mx2.process" names, else the one that is called
// as the host or the device, else the only one; of several, the slowest, which is told if it
// matters. What its network characteristics say is part of every path from or to it, as it is in
// the emulator, whose paths are those between processes.
//
// An attachment is an access point together with what distinguishes UEs there. Those that add
// nothing of their own share the access point's, which exists also without UEs and has its name;
// UEs with latency, jitter, loss (of the UE and its process) or PDU sessions of their own share one
// with those that are alike,
// named "<access point>/<what they add>". UEs that are not connected are at "disconnected".
//
// A latency is that of the round trip, in µs:
//   both directions' latency + jitter_percent of their jitter + loss_us_per_percent of their loss
// Nobody is reached through a loss of 100 %.
#pragma once

#include <optional>
#include <string>

#include "optimizer/advantedge/path.h"
#include "optimizer/advantedge/scenario.h"
#include "optimizer/topology.h"

namespace mx2::optimizer::advantedge {

inline constexpr const char* kDisconnected = "disconnected";
inline constexpr std::size_t kHostsMax = 5000;
// Attachments × hosts: 80 MB. Attachments beyond are left out, and told.
inline constexpr std::size_t kCellsMax = 20'000'000;

struct TopologyTerms {
  std::int64_t jitter_percent = 100;
  std::int64_t loss_us_per_percent = 1000;
  EdgeEdge edge_edge = EdgeEdge::kCorrected;
  bool operator==(const TopologyTerms&) const = default;
};

// Fills hosts, attachments, computed latencies, and problems: the scenario's and its own.
[[nodiscard]] Topology topology_of(const Scenario& scenario, const TopologyTerms& terms);

// The round trip in µs; LatencyMatrix::kUnreachable.
[[nodiscard]] std::int32_t round_trip_us(const Scenario& scenario, const End& a, const End& b,
                                         const TopologyTerms& terms);

// kNone: it has none.
[[nodiscard]] Index process_of(const Scenario& scenario, const Node& node);
[[nodiscard]] std::string host_id_of(const Node& node);
[[nodiscard]] std::string device_of(const Node& ue);
[[nodiscard]] std::optional<IpAddress> address_of(const Node& ue);

// The name of its attachment; empty if there is no such UE.
[[nodiscard]] std::string attachment_of(const Scenario& scenario, const std::string& ue);

// Moves a UE in constant time; `location` empty: disconnects it. False, and nothing done, if there
// is no such UE or location. What attachment_of() says then is among a topology's attachments, if
// it is the access point's shared one; one of its own may need topology_of() again.
bool move_ue(Scenario& scenario, const std::string& ue, const std::string& location);

}  // namespace mx2::optimizer::advantedge
