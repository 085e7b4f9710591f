#include "optimizer/topology.h"

#include "tests/catch.h"
#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;

Topology read(const std::string& text) {
  return read_topology(config::parse_yaml(text, "t.yaml").value());
}

std::string problems(const Topology& topology) {
  std::string all;
  for (const auto& problem : topology.problems) all += problem + "\n";
  return all;
}

TEST_CASE("topology: the shipped example is read whole", "[topology]") {
  const auto document =
      config::read_yaml_file(mx2::test::source_file("deploy/example/topology.yaml"));
  REQUIRE(document.ok());
  const auto topology = read_topology(*document);
  CHECK(problems(topology).empty());
  CHECK(topology.hosts.at("mec-1").capacity == 200);
  CHECK(topology.hosts.at("mec-1").parent == "mec-2");
  CHECK(topology.attachments.at(0).prefixes.at(0).text() == "10.1.0.0/16");
  CHECK(topology.latency_us.at("cell-centre").at("mec-2") == 9500);
  CHECK(topology.apps.at("sample-app").qos.utility == 10);
  CHECK(read("").problems.empty());
}

TEST_CASE("topology: what is bad is told with its place, the rest is used", "[topology][hostile]") {
  const auto topology = read(
      "hosts:\n"
      "  - {id: a, capacity: -1, tier: moon, position: [.nan, 1]}\n"
      "  - {id: b, capacity: 5, parent: nowhere}\n"
      "  - {id: b, capacity: 6}\n"
      "  - ~\n"
      "  - {id: ~}\n"
      "  - {id: c, capcity: 7}\n"
      "attachments:\n"
      "  - {name: x, prefixes: [10.0.0.1/8, 10.0.0.0/8]}\n"
      "latency_ms:\n"
      "  x: {a: -2, b: .nan, c: ~, d: 3.5, e: unreachable}\n"
      "  y: {a: 1}\n"
      "apps: [{id: l, qos: none, policy: min-cost-flo}, {id: m, policy: best}]\n"
      "qso: 1\n");
  const auto all = problems(topology);
  for (const char* part :
       {"t.yaml:2:13: capacity is -1; must be an integer from 0", "tier is 'moon'",
        "position must be [longitude, latitude]", "'b' is given already at t.yaml:3:5",
        "parent 'nowhere' of host 'b'", "t.yaml:5:5: must be a mapping", "id must be a text",
        "'capcity' is not known; did you mean 'capacity'?", "'10.0.0.1/8' is no IP prefix",
        "a is -2; must be milliseconds", "b is", "there is no attachment 'y'",
        "there is no class 'none'",
        "t.yaml:13:27: policy is 'min-cost-flo'; did you mean 'min-cost-flow'?",
        "policy is 'best'; allowed: static, nearest", "'qso' is not known; did you mean 'qos'?"}) {
    CHECK_THAT(all, ContainsSubstring(part));
  }
  CHECK(topology.hosts.size() == 3);
  CHECK_FALSE(topology.hosts.at("a").capacity);
  CHECK(topology.hosts.at("b").capacity == 5);
  CHECK(topology.attachments.at(0).prefixes.size() == 1);
  CHECK(topology.latency_us.at("x") ==
        std::map<std::string, std::int32_t>{{"d", 3500}, {"e", LatencyMatrix::kUnreachable}});
}

TEST_CASE("topology: tiers that an app may be served in", "[topology]") {
  const auto topology = read("apps: [{id: l, tiers: [edge, cloud]}, {id: m, tiers: [edg]}]\n");
  CHECK(topology.apps.at("l").tiers == std::vector<Tier>{Tier::kEdge, Tier::kCloud});
  CHECK(topology.apps.at("m").tiers.empty());
  CHECK_THAT(problems(topology), ContainsSubstring("'edg' is no tier; allowed: edge, regional"));
}

