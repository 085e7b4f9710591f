#include "optimizer/advantedge/topology_of.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "api/base/text.h"
#include "api/base/units.h"
#include "optimizer/advantedge/element.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr double kRoundTripUsMax = 1e9;
constexpr std::uint64_t kCapacityMax = 1'000'000'000;

const std::string* meta_of(const Node& node, const char* key) {
  const auto it = node.user_meta.find(key);
  return it == node.user_meta.end() || it->second.empty() ? nullptr : &it->second;
}

// Is it called as what stands for its node with us?
bool is_named(const Scenario& scenario, const Node& node, Index process) {
  const auto* given = meta_of(node, "mx2.process");
  const auto& name = scenario.processes[process].name;
  if (given != nullptr) return name == *given;
  return name == (node.is_host() ? host_id_of(node) : device_of(node));
}

bool adds_delay(const NetChar& net) {
  return net.latency_ms != 0 || net.jitter_ms != 0 || net.loss_percent != 0;
}

std::string shared_name(const Scenario& scenario, Index location) {
  const auto& name = scenario.locations[location].name;
  return name == kDisconnected ? name + "/" : name;
}

const std::set<std::string>* sessions_of(const Scenario& scenario, const Node& ue) {
  if (scenario.connectivity != Connectivity::kPdu) return nullptr;
  const auto it = scenario.pdu_sessions.find(ue.name);
  return it == scenario.pdu_sessions.end() || it->second.empty() ? nullptr : &it->second;
}

// Of the node and its process.
NetChar own_net(const Scenario& scenario, const Node& node) {
  auto net = node.net;
  const auto process = process_of(scenario, node);
  if (process == kNone) return net;
  const auto& added = scenario.processes[process].net;
  net.latency_ms += added.latency_ms;
  net.jitter_ms += added.jitter_ms;
  net.loss_percent += added.loss_percent * (1 - net.loss_percent / 100);
  return net;
}

bool is_like_others(const Scenario& scenario, const Node& ue) {
  return !adds_delay(own_net(scenario, ue)) && sessions_of(scenario, ue) == nullptr;
}

End end_of(const Scenario& scenario, Index index) {
  auto end = end_of_node(scenario, index);
  end.process = process_of(scenario, scenario.nodes[index]);
  return end;
}

bool is_slower(const NetChar& a, const NetChar& b) {
  return std::tie(a.latency_ms, a.jitter_ms, a.loss_percent) >
         std::tie(b.latency_ms, b.jitter_ms, b.loss_percent);
}

// Several processes, none of which is named as ours, that are not alike.
bool is_ambiguous(const Scenario& scenario, const Node& node) {
  const auto chosen = process_of(scenario, node);
  if (chosen == kNone || is_named(scenario, node, chosen)) return false;
  const auto& slowest = scenario.processes[chosen].net;
  return std::any_of(node.processes.begin(), node.processes.end(),
                     [&](Index p) { return is_slower(slowest, scenario.processes[p].net); });
}

std::string attachment_name(const Scenario& scenario, const Node& ue) {
  if (!ue.connected) return kDisconnected;
  auto name = shared_name(scenario, ue.location);
  if (is_like_others(scenario, ue)) return name;
  name += "/";
  if (const auto net = own_net(scenario, ue); adds_delay(net)) {
    name += fmt::format("{:.10g}ms+{:.10g}ms+{:.10g}%", net.latency_ms, net.jitter_ms,
                        net.loss_percent);
  }
  const auto* sessions = sessions_of(scenario, ue);
  return sessions == nullptr ? name : name + fmt::format("[{}]", fmt::join(*sessions, ","));
}

double one_way_us(const Path& path, const TopologyTerms& terms) {
  const auto jitter_us = path.jitter_ms * kUsPerMs;
  return path.latency_ms * kUsPerMs + jitter_us * static_cast<double>(terms.jitter_percent) / 100 +
         path.loss_percent * static_cast<double>(terms.loss_us_per_percent);
}

