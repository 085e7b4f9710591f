// Scenarios as topologies: hosts, attachments, the matrix, and UEs that move.
#include <algorithm>

#include "api/base/clock.h"
#include "api/config/yaml.h"
#include "optimizer/advantedge/topology_of.h"
#include "optimizer/replica.h"
#include "tests/catch.h"
#include "tests/optimizer/advantedge_files.h"
#include "tests/optimizer/hops.h"

namespace mx2::optimizer::advantedge {
namespace {

using mx2::test::ContainsSubstring;

const TopologyTerms kLatencyOnly{0, 0, EdgeEdge::kCorrected};

std::size_t index_in(const std::vector<std::string>& names, const std::string& name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) FAIL(name << " is not there");
  return static_cast<std::size_t>(it - names.begin());
}

std::int32_t us(const Topology& topology, const std::string& attachment, const std::string& host) {
  const auto& computed = topology.computed;
  return computed.us.at(static_cast<Index>(index_in(computed.attachments, attachment)),
                        static_cast<Index>(index_in(computed.hosts, host)));
}

const Attachment& attachment(const Topology& topology, const std::string& name) {
  const auto it = std::find_if(topology.attachments.begin(), topology.attachments.end(),
                               [&](const Attachment& a) { return a.name == name; });
  REQUIRE(it != topology.attachments.end());
  return *it;
}

std::string devices(const Topology& topology, const std::string& name) {
  std::string all;
  for (const auto& device : attachment(topology, name).devices) all += device + " ";
  for (const auto& prefix : attachment(topology, name).prefixes) all += prefix.text() + " ";
  return all;
}

TEST_CASE("advantedge topology: hosts by name or binding, tiers, capacities", "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  const auto topology = topology_of(scenario, {});
  CHECK(topology.problems.empty());
  CHECK(topology.hosts.size() == 6);
  CHECK(topology.hosts.at("mec-north").tier == Tier::kRegional);
  CHECK(topology.hosts.at("mec-north").capacity == 200);
  CHECK(topology.hosts.at("mec-north").position->latitude == 43.72887);
  CHECK(topology.hosts.at("far-cloud").tier == Tier::kCloud);
  CHECK(topology.hosts.at("far-cloud").capacity == 5000);
  CHECK(topology.hosts.at("kiosk").tier == Tier::kEdge);
  CHECK_FALSE(topology.hosts.at("kiosk").capacity);

  scenario.nodes[find(scenario.node_index, "mep2")].user_meta = {
      {"mx2.hostId", "mec-north"}, {"mx2.tier", "moon"}, {"mx2.capacity", "many"}};
  scenario.nodes[find(scenario.node_index, "mep3")].user_meta = {{"mx2.tier", "moon"},
                                                                 {"mx2.capacity", "-5"}};
  scenario.nodes[find(scenario.node_index, "tug")].user_meta = {{"mx2.device", "crane-7"},
                                                                {"mx2.ip", "10.100.0.1"}};
  const auto odd = topology_of(scenario, {});
  CHECK(odd.hosts.size() == 5);
  const auto all = test::lines_of(odd.problems);
  for (const char* part :
       {"'mep2': host 'mec-north' is another one already", "'mep3': mx2.tier is 'moon'",
        "'mep3': mx2.capacity is '-5'", "'tug': device 'crane-7' is another one already",
        "'tug': address 10.100.0.1 is another one's already"}) {
    CHECK_THAT(all, ContainsSubstring(part));
  }
  CHECK(odd.problems.size() == 5);
}

TEST_CASE("advantedge topology: a latency is the round trip with jitter and loss", "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  scenario.connectivity = Connectivity::kOpen;
  CHECK(us(topology_of(scenario, kLatencyOnly), "north-4g", "mec-north") == 40'000);
  const TopologyTerms jitter{50, 0, EdgeEdge::kCorrected};
  CHECK(us(topology_of(scenario, jitter), "north-4g", "mep2") == 71'000);
  const TopologyTerms loss{0, 1000, EdgeEdge::kCorrected};
  CHECK(us(topology_of(scenario, loss), "north-wifi", "kiosk") == 10'000);
  CHECK(us(topology_of(scenario, loss), "north-4g/7ms+2ms+3%", "mec-north") == 60'000);
  CHECK(us(topology_of(scenario, {}), "yard-poa", "mep4") == 20'000);
  CHECK(us(topology_of(scenario, {}), kDisconnected, "mep4") == LatencyMatrix::kUnreachable);
  // Out of a cell's range the emulator loses everything, and changes no latency.
  auto& tug = scenario.nodes[find(scenario.node_index, "tug")].net;
  tug.loss_percent = 100;
  CHECK(us(topology_of(scenario, {}), "north-4g/7ms+2ms+100%", "mec-north") ==
        LatencyMatrix::kUnreachable);
  tug = {250'000, 250'000, 0, 1, 1};
  scenario.net = scenario.domains[0].net = {250'000, 250'000, 50, 1, 1};
  CHECK(us(topology_of(scenario, {1000, 1'000'000, EdgeEdge::kCorrected}),
           "north-4g/250000ms+250000ms+0%", "far-cloud") == 1'000'000'000);
}

TEST_CASE("advantedge topology: UEs share an attachment unless they differ", "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  scenario.connectivity = Connectivity::kOpen;
  auto topology = topology_of(scenario, kLatencyOnly);
  CHECK(topology.attachments.size() == 6);
  CHECK(devices(topology, "north-4g") == "10.100.0.1 crane-7 10.100.0.1 2001:db8::7 ");
  CHECK(devices(topology, "north-4g/7ms+2ms+3%") == "tug ");
  CHECK(devices(topology, "north-wifi").empty());
  CHECK(devices(topology, kDisconnected) == "lost ");
  CHECK_FALSE(attachment(topology, kDisconnected).connected);
  CHECK(attachment(topology, "north-4g").connected);
  CHECK(attachment(topology, "north-4g/7ms+2ms+3%").position ==
        attachment(topology, "north-4g").position);
  CHECK(attachment_of(scenario, "tug") == "north-4g/7ms+2ms+3%");
  CHECK(attachment_of(scenario, "lost") == kDisconnected);
  CHECK(attachment_of(scenario, "mep1").empty());
  CHECK(attachment_of(scenario, "nobody").empty());
  // Throughput of its own makes no difference here.
  auto& wagon = scenario.nodes[find(scenario.node_index, "wagon")].net;
  wagon.throughput_dl_mbps = 5;
  CHECK(attachment_of(scenario, "wagon") == "yard-poa");
  wagon.latency_ms = 0.5;
  CHECK(attachment_of(scenario, "wagon") == "yard-poa/0.5ms+0ms+0%");
}

TEST_CASE("advantedge topology: with PDU connectivity sessions make the difference",
          "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  scenario.pdu_sessions = {{"10.100.0.1", {"edn"}}, {"crane", {"edn"}}, {"tug", {"ims", "edn"}}};
  const auto topology = topology_of(scenario, kLatencyOnly);
  CHECK(devices(topology, "north-4g/[edn]") == "10.100.0.1 crane-7 10.100.0.1 2001:db8::7 ");
  CHECK(devices(topology, "north-4g/7ms+2ms+3%[edn,ims]") == "tug ");
  CHECK(us(topology, "north-4g", "mec-north") == LatencyMatrix::kUnreachable);
  CHECK(us(topology, "north-4g/[edn]", "mec-north") == 40'000);
  CHECK(us(topology, "north-4g/[edn]", "far-cloud") == LatencyMatrix::kUnreachable);
  CHECK(attachment_of(scenario, "10.100.0.2") == "south-5g");
}

TEST_CASE("advantedge topology: a UE that moves has the attachment that a new reading would find",
          "[advantedge]") {
  auto scenario = test::load("two_zones.yaml");
  const auto topology = topology_of(scenario, {});
  const std::vector<std::string> places = {"zone1-poa1", "zone1-poa2", "", "zone2-poa1"};
  for (std::size_t i = 0; i < 50; ++i) {
    const auto ue = "ue" + std::to_string(1 + i * 7 % 4);
    REQUIRE(move_ue(scenario, ue, places[i * 13 / 5 % 4]));
    const auto now = attachment_of(scenario, ue);
    const auto there = devices(topology_of(scenario, {}), now);
    CHECK_THAT(there, mx2::test::ContainsSubstring(ue + " "));
    CHECK(us(topology, now, "zone1-edge1") == us(topology_of(scenario, {}), now, "zone1-edge1"));
  }
  CHECK_FALSE(move_ue(scenario, "ue1", "nowhere"));
  CHECK_FALSE(move_ue(scenario, "nobody", "zone1-poa1"));
  CHECK_FALSE(move_ue(scenario, "zone1-fog1", "zone1-poa2"));
  scenario.nodes[find(scenario.node_index, "ue1")].net.latency_ms = 3;
  CHECK(move_ue(scenario, "ue1", "zone2-poa1"));
  CHECK(attachment_of(scenario, "ue1") == "zone2-poa1/3ms+0ms+0%");
}

TEST_CASE("advantedge topology: a snapshot takes the computed latencies, given ones first",
          "[advantedge]") {
  const auto scenario = test::load("two_zones.yaml");
  auto topology = topology_of(scenario, kLatencyOnly);
  topology.latency_us["zone1-poa1"]["zone1-edge1"] = 5;
  Replica replica;
  for (const char* id : {"zone1-edge1", "elsewhere", "cloud1"}) {
    Host host;
    host.id = id;
    replica.put_host(host, 0);
  }
  const auto snapshot = replica.snapshot(topology, {}, 0);
  const auto at = [&](const std::string& name, Index host) {
    return snapshot.latency.at(
        static_cast<Index>(&attachment(topology, name) - topology.attachments.data()), host);
  };
  CHECK(snapshot.hosts[0].id == "cloud1");
  CHECK(at("zone1-poa1", 0) == 242'000);
  CHECK(at("zone1-poa1", 1) == LatencyMatrix::kUnreachable);  // not in the scenario
  CHECK_FALSE(snapshot.hosts[1].has_place);
  CHECK(snapshot.hosts[2].has_place);
  CHECK(at("zone1-poa1", 2) == 5);
  CHECK(at("zone1-poa2", 2) == 40'000);
  CHECK(at(kDisconnected, 2) == LatencyMatrix::kUnreachable);
}

TEST_CASE("advantedge topology: what a process adds is part of each path", "[advantedge]") {
  auto scenario = test::load("two_zones.yaml");
  const auto add = [&](const char* node, const char* name, const NetChar& net) {
    const auto n = find(scenario.node_index, node);
    const auto p = static_cast<Index>(scenario.processes.size());
    scenario.processes.push_back({name, n, net});
    scenario.process_index[name] = p;
    scenario.nodes[n].processes.push_back(p);
  };
  const auto before = us(topology_of(scenario, kLatencyOnly), "zone1-poa1", "zone1-edge1");
  add("zone1-edge1", "one", {80, 0, 0, 1000, 1000});
  CHECK(us(topology_of(scenario, kLatencyOnly), "zone1-poa1", "zone1-edge1") == before + 160'000);

  // Of several, the one that is called as the host; else the one that is named; else the slowest.
  add("zone1-edge1", "two", {90, 0, 0, 1000, 1000});
  auto topology = topology_of(scenario, kLatencyOnly);
  CHECK(us(topology, "zone1-poa1", "zone1-edge1") == before + 180'000);
  CHECK_THAT(test::lines_of(topology.problems),
             ContainsSubstring("'zone1-edge1': its processes differ"));
  auto& meta = scenario.nodes[find(scenario.node_index, "zone1-edge1")].user_meta;
  meta["mx2.process"] = "one";
  topology = topology_of(scenario, kLatencyOnly);
  CHECK(us(topology, "zone1-poa1", "zone1-edge1") == before + 160'000);
  CHECK(topology.problems.empty());
  meta.erase("mx2.process");
  add("zone1-edge1", "mec-1", {3, 0, 0, 1000, 1000});
  meta["mx2.hostId"] = "mec-1";
  topology = topology_of(scenario, kLatencyOnly);
  CHECK(us(topology, "zone1-poa1", "mec-1") == before + 6'000);
  CHECK(topology.problems.empty());

  // A UE's: it has an attachment of its own, with what the UE itself adds.
  scenario.nodes[find(scenario.node_index, "ue1")].net = {1, 0, 10, 1000, 1000};
  add("ue1", "client", {2, 4, 50, 1000, 1000});
  REQUIRE(move_ue(scenario, "ue1", "zone1-poa1"));
  CHECK(attachment_of(scenario, "ue1") == "zone1-poa1/3ms+4ms+55%");
  topology = topology_of(scenario, kLatencyOnly);
  CHECK(us(topology, "zone1-poa1/3ms+4ms+55%", "mec-1") == before + 6'000 + 6'000);
  CHECK(devices(topology, "zone1-poa1/3ms+4ms+55%") == "ue1 ");
}

TEST_CASE("topology: a host without a place is not reached from it", "[advantedge][topology]") {
  const auto snapshot_of = [](const Topology& topology, const Host& extra) {
    Replica replica;
    for (const char* id : {"zone1-edge1", "listed"}) {
      Host host;
      host.id = id;
      replica.put_host(host, 0);
    }
    replica.put_host(extra, 0);
    return replica.snapshot(topology, {}, 0);
  };
  const auto from_file = [](const char* yaml) {
    return read_topology(config::parse_yaml(yaml, "t").value());
  };
  Host other;
  other.id = "other";
  const Index kListed = 0;
  const Index kOther = 1;
  const Index kEdge = 2;

  const auto file = from_file(
      "hosts: [{id: listed, capacity: 5}]\n"
      "attachments: [{name: home, position: [7, 43]}]\n"
      "latency_ms: {home: {zone1-edge1: 100}}\n");
  auto snapshot = snapshot_of(file, other);
  CHECK(snapshot.latency.at(0, kEdge) == 100'000);
  CHECK(snapshot.latency.at(0, kListed) == LatencyMatrix::kUnknown);
  CHECK(snapshot.latency.at(0, kOther) == LatencyMatrix::kUnreachable);
  CHECK_FALSE(snapshot.hosts[kOther].has_place);
  CHECK(snapshot.hosts[kEdge].has_place);
  CHECK(snapshot.hosts[kListed].has_place);

  // Both: of the scenario's attachments the file's list says nothing, its latencies do.
  auto live = topology_of(test::load("two_zones.yaml"), kLatencyOnly);
  auto both = merged(file, live);
  both.latency_us["zone1-poa1"]["other"] = 7;
  snapshot = snapshot_of(both, other);
  const auto poa = snapshot.attachment_index->at("zone1-poa1");
  const auto poa2 = snapshot.attachment_index->at("zone1-poa2");
  CHECK(snapshot.latency.at(poa, kOther) == 7);
  CHECK(snapshot.latency.at(poa2, kOther) == LatencyMatrix::kUnreachable);
  CHECK(snapshot.hosts[kOther].has_place);
  CHECK(snapshot.latency.at(poa, kListed) == LatencyMatrix::kUnreachable);
  CHECK_FALSE(snapshot.hosts[kListed].has_place);

  // Who measures is there, and what says nothing of hosts places all of them.
  auto measuring = other;
  measuring.load = HostLoad();
  measuring.load->latency_ms["home"] = 3;
  snapshot = snapshot_of(file, measuring);
  CHECK(snapshot.latency.at(0, kOther) == 3'000);
  CHECK(snapshot.hosts[kOther].has_place);
  snapshot = snapshot_of(from_file("attachments: [{name: home}]"), other);
  CHECK(snapshot.latency.at(0, kOther) == LatencyMatrix::kUnknown);
  CHECK(snapshot.hosts[kOther].has_place);

  // A scenario without any host places none.
  live =
      topology_of(read_scenario(json::Value{{"name", "s"}, {"deployment", json::Value::object()}}),
                  kLatencyOnly);
  snapshot = snapshot_of(live, other);
  CHECK_FALSE(snapshot.hosts[kOther].has_place);
}

TEST_CASE("advantedge: least latency is never worse than fewest hops", "[advantedge]") {
  for (const char* file : {"two_zones.yaml", "slow_fog.yaml", "harbour.yaml"}) {
    auto scenario = test::load(file);
    scenario.connectivity = Connectivity::kOpen;
    const auto comparisons = test::compare(scenario);
    CHECK_FALSE(comparisons.empty());
    for (const auto& one : comparisons) CHECK(one.by_latency.latency_ms <= one.by_hops.latency_ms);
  }
  const auto slow = test::means(test::compare(test::load("slow_fog.yaml")));
  CHECK(slow.by_hops_ms == 38.25);
  CHECK(slow.by_latency_ms == 13.25);
}

TEST_CASE("advantedge: in the shipped scenario one UE shows the difference", "[advantedge]") {
  const auto scenario =
      read_scenario_file(mx2::test::source_file("deploy/advantedge/scenario.yaml"));
  REQUIRE(scenario.ok());
  std::string differ;
  for (const auto& one : test::compare(*scenario)) {
    const auto name = [&](Index node) { return scenario->nodes[node].name; };
    if (one.by_hops.host == one.by_latency.host) continue;
    differ += name(one.ue) + ": " + name(one.by_hops.host) + ", not " + name(one.by_latency.host);
    CHECK(one.by_hops.latency_ms > one.by_latency.latency_ms);
  }
  CHECK(differ == "ue3: fog1, not edge1");
}

TEST_CASE("advantedge: hops are those of the tree", "[advantedge]") {
  const auto scenario = test::load("two_zones.yaml");
  const auto hops = [&](const std::string& a, const std::string& b) {
    return test::hops_between(scenario, find(scenario.node_index, a), find(scenario.node_index, b));
  };
  CHECK(hops("ue1", "ue1") == 0);
  CHECK(hops("ue1", "zone1-fog1") == 2);
  CHECK(hops("ue1", "zone1-edge1") == 3);
  CHECK(hops("ue3", "zone1-fog1") == 4);
  CHECK(hops("ue1", "zone2-edge1") == 5);
  CHECK_FALSE(hops("ue1", "cloud1"));
}

}  // namespace
}  // namespace mx2::optimizer::advantedge
