#include "optimizer/advantedge/scenario.h"

#include <fmt/format.h>

#include "api/base/file.h"
#include "api/base/text.h"
#include "api/config/yaml.h"
#include "optimizer/advantedge/element.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::size_t kSessionsMax = 400'000;
constexpr const char* kMajorVersion = "1";
constexpr EnumTexts<4> kNodeTypes{"UE", "FOG", "EDGE", "DC"};

class Reader {
 public:
  explicit Reader(Scenario& scenario) : scenario_(scenario), problems_(scenario.problems) {}

  void read(const json::Value& document) {
    const Element root(document, "scenario", problems_);
    if (!document.is_object()) return;
    scenario_.name = root.name();
    scenario_.version = root.text("version");
    check_version(root);
    const auto* value = root.object("deployment");
    if (value == nullptr) return root.problem("has no deployment");
    const Element deployment(*value, "deployment", scenario_.name, problems_);
    scenario_.net = deployment.net();
    read_connectivity(deployment);
    if (const auto* d2d = deployment.object("d2d")) {
      const auto it = d2d->find("disableD2dViaNetwork");
      scenario_.disable_d2d_via_network = it != d2d->end() && it->is_boolean() && it->get<bool>();
    }
    each(deployment, "domains", [&](const json::Value& domain) { read_domain(domain); });
    for (Index p = 0; p < scenario_.processes.size(); ++p) {
      scenario_.nodes[scenario_.processes[p].node].processes.push_back(p);
    }
  }

 private:
  void check_version(const Element& root) const {
    const auto& version = scenario_.version;
    if (version.empty() || version.substr(0, version.find('.')) == kMajorVersion) return;
    root.problem("version is '" + version + "'; it is read as if it were 1.9.2");
  }

  void read_connectivity(const Element& deployment) {
    const auto* connectivity = deployment.object("connectivity");
    if (connectivity == nullptr) return;
    const auto it = connectivity->find("model");
    if (it == connectivity->end() || it->is_null() || *it == "OPEN") return;
    if (*it == "PDU") scenario_.connectivity = Connectivity::kPdu;
    if (*it != "PDU") deployment.problem("connectivity.model is unknown; OPEN is used");
  }

  // The place of an element; kNone if it cannot be one.
  template <typename T>
  Index place_for(const Element& element, std::vector<T>& elements, std::size_t most,
                  std::unordered_map<std::string, Index>& index) {
    if (element.name().empty()) return kNone;
    if (const auto known = index.find(element.name()); known != index.end()) {
      element.problem("is there more than once; the last one counts");
      return known->second;
    }
    if (elements.size() >= most) {
      problems_.add(fmt::format("there are more than {} of one kind; the rest is left out", most));
      return kNone;
    }
    const auto place = static_cast<Index>(elements.size());
    index.emplace(element.name(), place);
    elements.emplace_back();
    return place;
  }

  template <typename Read>
  void each(const Element& element, const char* key, Read read) {
    const auto* list = element.list(key);
    if (list == nullptr) return;
    for (const auto& item : *list) read(item);
  }

  // Of a type that is unknown, it is told, and the first one is used.
  template <std::size_t n>
  std::size_t type_of(const Element& element, const EnumTexts<n>& types) {
    const auto type = element.text("type");
    const auto known = parse_enum<std::size_t>(type, types);
    if (!known && !type.empty()) {
      element.problem(
          fmt::format("type '{}' is unknown; {} is used", type.substr(0, 40), types.front()));
    }
    return known.value_or(0);
  }

  void read_domain(const json::Value& value) {
    const Element element(value, "domain", problems_);
    const auto place = place_for(element, scenario_.domains, kDomainsMax, scenario_.domain_index);
    if (place == kNone) return;
    type_of<3>(element, {"OPERATOR", "OPERATOR-CELLULAR", "PUBLIC"});
    scenario_.domains[place] = {element.name(), element.net()};
    each(element, "zones", [&](const json::Value& zone) { read_zone(zone, place); });
  }

  void read_zone(const json::Value& value, Index domain) {
    const Element element(value, "zone", problems_);
    const auto place = place_for(element, scenario_.zones, kZonesMax, scenario_.zone_index);
    if (place == kNone) return;
    const bool is_common = type_of<2>(element, {"ZONE", "COMMON"}) == 1;
    scenario_.zones[place] = {element.name(), domain, is_common, element.net()};
    each(element, "networkLocations",
         [&](const json::Value& location) { read_location(location, place); });
  }

