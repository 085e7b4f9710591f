#include "optimizer/topology.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optimizer/policy.h"
#include "optimizer/topology_csv.h"
#include "optimizer/topology_reader.h"

namespace mx2::optimizer {
namespace {

constexpr double kEarthKm = 6371.0;
constexpr std::int64_t kCountMax = 1'000'000'000;
constexpr std::int64_t kUtilityMax = 1000;
constexpr double kMsMax = 1'000'000;

// Entries of a list under one key, each with an identifier that appears once.
template <typename Use>
void each_entry(TopologyReader& reader, const char* list, const char* id, Use use) {
  const auto* items = reader.list(list);
  if (items == nullptr) return;
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < items->size(); ++i) {
    TopologyEntry entry(reader, (*items)[i], "/" + std::string(list) + "/" + std::to_string(i));
    const auto name = entry.name(id);
    if (!name) continue;
    const auto [it, fresh] = seen.emplace(*name, entry.place());
    if (!fresh) {
      entry.problem("'" + *name + "' is given already at " + it->second + "; this one is left out");
      continue;
    }
    use(entry, *name);
    entry.refuse_unknown();
  }
}

void read_host(TopologyEntry& entry, TopologyHost& host) {
  const auto tier = entry.choice("tier", {"edge", "regional", "cloud"});
  if (tier) host.tier = parse_tier(*tier).value_or(Tier::kEdge);
  host.parent = entry.text("parent").value_or("");
  host.capacity = entry.integer("capacity", 0, kCountMax);
  host.cores = entry.integer("cores", 1, 100000);
  host.service_us = entry.integer("service_us", 0, kCountMax);
  host.position = entry.position("position");
  host.memory_mb = entry.integer("memory_mb", 1, kCountMax).value_or(0);
  host.bandwidth_kbps = entry.integer("bandwidth_kbps", 1, kCountMax).value_or(0);
}

Attachment read_attachment(TopologyEntry& entry, const std::string& name) {
  Attachment attachment{name, entry.position("position"), {}, entry.texts("devices")};
  for (const auto& text : entry.texts("prefixes")) {
    const auto prefix = IpPrefix::parse(text);
    if (prefix) attachment.prefixes.push_back(*prefix);
    if (!prefix) entry.problem("'" + text + "' is no IP prefix (no bits after it)", "prefixes");
  }
  return attachment;
}

QosClass read_qos(TopologyEntry& entry, const std::string& name) {
  QosClass qos{name, 1, 0, 0};
  qos.utility = entry.integer("utility", 1, kUtilityMax).value_or(1);
  qos.response_us_max = entry.milliseconds("response_ms_max", kMsMax).value_or(0);
  qos.served_percent_min = entry.integer("served_percent_min", 0, 100).value_or(0);
  return qos;
}

TopologyApp read_app(TopologyEntry& entry, const std::map<std::string, QosClass>& classes) {
  TopologyApp app;
  app.policy = entry.choice("policy", policy_names()).value_or("");
  app.required_latency_us = entry.milliseconds("required_latency_ms", kMsMax).value_or(0);
  app.weight = entry.integer("weight", 1, 1000).value_or(1);
  app.weight_by_request = entry.choice("weight_per", {"context", "request"}) == "request";
  app.zones = entry.texts("zones");
  for (const auto& text : entry.texts("tiers")) {
    const auto tier = parse_tier(text);
    if (tier) app.tiers.push_back(*tier);
    if (!tier) entry.problem("'" + text + "' is no tier; allowed: edge, regional, cloud", "tiers");
  }
  app.labels = entry.labels("labels");
  if (const auto qos = entry.text("qos")) {
    const auto it = classes.find(*qos);
    if (it != classes.end()) app.qos = it->second;
    if (it == classes.end()) entry.problem("there is no class '" + *qos + "' under qos", "qos");
  }
  return app;
}

void check_parents(TopologyReader& reader, Topology& topology) {
  for (auto& [id, host] : topology.hosts) {
    if (host.parent.empty() || topology.hosts.contains(host.parent)) continue;
    reader.problem("/hosts", "parent '" + host.parent + "' of host '" + id + "' is not among them");
    host.parent.clear();
  }
  for (auto& [id, host] : topology.hosts) {
    auto above = host.parent;
    for (std::size_t i = 0; i < topology.hosts.size() && !above.empty() && above != id; ++i) {
      above = topology.hosts.at(above).parent;
    }
    if (above.empty()) continue;
    reader.problem("/hosts", "the parents of host '" + id + "' lead round in a circle");
    host.parent.clear();
  }
}

void read_latencies(TopologyReader& reader, Topology& topology) {
  std::map<std::string, bool> attachments;
  for (const auto& attachment : topology.attachments) attachments[attachment.name] = true;
  const auto* rows = reader.mapping("latency_ms");
  if (rows == nullptr) return;
  for (const auto& [attachment, row] : rows->items()) {
    const auto pointer = "/latency_ms/" + attachment;
    if (!attachments.contains(attachment)) {
      reader.problem(pointer, "there is no attachment '" + attachment + "'; its row is left out");
      continue;
    }
    TopologyEntry entry(reader, row, pointer);
    for (const auto& host : entry.names()) {
      if (const auto us = entry.latency_us(host, kMsMax))
        topology.latency_us[attachment][host] = *us;
    }
  }
}

}  // namespace

