// The path rule: against flows as AdvantEDGE's own code computes them, and on scenarios of our own.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>

#include "optimizer/advantedge/path.h"
#include "tests/catch.h"
#include "tests/optimizer/advantedge_files.h"

namespace mx2::optimizer::advantedge {
namespace {

using test::between;
using test::delay;
using test::describe_segments;
using test::end_of_process;

struct GoldenFlow {
  std::string from, to, segments;
  double latency = 0, jitter = 0, loss = 0, throughput = 0;
};

// "a>b lat=33 jit=6 loss=1 thr=200 | a^ bv"
GoldenFlow parse_flow(const std::string& line) {
  const auto value = [&](const std::string& key) {
    return std::stod(line.substr(line.find(" " + key + "=") + key.size() + 2));
  };
  const auto arrow = line.find('>');
  GoldenFlow flow{line.substr(0, arrow),
                  line.substr(arrow + 1, line.find(' ') - arrow - 1),
                  line.substr(line.find("| ") + 2),
                  value("lat"),
                  value("jit"),
                  value("loss"),
                  value("thr")};
  return flow;
}

bool is_near(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }

// Until traffic is seen, the emulator gives a flow a fifth of what its path can take, or 6 Mbps.
double idle_throughput(const Path& path) { return std::max(6.0, path.throughput_mbps / 5); }

// Empty if it is equal.
std::string difference(const Scenario& scenario, const GoldenFlow& flow) {
  const auto from = find(scenario.process_index, flow.from);
  const auto to = find(scenario.process_index, flow.to);
  if (from == kNone || to == kNone) return flow.from + ">" + flow.to + " is not there\n";
  const auto ours = path(scenario, end_of_process(scenario, from), end_of_process(scenario, to),
                         EdgeEdge::kAdvantedge);
  const auto segments = describe_segments(scenario, ours);
  const bool equal = is_near(ours.latency_ms, flow.latency) &&
                     is_near(ours.jitter_ms, flow.jitter) &&
                     is_near(ours.loss_percent, flow.loss) &&
                     is_near(idle_throughput(ours), flow.throughput) && segments == flow.segments;
  return equal ? "" : flow.from + ">" + flow.to + ": " + delay(ours) + " " + segments + "\n";
}

TEST_CASE("advantedge: every golden flow is computed as the emulator does", "[advantedge]") {
  const std::string shared = mx2::test::source_file("../shared/advantedge/");
  auto scenario = read_scenario_file(shared + "golden-scenario.json");
  std::ifstream flows(shared + "golden-flows.txt");
  if (!scenario || !flows) {
    std::cerr << "SKIPPED: " << shared << " is absent: paths were not compared with golden flows\n";
    return;
  }
  CHECK(test::lines_of(scenario->problems).empty());
  std::string line;
  std::string differences;
  std::size_t compared = 0;
  int parts = 0;
  while (std::getline(flows, line)) {
    if (line.rfind("=====", 0) == 0) {
      if (++parts == 2) CHECK(move_ue(*scenario, "ue-a1", "poa-b1"));
      continue;
    }
    differences += difference(*scenario, parse_flow(line));
    ++compared;
  }
  CHECK(differences.empty());
  CHECK(parts == 2);
  CHECK(compared == 112);
}

TEST_CASE("advantedge: the distances of the first demonstration", "[advantedge]") {
  auto scenario = test::load("two_zones.yaml");
  CHECK(test::lines_of(scenario.problems).empty());
  const auto all = [&](const std::string& ue) {
    std::string text;
    for (const char* host : {"zone1-fog1", "zone1-edge1", "zone2-edge1", "cloud1"}) {
      text += delay(between(scenario, ue, host)) + " ";
    }
    return text;
  };
  CHECK(all("ue1") == "1/1 11/3 41/9 121/15 ");
  move_ue(scenario, "ue1", "zone1-poa2");
  CHECK(all("ue1") == "20/4 20/4 50/10 130/16 ");
  move_ue(scenario, "ue1", "zone2-poa1");
  CHECK(all("ue1") == "41/9 41/9 11/3 121/15 ");
  move_ue(scenario, "ue1", "");
  CHECK(all("ue1") == "disconnected disconnected disconnected disconnected ");
  const auto lost = between(scenario, "ue1", "zone1-edge1");
  CHECK(std::isinf(lost.latency_ms));
  CHECK(lost.loss_percent == 100);
  CHECK(lost.size == 0);
}

TEST_CASE("advantedge: the distances of the third demonstration, every type", "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  scenario.connectivity = Connectivity::kOpen;
  CHECK(delay(between(scenario, "10.100.0.1", "mep1")) == "20/3");
  CHECK(delay(between(scenario, "10.100.0.1", "mep2")) == "32/7");
  CHECK(delay(between(scenario, "10.100.0.2", "mep1")) == "32/7");
  CHECK(delay(between(scenario, "10.100.0.2", "mep2")) == "20/3");
  CHECK(delay(between(scenario, "mep1", "10.100.0.1")) == "20/3");
  CHECK(delay(between(scenario, "10.100.0.1", "kiosk")) == "20/3");
  CHECK(delay(between(scenario, "10.100.0.1", "far-cloud")) == "121/24");
  CHECK(delay(between(scenario, "10.100.0.1", "mep3")) == "133/25");
  CHECK(delay(between(scenario, "wagon", "mep4")) == "10/0");
  CHECK(delay(between(scenario, "tug", "mep1")) == "27/5");
  CHECK(delay(between(scenario, "10.100.0.1", "wagon")) == "135/25");
  CHECK(delay(between(scenario, "10.100.0.1", "crane")) == "20/2");
  CHECK(delay(between(scenario, "lost", "mep1")) == "disconnected");
  move_ue(scenario, "tug", "north-wifi");
  const auto near = between(scenario, "tug", "kiosk");
  CHECK(delay(near) == "11/3");
  CHECK(describe_segments(scenario, near) == "tug^ kioskv north-wifi^");
  CHECK(is_near(near.loss_percent, 3.97));
  CHECK(near.throughput_mbps == 50);
  CHECK(between(scenario, "kiosk", "tug").throughput_mbps == 100);
  scenario.disable_d2d_via_network = true;
  CHECK(delay(between(scenario, "tug", "wagon")) == "no way between UEs");
  CHECK(delay(between(scenario, "tug", "kiosk")) == "11/3");
}

TEST_CASE("advantedge: between edge nodes the emulator crosses nothing", "[advantedge]") {
  const auto scenario = test::load("harbour.yaml");
  const auto both = [&](const std::string& from, const std::string& to) {
    return delay(between(scenario, from, to, EdgeEdge::kAdvantedge)) + " " +
           delay(between(scenario, from, to, EdgeEdge::kCorrected));
  };
  CHECK(both("mep1", "mep1") == "0/0 0/0");
  CHECK(both("mep3", "mep4") == "2/0 8/0");
  CHECK(both("mep1", "mep2") == "0/0 22/6");
  CHECK(both("mep1", "mep4") == "2/0 125/24");
  CHECK(both("mep1", "far-cloud") == "0/0 111/23");
  CHECK(both("far-cloud", "mep1") == "0/0 111/23");
  CHECK(both("kiosk", "mep1") == "10/2 10/2");
  CHECK(both("10.100.0.1", "mep2") == "no PDU session no PDU session");
}

TEST_CASE("advantedge: a PDU session leads to its data network, a local one in its zone",
          "[advantedge]") {
  auto scenario = test::load("harbour.yaml");
  std::vector<std::string> problems;
  const auto answer = json::parse(
      R"({"sessions":[{"ue":"10.100.0.1","id":"1","info":{"dnn":"edn"}},
          {"ue":"10.100.0.2","id":"1","info":{"dnn":"edn"}},
          {"ue":"10.100.0.2","id":"2","info":{"dnn":"internet"}},
          {"ue":"crane","id":"1","info":null},{"ue":7},null,{"ue":"tug","info":{"dnn":""}}]})");
  scenario.pdu_sessions = read_pdu_sessions(*answer, problems);
  CHECK(problems.size() == 1);
  CHECK(scenario.pdu_sessions.size() == 2);
  CHECK(read_pdu_sessions(json::Value(nullptr), problems).empty());
  CHECK(read_pdu_sessions(*json::parse(R"({"sessions":3})"), problems).empty());
  CHECK(delay(between(scenario, "10.100.0.1", "mep1")) == "20/3");
  CHECK(delay(between(scenario, "10.100.0.1", "mep2")) == "32/7");
  CHECK(delay(between(scenario, "mep2", "10.100.0.1")) == "32/7");
  CHECK(delay(between(scenario, "10.100.0.1", "far-cloud")) == "no PDU session");
  CHECK(delay(between(scenario, "10.100.0.2", "far-cloud")) == "121/24");
  CHECK(delay(between(scenario, "10.100.0.2", "mep1")) == "no PDU session");
  CHECK(delay(between(scenario, "crane", "mep1")) == "no PDU session");
  CHECK(delay(between(scenario, "10.100.0.1", "10.100.0.2")) == "no way between UEs");
  CHECK(delay(between(scenario, "mep1", "mep2")) == "22/6");
  move_ue(scenario, "10.100.0.2", "north-4g");
  CHECK(delay(between(scenario, "10.100.0.2", "mep1")) == "20/3");
}

}  // namespace
}  // namespace mx2::optimizer::advantedge
