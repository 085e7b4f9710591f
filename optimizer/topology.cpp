#include "optimizer/topology.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "api/base/text.h"
#include "api/base/units.h"
#include "api/config/mapping.h"
#include "optimizer/policy.h"
#include "optimizer/topology_csv.h"

namespace mx2::optimizer {
namespace {

constexpr double kEarthKm = 6371.0;
constexpr std::int64_t kCountMax = 1'000'000'000;
constexpr std::int64_t kUtilityMax = 1000;
constexpr double kMsMax = 1'000'000;
constexpr std::size_t kComparedMax = 1000;

using config::Mapping;

template <typename Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> result;
  result.reserve(map.size());
  for (const auto& [key, value] : map) result.push_back(key);
  return result;
}

// Entries of a list under one key, each with an identifier that appears once.
template <typename Use>
void each_entry(Mapping& topology, const std::string& list, const std::string& id, Use use) {
  const auto* items = topology.list(list);
  if (items == nullptr) return;
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < items->size(); ++i) {
    auto entry = topology.at(list + "/" + std::to_string(i), (*items)[i]);
    const auto* name = entry.find(id);
    if (!entry.is_mapping()) {
      entry.problem("must be a mapping; it is left out");
    } else if (name == nullptr || !name->is_string() || *name == "") {
      entry.problem(id + " must be a text; the entry is left out");
    } else if (const auto [it, fresh] = seen.emplace(name->get<std::string>(), entry.place());
               !fresh) {
      entry.problem("'" + it->first + "' is given already at " + it->second +
                    "; this one is left out");
    } else {
      use(entry, it->first);
      entry.refuse_unknown();
    }
  }
}

std::map<std::string, std::string> labels(Mapping& entry, const std::string& key) {
  std::map<std::string, std::string> result;
  const auto* value = entry.find(key);
  if (value == nullptr) return result;
  if (!value->is_object()) {
    entry.problem(key + " must be a mapping of texts", key);
    return result;
  }
  for (const auto& [name, item] : value->items()) {
    if (item.is_string()) result[name] = item.get<std::string>();
    if (!item.is_string()) entry.problem("label '" + name + "' must be a text", key);
  }
  return result;
}

// As µs.
std::optional<std::int64_t> milliseconds(Mapping& entry, const std::string& key) {
  const auto* value = entry.find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto ms = value->get<double>();
    if (ms >= 0 && ms <= kMsMax) return std::llround(ms * kUsPerMs);
  }
  entry.problem(key + " is " + json::dump(*value) + "; must be milliseconds, not negative", key);
  return std::nullopt;
}

// "unreachable", or milliseconds; null and absent are unknown.
std::optional<std::int64_t> latency_us(Mapping& entry, const std::string& key) {
  const auto* value = entry.find(key);
  if (value != nullptr && *value == "unreachable") return LatencyMatrix::kUnreachable;
  return milliseconds(entry, key);
}

// [longitude, latitude]
std::optional<Position> position(Mapping& entry) {
  const auto* value = entry.find("position");
  if (value == nullptr) return std::nullopt;
  const bool pair =
      value->is_array() && value->size() == 2 && (*value)[0].is_number() && (*value)[1].is_number();
  if (pair) {
    const Position position{(*value)[0].get<double>(), (*value)[1].get<double>(), {}};
    if (std::abs(position.longitude) <= 180 && std::abs(position.latitude) <= 90) return position;
  }
  entry.problem("position must be [longitude, latitude] in degrees", "position");
  return std::nullopt;
}

void read_host(Mapping& entry, TopologyHost& host) {
  std::string tier = "edge";
  entry.choice("tier", tier, {"edge", "regional", "cloud"});
  host.tier = parse_enum<Tier>(tier, kTiers).value_or(Tier::kEdge);
  entry.text("parent", host.parent);
  entry.integer("capacity", host.capacity, 0, kCountMax);
  entry.integer("cores", host.cores, 1, 100000);
  entry.integer("service_us", host.service_us, 0, kCountMax);
  host.position = position(entry);
  entry.integer("memory_mb", host.memory_mb, 1, kCountMax);
  entry.integer("bandwidth_kbps", host.bandwidth_kbps, 1, kCountMax);
}

