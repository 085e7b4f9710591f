#include "optimizer/advantedge/path.h"

#include <algorithm>

namespace mx2::optimizer::advantedge {
namespace {

// Only UEs and FOGs count as being at a point of access; EDGE and DC are nowhere, all of them.
Index access_of(const End& end) {
  const bool has_one = end.type == NodeType::kUe || end.type == NodeType::kFog;
  return has_one ? end.location : kNone;
}

Reach reach_by_session(const Scenario& scenario, const End& ue, const End& host) {
  const auto zone = [&](const End& end) { return scenario.locations[end.location].zone; };
  const bool has_session =
      ue.sessions != nullptr && host.dnn != nullptr && ue.sessions->contains(*host.dnn);
  const bool there = has_session && (!host.ladn || zone(ue) == zone(host));
  return there ? Reach::kReachable : Reach::kNoSession;
}

Reach reach_of(const Scenario& scenario, const End& from, const End& to) {
  const bool from_ue = from.type == NodeType::kUe;
  const bool to_ue = to.type == NodeType::kUe;
  const bool pdu = scenario.connectivity == Connectivity::kPdu;
  if (!from.connected || !to.connected) return Reach::kDisconnected;
  if (from_ue && to_ue) {
    return pdu || scenario.disable_d2d_via_network ? Reach::kBetweenUes : Reach::kReachable;
  }
  if (!pdu || (!from_ue && !to_ue)) return Reach::kReachable;
  return from_ue ? reach_by_session(scenario, from, to) : reach_by_session(scenario, to, from);
}

class Walk {
 public:
  Walk(const Scenario& scenario, Path& path) : scenario_(scenario), path_(path) {
    path_.latency_ms = 0;
    path_.throughput_mbps = std::numeric_limits<double>::infinity();
  }

  // Of every attachment and host: a call for each crossing doubles the time of a topology.
  [[gnu::always_inline]] void cross(Level level, Index index, const NetChar& net, bool uplink) {
    path_.segments[path_.size++] = {level, uplink, index};
    path_.latency_ms += net.latency_ms;
    path_.jitter_ms += net.jitter_ms;
    arriving_ *= 1 - net.loss_percent / 100;
    // The emulator's slip: of processes it takes the uplink's both ways.
    const bool by_uplink = uplink || level == Level::kProcess;
    const auto mbps = by_uplink ? net.throughput_ul_mbps : net.throughput_dl_mbps;
    path_.throughput_mbps = std::min(path_.throughput_mbps, mbps);
  }

  void cross_ends(const End& from, const End& to) {
    if (from.process != kNone) cross_process(from.process, true);
    if (to.process != kNone) cross_process(to.process, false);
    cross(Level::kNode, from.node, *from.net, true);
    cross(Level::kNode, to.node, *to.net, false);
  }

  void cross_access(const End& end, bool uplink) {
    if (end.type != NodeType::kUe) return;
    cross(Level::kLocation, end.location, scenario_.locations[end.location].net, uplink);
  }

  void cross_zone(Index zone, bool uplink) {
    if (zone != kNone) cross(Level::kZone, zone, scenario_.zones[zone].net, uplink);
  }

  void cross_domain(Index domain, bool uplink) {
    if (domain != kNone) cross(Level::kDomain, domain, scenario_.domains[domain].net, uplink);
  }

  void cross_deployment() {
    cross(Level::kDeployment, 0, scenario_.net, true);
    cross(Level::kDeployment, 0, scenario_.net, false);
  }

  void finish() { path_.loss_percent = 100 * (1 - arriving_); }

 private:
  void cross_process(Index process, bool uplink) {
    cross(Level::kProcess, process, scenario_.processes[process].net, uplink);
  }

  const Scenario& scenario_;
  Path& path_;
  double arriving_ = 1;
};

void cross_network(const Scenario& scenario, Walk& walk, const End& from, const End& to,
                   EdgeEdge edge_edge) {
  const auto from_access = access_of(from);
  const bool nowhere = from_access == kNone && edge_edge == EdgeEdge::kCorrected;
  walk.cross_access(from, true);
  walk.cross_access(to, false);
  if (from_access == access_of(to) && !nowhere) return;

  const auto zone_of = [&](const End& end) {
    return end.type == NodeType::kDc ? kNone : scenario.locations[end.location].zone;
  };
  const auto from_zone = zone_of(from);
  const auto to_zone = zone_of(to);
  walk.cross_zone(from_zone, true);
  walk.cross_zone(to_zone, false);
  if (from_zone == to_zone) return;

  const auto domain_of = [&](Index zone) {
    return zone == kNone ? kNone : scenario.zones[zone].domain;
  };
  const auto from_domain = domain_of(from_zone);
  const auto to_domain = domain_of(to_zone);
  walk.cross_domain(from_domain, true);
  walk.cross_domain(to_domain, false);
  if (from_domain != to_domain) walk.cross_deployment();
}

}  // namespace

End end_of_node(const Scenario& scenario, Index index) {
  const auto& node = scenario.nodes[index];
  End end{node.type, node.connected, node.location, index, &node.net};
  end.dnn = &node.dnn;
  end.ladn = node.ladn;
  if (node.type != NodeType::kUe || scenario.connectivity != Connectivity::kPdu) return end;
  const auto sessions = scenario.pdu_sessions.find(node.name);
  if (sessions != scenario.pdu_sessions.end()) end.sessions = &sessions->second;
  return end;
}

End end_at(Index location) {
  static const NetChar kNeutral;
  return {NodeType::kUe, true, location, kNone, &kNeutral};
}

Path path(const Scenario& scenario, const End& from, const End& to, EdgeEdge edge_edge) {
  Path path;
  const bool same_node = from.node != kNone && from.node == to.node;
  if (!same_node) path.reach = reach_of(scenario, from, to);
  if (!path.reachable()) return path;
  Walk walk(scenario, path);
  walk.cross_ends(from, to);
  if (!same_node) cross_network(scenario, walk, from, to, edge_edge);
  walk.finish();
  return path;
}

}  // namespace mx2::optimizer::advantedge
