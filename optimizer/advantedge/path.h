// What lies between two nodes (or processes) of a scenario, one way, by the rule that AdvantEDGE's
// network emulation follows (meep-net-char-mgr, release 1.9.2): a list of elements that are
// crossed.
//
//   both processes, both nodes; the same node: done
//   one of them disconnected, two UEs while that is disabled, or no PDU session: unreachable
//   the access points of UEs; the same access point (or that of a FOG): done
//   the zones, unless of a DC; the same zone (crossed twice): done
//   the domains, unless of a DC; the same domain (crossed twice): done
//   the deployment, twice
//
// Latency and jitter add up, loss is of independent losses, throughput is the least one. What the
// DEFAULT locations and COMMON zones say is never used. Device-to-device links are not modelled.
//
// EDGE and DC nodes have no access point, which the emulator takes for the same one: between two of
// them nothing is crossed, whatever their zones. EdgeEdge::kCorrected crosses what lies between.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "optimizer/advantedge/scenario.h"

namespace mx2::optimizer::advantedge {

enum class EdgeEdge : std::uint8_t { kAdvantedge, kCorrected };
inline constexpr EnumTexts<2> kEdgeEdges{"advantedge", "corrected"};

enum class Level : std::uint8_t { kProcess, kNode, kLocation, kZone, kDomain, kDeployment };

// One crossing.
struct Segment {
  Level level = Level::kProcess;
  bool uplink = true;  // on the side of the source
  Index index = kNone;
};

enum class Reach : std::uint8_t {
  kReachable,
  kDisconnected,  // one of the two is
  kBetweenUes,    // disabled, or not possible with PDU connectivity
  kNoSession,     // the UE has no PDU session to the host's data network, or is in another zone
};

struct Path {
  static constexpr std::size_t kSegmentsMax = 12;

  Reach reach = Reach::kReachable;
  // Unreachable is infinitely far, not 0 as the emulator reports it.
  double latency_ms = std::numeric_limits<double>::infinity();
  double jitter_ms = 0;
  double loss_percent = 100;
  double throughput_mbps = 0;
  std::size_t size = 0;
  std::array<Segment, kSegmentsMax> segments;  // the first `size` of them, in the emulator's order

  [[nodiscard]] bool reachable() const { return reach == Reach::kReachable; }
};

// One end of a path. Refers to the scenario that it was made of, and to `sessions`.
struct End {
  NodeType type = NodeType::kUe;
  bool connected = true;
  Index location = kNone;
  Index node = kNone;            // kNone: a UE that need not exist, as it would be at the location
  const NetChar* net = nullptr;  // of the node
  Index process = kNone;         // kNone: without what processes add
  const std::string* dnn = nullptr;
  bool ladn = false;
  const std::set<std::string>* sessions = nullptr;  // null: none
};

[[nodiscard]] End end_of_node(const Scenario& scenario, Index node);
// A connected UE that adds nothing of its own and has no PDU session.
[[nodiscard]] End end_at(Index location);

[[nodiscard]] Path path(const Scenario& scenario, const End& from, const End& to,
                        EdgeEdge edge_edge = EdgeEdge::kCorrected);

}  // namespace mx2::optimizer::advantedge