class Builder {
 public:
  Builder(const Scenario& scenario, const TopologyTerms& terms)
      : scenario_(scenario), terms_(terms), problems_(topology_.problems) {
    topology_.problems = scenario.problems;
  }

  Topology build() {
    add_hosts();
    add_attachments();
    for (Index n = 0; n < scenario_.nodes.size(); ++n) {
      if (!scenario_.nodes[n].is_host()) add_ue(n);
    }
    compute();
    return std::move(topology_);
  }

 private:
  void problem(const Node& node, const std::string& text) {
    problems_.add(fmt::format("physical location '{}': {}", node.name, text));
  }

  void tell_ambiguity(const Node& node) {
    if (!is_ambiguous(scenario_, node)) return;
    problem(node,
            "its processes differ and none is ours by name; the slowest counts (mx2.process)");
  }

  void add_hosts() {
    for (Index n = 0; n < scenario_.nodes.size(); ++n) {
      const auto& node = scenario_.nodes[n];
      if (!node.is_host()) continue;
      const auto id = host_id_of(node);
      if (topology_.hosts.contains(id)) {
        problem(node, "host '" + id + "' is another one already; this one is left out");
      } else if (hosts_.size() >= kHostsMax) {
        problems_.add(fmt::format("there are more than {} hosts; the rest is left out", kHostsMax));
      } else {
        topology_.hosts.emplace(id, host_of(node));
        topology_.computed.hosts.push_back(id);
        hosts_.push_back(end_of(scenario_, n));
        tell_ambiguity(node);
      }
    }
  }

  TopologyHost host_of(const Node& node) {
    TopologyHost host;
    host.tier = node.type == NodeType::kDc ? Tier::kCloud : Tier::kEdge;
    host.position = node.position;
    if (const auto* text = meta_of(node, "mx2.tier")) {
      const auto tier = parse_enum<Tier>(*text, kTiers);
      if (!tier) problem(node, "mx2.tier is '" + *text + "'; allowed: edge, regional, cloud");
      host.tier = tier.value_or(host.tier);
    }
    if (const auto* text = meta_of(node, "mx2.capacity")) {
      const auto capacity = parse_uint(*text);
      const bool usable = capacity && *capacity <= kCapacityMax;
      if (usable) host.capacity = static_cast<std::int64_t>(*capacity);
      if (!usable) problem(node, "mx2.capacity is '" + *text + "', no number of load units");
    }
    return host;
  }

  void add_attachments() {
    add_attachment(kDisconnected, std::nullopt, std::nullopt);
    topology_.attachments.front().connected = false;
    for (Index l = 0; l < scenario_.locations.size(); ++l) {
      const auto& location = scenario_.locations[l];
      if (location.is_default) continue;
      add_attachment(shared_name(scenario_, l), end_at(l), location.position);
    }
  }

  // Kept within kCellsMax; kNone beyond.
  Index add_attachment(const std::string& name, const std::optional<End>& end,
                       const std::optional<Position>& position) {
    if ((topology_.attachments.size() + 1) * hosts_.size() > kCellsMax) {
      problems_.add("there are too many attachments and hosts; some attachments are left out");
      return kNone;
    }
    const auto place = static_cast<Index>(topology_.attachments.size());
    topology_.attachments.push_back({name, position, {}, {}});
    topology_.computed.attachments.push_back(name);
    ends_.push_back(end);
    by_name_.emplace(name, place);
    return place;
  }

  Index attachment_index(Index ue) {
    const auto& node = scenario_.nodes[ue];
    const auto name = attachment_name(scenario_, node);
    const auto known = by_name_.find(name);
    if (known != by_name_.end()) return known->second;
    const bool shared = is_like_others(scenario_, node);
    return add_attachment(name, shared ? end_at(node.location) : end_of(scenario_, ue),
                          scenario_.locations[node.location].position);
  }