Attachment read_attachment(Mapping& entry, const std::string& name) {
  Attachment attachment{name, position(entry), {}, entry.texts("devices")};
  for (const auto& text : entry.texts("prefixes")) {
    const auto prefix = IpPrefix::parse(text);
    if (prefix) attachment.prefixes.push_back(*prefix);
    if (!prefix) entry.problem("'" + text + "' is no IP prefix (no bits after it)", "prefixes");
  }
  return attachment;
}

// UEs and prefixes, each with its attachment: the first that has it.
class AttachedOnce {
 public:
  void add(Mapping& entry, const Attachment& attachment) {
    for (const auto& device : attachment.devices) {
      add(entry, "devices", device, devices_, attachment.name);
    }
    for (const auto& prefix : attachment.prefixes) {
      add(entry, "prefixes", prefix.text(), prefixes_, attachment.name);
    }
  }

 private:
  using Attached = std::unordered_map<std::string, std::string>;

  static void add(Mapping& entry, const char* key, const std::string& text, Attached& attached,
                  const std::string& name) {
    const auto [it, fresh] = attached.emplace(text, name);
    if (fresh) return;
    entry.problem("'" + text + "' is at attachment '" + it->second + "' already, which counts",
                  key);
  }

  Attached devices_;
  Attached prefixes_;
};

QosClass read_qos(Mapping& entry, const std::string& name) {
  QosClass qos{name, 1, 0, 0};
  entry.integer("utility", qos.utility, 1, kUtilityMax);
  qos.response_us_max = milliseconds(entry, "response_ms_max").value_or(0);
  entry.integer("served_percent_min", qos.served_percent_min, 0, 100);
  return qos;
}

TopologyApp read_app(Mapping& entry, const std::map<std::string, QosClass>& classes) {
  TopologyApp app;
  entry.choice("policy", app.policy, policy_names());
  app.required_latency_us = milliseconds(entry, "required_latency_ms").value_or(0);
  entry.integer("weight", app.weight, 1, 1000);
  std::string weight_per = "context";
  entry.choice("weight_per", weight_per, {"context", "request"});
  app.weight_by_request = weight_per == "request";
  app.zones = entry.texts("zones");
  for (const auto& text : entry.texts("tiers")) {
    const auto tier = parse_enum<Tier>(text, kTiers);
    if (tier) app.tiers.push_back(*tier);
    if (!tier) entry.problem("'" + text + "' is no tier; allowed: edge, regional, cloud", "tiers");
  }
  app.labels = labels(entry, "labels");
  std::string qos;
  entry.text("qos", qos);
  const auto it = classes.find(qos);
  if (it != classes.end()) app.qos = it->second;
  if (!qos.empty() && it == classes.end()) {
    entry.problem(
        "there is no class '" + qos + "' under qos" + entry.suggestion(qos, keys(classes)), "qos");
  }
  return app;
}

void check_parents(Mapping& reader, Topology& topology) {
  const auto ids = keys(topology.hosts);
  for (auto& [id, host] : topology.hosts) {
    if (host.parent.empty() || topology.hosts.contains(host.parent)) continue;
    reader.problem("parent '" + host.parent + "' of host '" + id + "' is not among them" +
                       reader.suggestion(host.parent, ids),
                   "hosts");
    host.parent.clear();
  }
  for (auto& [id, host] : topology.hosts) {
    auto above = host.parent;
    for (std::size_t i = 0; i < topology.hosts.size() && !above.empty() && above != id; ++i) {
      above = topology.hosts.at(above).parent;
    }
    if (above.empty()) continue;
    reader.problem("the parents of host '" + id + "' lead round in a circle", "hosts");
    host.parent.clear();
  }
}

