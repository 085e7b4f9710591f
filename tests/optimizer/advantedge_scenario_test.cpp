// Reading scenarios: whatever is in the document, the rest of it is used.
#include "api/config/yaml.h"
#include "optimizer/advantedge/scenario.h"
#include "tests/catch.h"
#include "tests/optimizer/advantedge_files.h"
#include "tests/support/temp_dir.h"

namespace mx2::optimizer::advantedge {
namespace {

using mx2::test::ContainsSubstring;
using test::lines_of;

Scenario read_text(const std::string& yaml) {
  return read_scenario(config::parse_yaml(yaml, "s").value().value);
}

json::Value harbour() {
  return config::read_yaml_file(test::scenario_file("harbour.yaml")).value().value;
}

// Everything that indexes refer to is there, and all of it can be used.
bool is_sound(const Scenario& scenario) {
  for (const auto& zone : scenario.zones) {
    if (zone.domain >= scenario.domains.size()) return false;
  }
  for (const auto& location : scenario.locations) {
    if (location.zone >= scenario.zones.size()) return false;
  }
  for (const auto& node : scenario.nodes) {
    if (node.name.empty() || node.location >= scenario.locations.size()) return false;
  }
  for (const auto& process : scenario.processes) {
    if (process.node >= scenario.nodes.size()) return false;
  }
  for (const auto& [name, index] : scenario.node_index) {
    if (scenario.nodes.at(index).name != name) return false;
  }
  const auto topology = topology_of(scenario, {});
  return scenario.problems.size() <= kProblemsMax &&
         topology.computed.us.attachments() ==
             (topology.hosts.empty() ? 0 : topology.attachments.size());
}

TEST_CASE("advantedge scenario: every level and type is read", "[advantedge]") {
  const auto scenario = test::load("harbour.yaml");
  CHECK_THAT(lines_of(scenario.problems), ContainsSubstring(""));
  CHECK(scenario.problems.empty());
  CHECK(scenario.name == "harbour");
  CHECK(scenario.version == "1.9.2");
  CHECK(scenario.connectivity == Connectivity::kPdu);
  CHECK(scenario.net.latency_ms == 50);
  CHECK(scenario.domains.size() == 3);
  CHECK(scenario.zones.size() == 5);
  CHECK(scenario.zones.front().is_common);
  CHECK(scenario.locations.size() == 9);
  CHECK(scenario.locations.front().is_default);
  CHECK(scenario.nodes.size() == 12);
  CHECK(scenario.processes.at(0).name == "far-app");
  const auto& wifi = scenario.locations.at(find(scenario.location_index, "north-wifi"));
  CHECK(wifi.net == NetChar{4, 1, 1, 100, 50});
  const auto& mep = scenario.nodes.at(find(scenario.node_index, "mep1"));
  CHECK(mep.type == NodeType::kEdge);
  CHECK(mep.dnn == "edn");
  CHECK(mep.ladn);
  CHECK(mep.position->longitude == 7.418648);
  CHECK(mep.user_meta.at("mx2.hostId") == "mec-north");
  CHECK(scenario.nodes.at(find(scenario.node_index, "10.100.0.1")).connected);
  CHECK_FALSE(scenario.nodes.at(find(scenario.node_index, "lost")).connected);
  CHECK(find(scenario.node_index, "nobody") == kNone);
}

TEST_CASE("advantedge scenario: what is odd is told with its element", "[advantedge][hostile]") {
  const auto scenario = read_text(
      "version: 2.0.0\n"
      "name: odd\n"
      "deployment:\n"
      "  netChar: {latency: -3, packetLoss: 101.5, throughputUl: 0}\n"
      "  connectivity: {model: MESH}\n"
      "  domains:\n"
      "  - {type: PUBLIC}\n"
      "  - name: d\n"
      "    type: MOON\n"
      "    zones:\n"
      "    - {name: z, type: COMMON, networkLocations: {a: 1}}\n"
      "    - {name: z, type: ZONE, networkLocations: [{name: gone}]}\n"
      "    - name: z2\n"
      "      netChar: 7\n"
      "      networkLocations:\n"
      "      - name: p\n"
      "        type: POA-6G\n"
      "        netChar: {latency: 1e300, latencyVariation: 2.5, packetLoss: '3'}\n"
      "        geoData: {location: {coordinates: [200, 1]}}\n"
      "        physicalLocations:\n"
      "        - {name: u/1, type: UE}\n"
      "        - {name: u, type: SHIP}\n"
      "        - {name: u, type: UE, connected: 1, userMeta: {mx2.device: 7, x: [1]}}\n"
      "        - {name: h, type: EDGE, userMeta: ~, processes: [~, {name: a, type: X-APP}]}\n"
      "        - 12\n");
  const auto all = lines_of(scenario.problems);
  for (const char* part : {"scenario 'odd': version is '2.0.0'",
                           "deployment 'odd': latency is -3; 0 is used",
                           "deployment 'odd': packetLoss is 101.5; 100 is used",
                           "deployment 'odd': connectivity.model is unknown",
                           "a domain has no name",
                           "domain 'd': type 'MOON' is unknown; OPERATOR is used",
                           "zone 'z': networkLocations is an object, no array",
                           "zone 'z': is there more than once; the last one counts",
                           "zone 'z2': netChar is 7, no object",
                           "network location 'p': type 'POA-6G' is unknown",
                           "network location 'p': latency is 1e+300; 250000 is used",
                           "network location 'p': packetLoss is \"3\", no number",
                           "network location 'p': geoData.location.coordinates is an array",
                           "a physical location has no name that can be used: \"u/1\"",
                           "physical location 'u': type 'SHIP' is unknown; this one is left out",
                           "physical location 'u': connected is 1, no true or false",
                           "physical location 'u': userMeta has more",
                           "physical location 'h': is not connected",
                           "a process is null, no object",
                           "process 'a': type 'X-APP' is unknown",
                           "a physical location is 12, no object"}) {
    CHECK_THAT(all, ContainsSubstring(part));
  }
  CHECK(scenario.problems.size() == 21);
  CHECK(scenario.net.throughput_ul_mbps == 1000);
  CHECK(find(scenario.location_index, "gone") == 0);
  CHECK_FALSE(scenario.zones.at(0).is_common);
  CHECK(scenario.locations.at(1).net.jitter_ms == 2.5);
  CHECK(scenario.nodes.size() == 2);
  CHECK(device_of(scenario.nodes.at(0)) == "7");
  CHECK(is_sound(scenario));
}

TEST_CASE("advantedge scenario: no document is refused", "[advantedge][hostile]") {
  for (const char* text :
       {"null", "7", "\"x\"", "[]", "{}", R"({"name":null,"deployment":null})",
        R"({"name":"x","deployment":[]})", R"({"name":"x","deployment":{"domains":null}})",
        R"({"name":"x","deployment":{"domains":7,"d2d":[],"connectivity":3}})"}) {
    INFO(text);
    const auto scenario = read_scenario(*json::parse(text));
    CHECK(scenario.nodes.empty());
    CHECK(is_sound(scenario));
  }
  CHECK(read_text("name: x\ndeployment: {domains: []}").problems.empty());
  CHECK(read_text("name: x\nversion: 1.10.0\ndeployment: {}").problems.empty());
}

// The paths of all members and items of a document.
void collect(const json::Value& value, const std::string& pointer, std::vector<std::string>& out) {
  if (!pointer.empty()) out.push_back(pointer);
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) collect(member, pointer + "/" + key, out);
  }
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      collect(value[i], pointer + "/" + std::to_string(i), out);
    }
  }
}