  void read_location(const json::Value& value, Index zone) {
    const Element element(value, "network location", problems_);
    const auto place =
        place_for(element, scenario_.locations, kLocationsMax, scenario_.location_index);
    if (place == kNone) return;
    const bool is_default =
        type_of<5>(element, {"POA", "POA-4G", "POA-5G", "POA-WIFI", "DEFAULT"}) == 4;
    scenario_.locations[place] = {element.name(), zone, is_default, element.net(),
                                  element.position()};
    each(element, "physicalLocations", [&](const json::Value& node) { read_node(node, place); });
  }

  // A node of unknown type is left out: it is not known what it is for.
  std::optional<NodeType> node_type(const Element& element) {
    const auto text = element.text("type");
    const auto type = parse_enum<NodeType>(text, kNodeTypes);
    if (!type)
      element.problem("type '" + text.substr(0, 40) + "' is unknown; this one is left out");
    return type;
  }

  void read_node(const json::Value& value, Index location) {
    const Element element(value, "physical location", problems_);
    const auto type = element.name().empty() ? std::nullopt : node_type(element);
    if (!type) return;
    const auto place = place_for(element, scenario_.nodes, kNodesMax, scenario_.node_index);
    if (place == kNone) return;
    Node node;
    node.name = element.name();
    node.type = *type;
    node.location = location;
    node.connected = element.flag("connected");
    node.net = element.net();
    node.position = element.position();
    node.user_meta = element.user_meta();
    if (const auto* network = element.object("dataNetwork")) read_data_network(*network, node);
    const bool lone = !node.connected && *type != NodeType::kUe;
    if (lone) element.problem("is not connected, so nobody reaches it");
    scenario_.nodes[place] = std::move(node);
    each(element, "processes", [&](const json::Value& process) { read_process(process, place); });
  }

  static void read_data_network(const json::Value& network, Node& node) {
    const auto dnn = network.find("dnn");
    const auto ladn = network.find("ladn");
    const bool named = dnn != network.end() && dnn->is_string();
    if (named) node.dnn = dnn->get_ref<const std::string&>().substr(0, kNameBytesMax);
    node.ladn = ladn != network.end() && ladn->is_boolean() && ladn->get<bool>();
  }

  void read_process(const json::Value& value, Index node) {
    const Element element(value, "process", problems_);
    const auto place =
        place_for(element, scenario_.processes, kProcessesMax, scenario_.process_index);
    if (place == kNone) return;
    type_of<3>(element, {"UE-APP", "EDGE-APP", "CLOUD-APP"});
    scenario_.processes[place] = {element.name(), node, element.net()};
  }

  Scenario& scenario_;
  Problems problems_;
};

bool begins_as_json(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

// A member's text; empty if there is none.
std::string member(const json::Value& value, const char* key) {
  const auto it = value.find(key);
  const bool usable = it != value.end() && it->is_string() &&
                      it->get_ref<const std::string&>().size() <= kNameBytesMax;
  return usable ? it->get<std::string>() : "";
}

}  // namespace

Scenario read_scenario(const json::Value& document) {
  Scenario scenario;
  Reader(scenario).read(document);
  return scenario;
}

PduSessions read_pdu_sessions(const json::Value& document, std::vector<std::string>& lines) {
  PduSessions result;
  Problems problems(lines);
  const auto sessions = document.find("sessions");
  if (sessions == document.end() || sessions->is_null()) return result;
  if (!sessions->is_array()) problems.add("PDU session: sessions are no array");
  std::size_t count = 0;
  for (const auto& session : *sessions) {
    const auto ue = member(session, "ue");
    const auto info = session.find("info");
    const auto dnn = info == session.end() ? "" : member(*info, "dnn");
    if (ue.empty() || dnn.empty()) {
      problems.add("PDU session: has no ue, or no info.dnn; it is left out");
      continue;
    }
    ++count;
    auto& of_ue = result[ue];
    if (of_ue.size() >= kSessionsOfUeMax || count > kSessionsMax) {
      problems.add("PDU session: there are more than are kept; the rest is left out");
      continue;
    }
    of_ue.insert(dnn);
  }
  return result;
}

Result<Scenario> read_scenario_file(const std::string& path) {
  const auto content = read_file(path, kFileBytesMax);
  if (!content) return content.error();
  const auto& text = *content;
  // JSON is YAML, but is read a hundred times as fast as such.
  if (path.ends_with(".json") || begins_as_json(text)) {
    const auto document = json::parse(text);
    if (document) return read_scenario(*document);
    if (path.ends_with(".json")) return invalid_argument(document.error().detail, path);
  }
  const auto document = config::read_yaml_file(path);
  if (!document) return document.error();
  return read_scenario(document->value);
}

Index find(const std::unordered_map<std::string, Index>& index, const std::string& name) {
  const auto it = index.find(name);
  return it == index.end() ? kNone : it->second;
}

}  // namespace mx2::optimizer::advantedge