// A list that has one of the hosts to which there are latencies is taken to have all of them; of
// another one only what looks like a slip of the pen is told. What is told is used all the same.
void check_hosts(Mapping& reader, const json::Value& rows, const Topology& topology) {
  const auto& latencies = topology.latency_us;
  const auto listed = [&](const auto& entry) { return topology.hosts.contains(entry.first); };
  const bool has_all = std::any_of(latencies.begin(), latencies.end(), [&](const auto& row) {
    return std::any_of(row.second.begin(), row.second.end(), listed);
  });
  const auto ids = keys(topology.hosts);
  for (const auto& [attachment, row] : latencies) {
    auto entry = reader.at("latency_ms/" + attachment, rows[attachment]);
    for (const auto& [host, us] : row) {
      if (topology.hosts.contains(host)) continue;
      const auto hint = entry.suggestion(host, ids);
      if (has_all || !hint.empty()) {
        entry.problem("there is no host '" + host + "' under hosts" + hint, host);
      }
    }
  }
}

void read_latencies(Mapping& reader, Topology& topology) {
  std::map<std::string, bool> attachments;
  for (const auto& attachment : topology.attachments) attachments[attachment.name] = true;
  const auto names = keys(attachments);
  const auto* rows = reader.mapping("latency_ms");
  if (rows == nullptr) return;
  for (const auto& [attachment, row] : rows->items()) {
    auto entry = reader.at("latency_ms/" + attachment, row);
    if (!attachments.contains(attachment)) {
      entry.problem("there is no attachment '" + attachment + "'" +
                    entry.suggestion(attachment, names) + "; its row is left out");
      continue;
    }
    if (!entry.is_mapping()) entry.problem("must be a mapping; it is left out");
    for (const auto& host : entry.names()) {
      if (const auto us = latency_us(entry, host)) {
        topology.latency_us[attachment][host] = static_cast<std::int32_t>(*us);
      }
    }
  }
  check_hosts(reader, *rows, topology);
}

}  // namespace

Topology read_topology(const config::Document& yaml) {
  Topology topology;
  const auto document = with_csv_files(yaml, topology.files, topology.problems);
  Mapping reader(document, document.value, "", topology.problems);
  if (!reader.is_mapping()) reader.problem("must be a mapping of keys");
  each_entry(reader, "hosts", "id",
             [&](Mapping& entry, const std::string& id) { read_host(entry, topology.hosts[id]); });
  check_parents(reader, topology);
  AttachedOnce attached;
  each_entry(reader, "attachments", "name", [&](Mapping& entry, const std::string& name) {
    topology.attachments.push_back(read_attachment(entry, name));
    attached.add(entry, topology.attachments.back());
  });
  std::map<std::string, QosClass> classes;
  each_entry(reader, "qos", "name", [&](Mapping& entry, const std::string& name) {
    classes[name] = read_qos(entry, name);
  });
  each_entry(reader, "apps", "id", [&](Mapping& entry, const std::string& id) {
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

std::vector<std::string> unknown_names(const Topology& topology, const Snapshot& snapshot) {
  std::vector<std::string> unknown;
  const auto compare = [&](const std::string& kind, const auto& named, const auto& known) {
    std::vector<std::string> ids;
    ids.reserve(known.size());
    for (const auto& entry : known) ids.push_back(entry.id);
    std::sort(ids.begin(), ids.end());
    for (const auto& name : named) {
      if (unknown.size() >= kUnknownMax) return;
      if (std::binary_search(ids.begin(), ids.end(), name)) continue;
      const auto hint = ids.size() > kComparedMax ? std::string() : did_you_mean(name, ids);
      unknown.push_back("there is no " + kind + " '" + name + "'" + hint);
    }
  };
  std::set<std::string> hosts;
  for (const auto& [id, host] : topology.hosts) hosts.insert(id);
  for (const auto& [attachment, row] : topology.latency_us) {
    for (const auto& [host, us] : row) hosts.insert(host);
  }
  for (const auto& host : topology.computed.hosts) hosts.erase(host);
  compare("host", hosts, snapshot.hosts);
  compare("app", keys(topology.apps), snapshot.apps);
  return unknown;
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