TEST_CASE("topology: nothing of the wrong type is followed", "[topology][hostile]") {
  CHECK(read("[1]").problems.size() == 1);
  CHECK(read("hosts: 7\nattachments: {a: 1}\nlatency_ms: [1]\n").problems.size() == 3);
  CHECK(read("attachments: [{name: a}]\nlatency_ms: {a: 7}\n").problems.size() == 1);
}

TEST_CASE("topology: hosts that are not named are unreachable once it says where hosts are",
          "[topology]") {
  const auto places_others = [](const std::string& text) {
    const auto topology = read("attachments: [{name: x}]\n" + text);
    CHECK(topology.problems.empty());
    CHECK(Placed(topology).contains("named"));
    return Placed(topology).contains("other");
  };
  CHECK(places_others(""));
  CHECK(places_others("hosts: [{id: named, capacity: 5, tier: cloud}]\n"));
  CHECK_FALSE(places_others("hosts: [{id: named, position: [1, 2]}, {id: too}]\n"));
  CHECK_FALSE(places_others("hosts: [{id: named}]\nlatency_ms: {x: {second: 2}}\n"));
  CHECK_FALSE(places_others("latency_ms: {x: {named: 2}}\n"));
}

TEST_CASE("topology: latency follows from the distance", "[topology]") {
  const Position melbourne{144.9631, -37.8136, {}};
  const Position sydney{151.2093, -33.8688, {}};
  const auto km = distance_km(melbourne, sydney);
  CHECK(km > 710);
  CHECK(km < 717);
  CHECK(latency_of_distance({500, 20, 2000, 15000}, Tier::kEdge, 10) == 700);
  CHECK(latency_of_distance({500, 20, 2000, 15000}, Tier::kRegional, 10) == 2700);
  CHECK(latency_of_distance({500, 20, 2000, 15000}, Tier::kCloud, 10) == 15700);
}

TEST_CASE("topology: the circle of parents is told", "[topology][hostile]") {
  const auto topology = read("hosts: [{id: a, parent: b}, {id: b, parent: a}]\n");
  CHECK_THAT(problems(topology), ContainsSubstring("lead round in a circle"));
  CHECK(topology.problems.size() == 1);
}

TEST_CASE("topology: what is at two attachments counts at the first", "[topology]") {
  const auto topology = read(
      "attachments:\n"
      "  - {name: x, prefixes: [10.0.0.0/8, 10.1.0.0/16], devices: [car-1]}\n"
      "  - {name: y, prefixes: [10.1.0.0/16], devices: [car-2, car-1]}\n");
  CHECK(topology.problems.size() == 2);
  CHECK_THAT(problems(topology), ContainsSubstring("'car-1' is at attachment 'x' already"));
  CHECK_THAT(problems(topology), ContainsSubstring("'10.1.0.0/16' is at attachment 'x' already"));
}

TEST_CASE("topology: hosts of latencies are among those listed, if any is", "[topology]") {
  const auto told = [](const std::string& hosts) {
    return problems(
        read("attachments: [{name: x}]\nlatency_ms: {x: {mec-north: 2, cloud: 9}}\n" + hosts));
  };
  CHECK(told("").empty());
  CHECK(told("hosts: [{id: another-one}]\n").empty());
  CHECK(told("hosts: [{id: mec-north}, {id: cloud}]\n").empty());
  CHECK_THAT(told("hosts: [{id: mec-north}]\n"),
             ContainsSubstring("there is no host 'cloud' under hosts"));
  CHECK_THAT(
      told("hosts: [{id: mec-norht}]\n"),
      ContainsSubstring("there is no host 'mec-north' under hosts; did you mean 'mec-norht'"));
}

TEST_CASE("topology: what it names and nobody has is told with a suggestion", "[topology]") {
  auto topology = read(
      "hosts: [{id: mec-1}, {id: mec-nroth}]\nattachments: [{name: x}]\n"
      "latency_ms: {x: {mec-1: 2}}\napps: [{id: fac}, {id: face}]\n");
  Snapshot snapshot;
  for (const char* id : {"mec-1", "mec-north"}) snapshot.hosts.emplace_back().id = id;
  snapshot.apps.emplace_back().id = "face";
  CHECK(unknown_names(topology, snapshot) ==
        std::vector<std::string>{"there is no host 'mec-nroth'; did you mean 'mec-north'?",
                                 "there is no app 'fac'; did you mean 'face'?"});
  topology.computed.hosts = {"mec-nroth"};
  topology.apps.clear();
  CHECK(unknown_names(topology, snapshot).empty());
}