  void add_ue(Index ue) {
    const auto& node = scenario_.nodes[ue];
    const auto place = attachment_index(ue);
    if (place == kNone) return;
    auto& attachment = topology_.attachments[place];
    tell_ambiguity(node);
    const auto device = device_of(node);
    if (devices_.insert(device).second) {
      attachment.devices.push_back(device);
    } else {
      problem(node, "device '" + device + "' is another one already; this one is left out");
    }
    if (const auto address = address_of(node)) add_address(node, attachment, *address);
  }

  void add_address(const Node& node, Attachment& attachment, const IpAddress& address) {
    if (addresses_.insert(address.text()).second) {
      attachment.prefixes.push_back({address, 128});
    } else {
      problem(node, "address " + address.text() + " is another one's already");
    }
  }

  void compute() {
    auto& us = topology_.computed.us;
    us = LatencyMatrix(ends_.size(), hosts_.size());
    for (Index a = 0; a < ends_.size(); ++a) {
      for (Index h = 0; h < hosts_.size(); ++h) {
        us.set(a, h,
               ends_[a] ? round_trip_us(scenario_, *ends_[a], hosts_[h], terms_)
                        : LatencyMatrix::kUnreachable);
      }
    }
  }

  const Scenario& scenario_;
  const TopologyTerms& terms_;
  Topology topology_;
  Problems problems_;
  std::vector<End> hosts_;
  std::vector<std::optional<End>> ends_;  // of each attachment; none: nowhere
  std::unordered_map<std::string, Index> by_name_;
  std::unordered_set<std::string> devices_;
  std::unordered_set<std::string> addresses_;
};

const Node* find_ue(const Scenario& scenario, const std::string& name) {
  const auto index = find(scenario.node_index, name);
  if (index == kNone || scenario.nodes[index].is_host()) return nullptr;
  return &scenario.nodes[index];
}

}  // namespace

Topology topology_of(const Scenario& scenario, const TopologyTerms& terms) {
  return Builder(scenario, terms).build();
}

std::int32_t round_trip_us(const Scenario& scenario, const End& a, const End& b,
                           const TopologyTerms& terms) {
  const auto there = path(scenario, a, b, terms.edge_edge);
  const auto back = path(scenario, b, a, terms.edge_edge);
  const bool reached =
      there.reachable() && back.reachable() && there.loss_percent < 100 && back.loss_percent < 100;
  if (!reached) return LatencyMatrix::kUnreachable;
  const auto us = one_way_us(there, terms) + one_way_us(back, terms);
  return static_cast<std::int32_t>(std::lround(std::min(us, kRoundTripUsMax)));
}

Index process_of(const Scenario& scenario, const Node& node) {
  Index slowest = kNone;
  for (const auto p : node.processes) {
    if (is_named(scenario, node, p)) return p;
    const auto& processes = scenario.processes;
    if (slowest == kNone || is_slower(processes[p].net, processes[slowest].net)) slowest = p;
  }
  return slowest;
}

std::string host_id_of(const Node& node) {
  const auto* id = meta_of(node, "mx2.hostId");
  return id == nullptr ? node.name : *id;
}

std::string device_of(const Node& ue) {
  const auto* device = meta_of(ue, "mx2.device");
  return device == nullptr ? ue.name : *device;
}

std::optional<IpAddress> address_of(const Node& ue) {
  const auto* ip = meta_of(ue, "mx2.ip");
  return IpAddress::parse(ip == nullptr ? ue.name : *ip);
}

std::string attachment_of(const Scenario& scenario, const std::string& ue) {
  const auto* node = find_ue(scenario, ue);
  return node == nullptr ? "" : attachment_name(scenario, *node);
}

bool move_ue(Scenario& scenario, const std::string& ue, const std::string& location) {
  const auto* known = find_ue(scenario, ue);
  const auto to = find(scenario.location_index, location);
  if (known == nullptr || (to == kNone && !location.empty())) return false;
  auto& node = scenario.nodes[static_cast<std::size_t>(known - scenario.nodes.data())];
  node.connected = to != kNone;
  if (node.connected) node.location = to;
  return true;
}

}  // namespace mx2::optimizer::advantedge