TEST_CASE("advantedge scenario: any member may be anything, the rest is used",
          "[advantedge][hostile]") {
  const auto good = harbour();
  const auto whole = read_scenario(good);
  std::vector<std::string> pointers;
  collect(good, "", pointers);
  REQUIRE(pointers.size() > 200);
  const std::vector<json::Value> others = {nullptr,
                                           "text",
                                           7,
                                           -1e300,
                                           true,
                                           json::Value::array(),
                                           json::Value::array({1, "x", nullptr}),
                                           json::Value::object(),
                                           json::Value::object({{"name", 3}})};
  std::size_t sound = 0;
  for (const auto& pointer : pointers) {
    auto bad = good;
    auto& member = bad[json::Value::json_pointer(pointer)];
    // What is below the member goes with it; what is beside it must stay.
    const bool is_leaf = !member.is_structured();
    const bool is_key = pointer.ends_with("/name") || pointer.ends_with("/type");
    for (const auto& other : others) {
      member = other;
      const auto scenario = read_scenario(bad);
      const bool kept = scenario.nodes.size() == whole.nodes.size();
      if (!is_sound(scenario) || (is_leaf && !is_key && !kept)) FAIL(pointer << " " << other);
      ++sound;
    }
  }
  CHECK(sound == pointers.size() * others.size());
}