Topology read_topology(const config::Document& yaml) {
  Topology topology;
  const auto document = with_csv_files(yaml, topology.files, topology.problems);
  TopologyReader reader(document, topology.problems);
  each_entry(reader, "hosts", "id", [&](TopologyEntry& entry, const std::string& id) {
    read_host(entry, topology.hosts[id]);
  });
  check_parents(reader, topology);
  each_entry(reader, "attachments", "name", [&](TopologyEntry& entry, const std::string& name) {
    topology.attachments.push_back(read_attachment(entry, name));
  });
  std::map<std::string, QosClass> classes;
  each_entry(reader, "qos", "name", [&](TopologyEntry& entry, const std::string& name) {
    classes[name] = read_qos(entry, name);
  });
  each_entry(reader, "apps", "id", [&](TopologyEntry& entry, const std::string& id) {
    topology.apps[id] = read_app(entry, classes);
  });
  read_latencies(reader, topology);
  (void)reader.mapping("csv");  // its files' entries are among the others
  reader.refuse_unknown();
  return topology;
}

Topology merged(const Topology& file, const Topology& live) {
  auto result = file;
  for (const auto& [id, host] : live.hosts) {
    const auto [it, fresh] = result.hosts.emplace(id, host);
    if (fresh) continue;
    auto& known = it->second;
    if (!known.position) known.position = host.position;
    if (!known.capacity) known.capacity = host.capacity;
    if (known.tier == Tier::kEdge) known.tier = host.tier;  // the default: nothing was said
  }
  result.attachments.insert(result.attachments.begin(), live.attachments.begin(),
                            live.attachments.end());
  result.computed = live.computed;
  result.problems.insert(result.problems.end(), live.problems.begin(), live.problems.end());
  return result;
}

Placed::Placed(const Topology& topology) {
  const auto& computed = topology.computed;
  const bool computes = !computed.attachments.empty();
  const auto& list = topology.hosts;
  const bool says_where =
      !topology.latency_us.empty() || std::any_of(list.begin(), list.end(), [](const auto& host) {
        return host.second.position.has_value();
      });
  all_ = !computes && !says_where;
  hosts_.insert(computed.hosts.begin(), computed.hosts.end());
  for (const auto& [attachment, row] : topology.latency_us) {
    for (const auto& [host, us] : row) hosts_.insert(host);
  }
  if (computes) return;
  for (const auto& [host, entry] : list) hosts_.insert(host);
}

double distance_km(const Position& a, const Position& b) {
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const auto sine = [](double x) { return std::sin(x / 2) * std::sin(x / 2); };
  const auto h = sine(radians(b.latitude - a.latitude)) +
                 std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) *
                     sine(radians(b.longitude - a.longitude));
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(1.0, h)));
}

std::int32_t latency_of_distance(const DistanceModel& model, Tier tier, double km) {
  auto us = static_cast<double>(model.base_us) + static_cast<double>(model.us_per_km) * km;
  if (tier == Tier::kRegional) us += static_cast<double>(model.regional_extra_us);
  if (tier == Tier::kCloud) us += static_cast<double>(model.cloud_extra_us);
  return static_cast<std::int32_t>(std::lround(us));
}

}  // namespace mx2::optimizer