Topology read_in(const mx2::test::TempDir& folder, const std::string& text) {
  return read_topology(config::parse_yaml(text, folder.file("t.yaml")).value());
}

constexpr const char* kCsv = "csv: {hosts: h.csv, attachments: a.csv, latency_ms: l.csv}\n";

TEST_CASE("topology: CSV files are entries like others", "[topology]") {
  const mx2::test::TempDir folder;
  (void)folder.write("h.csv",
                     "id,capacity,longitude,latitude,tier,parent\n"
                     "a,5,144.5,-37.5,,up\n\"up\",,,,regional,\n");
  (void)folder.write("a.csv", "name,prefixes,devices\ncell,10.0.0.0/8 fd00::/8,car-1\n");
  (void)folder.write("l.csv", "attachment,host,ms\ncell,a,3.5\ncell,up,unreachable\ncell,b,\n");
  const auto topology = read_in(folder, std::string(kCsv) + "hosts: [{id: b, capacity: 9}]\n");
  CHECK(problems(topology).empty());
  CHECK(topology.hosts.size() == 3);
  CHECK(topology.hosts.at("a").capacity == 5);
  CHECK(topology.hosts.at("a").position->latitude == -37.5);
  CHECK(topology.hosts.at("a").parent == "up");
  CHECK(topology.hosts.at("up").tier == Tier::kRegional);
  CHECK(topology.attachments.at(0).prefixes.size() == 2);
  CHECK(topology.attachments.at(0).devices.at(0) == "car-1");
  CHECK(topology.latency_us.at("cell") ==
        std::map<std::string, std::int32_t>{{"a", 3500}, {"up", LatencyMatrix::kUnreachable}});
  CHECK(topology.files.size() == 3);
}

TEST_CASE("topology: what is bad in a CSV file is told with its place", "[topology][hostile]") {
  const mx2::test::TempDir folder;
  (void)folder.write("h.csv",
                     "id,capcity,capacity,longitude,latitude\n"
                     "a,1,-3,NaN,2\na,,4,,\n,,5,,\nb,,null,1,\nc,1,2,3,4,5\n");
  (void)folder.write("l.csv",
                     "attachment,host,ms\nx,a,-1\nx,b,nan\nx,,3\ny,a,1\nx,a,4\nx,c,2\nx,\"d,9\n");
  const auto topology =
      read_in(folder,
              "csv: {hosts: h.csv, attachments: none.csv, latency_ms: l.csv, more: x}\n"
              "attachments: [{name: x}]\n");
  const auto all = problems(topology);
  for (const char* part :
       {"h.csv:1:4: column 'capcity' is not known; did you mean 'capacity'?",
        "h.csv:2:5: capacity is -3; must be an integer from 0",
        "h.csv:2:8: position must be [longitude, latitude]", "h.csv:3:1: 'a' is given already at ",
        "h.csv:4:1: id must be a text", "h.csv:5:4: capacity is \"null\"; must be an integer",
        "h.csv:5:9: position must be", "h.csv:6:1: has more fields than there are columns",
        "none.csv: cannot be read", "l.csv:2:5: a is -1; must be milliseconds",
        "l.csv:3:5: b is \"nan\"; must be", "l.csv:4:1: attachment and host are needed",
        "there is no attachment 'y'", "l.csv:6:1: the latency from 'x' to 'a' is given already",
        "l.csv:8:1: a quoted field has no end", "'more' is not known"}) {
    CHECK_THAT(all, ContainsSubstring(part));
  }
  CHECK(topology.latency_us.at("x") == std::map<std::string, std::int32_t>{{"c", 2000}});
}

}  // namespace
}  // namespace mx2::optimizer