TEST_CASE("advantedge scenario: lost and duplicated hosts of the EDGE mobility defect",
          "[advantedge][hostile]") {
  // zone1-edge1 went to zone2 and back: now it is there twice, and zone2-edge1 is gone.
  auto document = config::read_yaml_file(test::scenario_file("two_zones.yaml")).value().value;
  auto& zones = document["deployment"]["domains"][1]["zones"];
  auto& first = zones[1]["networkLocations"][0]["physicalLocations"];
  first.push_back(first[0]);
  zones[2]["networkLocations"][0]["physicalLocations"] = json::Value::array();
  auto scenario = read_scenario(document);
  CHECK_THAT(lines_of(scenario.problems),
             ContainsSubstring("physical location 'zone1-edge1': is there more than once"));
  CHECK(scenario.problems.size() == 1);
  CHECK(find(scenario.node_index, "zone2-edge1") == kNone);
  CHECK(test::delay(test::between(scenario, "ue1", "zone1-edge1")) == "11/3");
  const auto topology = topology_of(scenario, {});
  CHECK(topology.hosts.size() == 3);
  CHECK_FALSE(topology.hosts.contains("zone2-edge1"));
  CHECK(topology.problems.size() == 1);
  // In two zones at once: the last one is believed, with all it says.
  zones[2]["networkLocations"][0]["physicalLocations"].push_back(first[0]);
  first.erase(1);
  first[0]["connected"] = false;
  scenario = read_scenario(document);
  CHECK(scenario.problems.size() == 2);  // and that the first is not connected
  CHECK(test::delay(test::between(scenario, "ue4", "zone1-edge1")) == "11/3");
  CHECK(test::delay(test::between(scenario, "ue1", "zone1-edge1")) == "41/9");
  CHECK(scenario.nodes.size() == read_scenario(document).node_index.size());
}

TEST_CASE("advantedge scenario: of two elements of one name the last counts, on every level",
          "[advantedge]") {
  const auto scenario = read_text(
      "name: twice\n"
      "deployment:\n"
      "  domains:\n"
      "  - name: d\n"
      "    netChar: {latency: 1}\n"
      "    zones:\n"
      "    - name: z\n"
      "      netChar: {latency: 1}\n"
      "      networkLocations:\n"
      "      - {name: p, netChar: {latency: 1}, physicalLocations: [\n"
      "          {name: e, type: EDGE, connected: true, netChar: {latency: 1}, processes: [\n"
      "            {name: a, netChar: {latency: 1}}, {name: b}, {name: a, netChar: {latency: "
      "2}}]},\n"
      "          {name: only, type: UE}]}\n"
      "      - {name: p, netChar: {latency: 2}, physicalLocations: [\n"
      "          {name: e, type: FOG, netChar: {latency: 2}, processes: [{name: c}]}]}\n"
      "    - {name: z, netChar: {latency: 2}}\n"
      "  - {name: d, netChar: {latency: 2}}\n");
  CHECK(scenario.problems.size() == 6);  // the five, and that the last e is not connected
  CHECK(scenario.domains.at(0).net.latency_ms == 2);
  CHECK(scenario.zones.at(0).net.latency_ms == 2);
  CHECK(scenario.locations.at(0).net.latency_ms == 2);
  const auto& node = scenario.nodes.at(find(scenario.node_index, "e"));
  CHECK(node.type == NodeType::kFog);
  CHECK(node.net.latency_ms == 2);
  CHECK(node.processes == std::vector<Index>{0, 1, 2});
  CHECK(scenario.processes.at(0).net.latency_ms == 2);
  CHECK(scenario.nodes.size() == 2);
  CHECK(is_sound(scenario));
}

TEST_CASE("advantedge scenario: problems and elements are bounded", "[advantedge][hostile]") {
  auto nodes = json::Value::array();
  for (int i = 0; i < 1000; ++i)
    nodes.push_back({{"name", "x" + std::to_string(i)}, {"type", "?"}});
  const json::Value location = {{"name", "p"}, {"physicalLocations", nodes}};
  const json::Value zone = {{"name", "z"}, {"networkLocations", {location}}};
  auto domains = json::Value::array({{{"name", "d"}, {"zones", {zone}}}});
  for (std::size_t i = 0; i < kDomainsMax; ++i)
    domains.push_back({{"name", "d" + std::to_string(i)}});
  const auto scenario = read_scenario({{"name", "s"}, {"deployment", {{"domains", domains}}}});
  CHECK(scenario.problems.size() == kProblemsMax);
  CHECK(scenario.problems.back() == "there are further problems");
  CHECK(scenario.domains.size() == kDomainsMax);
}

TEST_CASE("advantedge scenario: files are YAML or JSON", "[advantedge]") {
  const mx2::test::TempDir dir;
  const auto json_text = json::dump(harbour());
  for (const char* name : {"a.json", "a.yaml", "a"}) {
    const auto scenario = read_scenario_file(dir.write(name, json_text));
    REQUIRE(scenario.ok());
    CHECK(scenario->nodes.size() == 12);
  }
  CHECK(read_scenario_file(dir.write("flow.yaml", "{name: x, deployment: {}}"))->name == "x");
  CHECK(
      read_scenario_file(dir.write("bad.json", "{name: x}")).error().pointer.ends_with("bad.json"));
  CHECK_THAT(read_scenario_file(dir.write("bad.yaml", "a: [")).error().pointer,
             ContainsSubstring("bad.yaml:"));
  CHECK(read_scenario_file(dir.path() + "/none").error().detail == "cannot be read");
}

}  // namespace
}  // namespace mx2::optimizer::advantedge
