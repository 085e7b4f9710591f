// scenario_matrix_ms: from the text of an AdvantEDGE scenario, as `GET …/active?minimize=true`
// answers, to hosts, attachments and latency matrix; 100 zones, 1 000 points of access, 200 hosts,
// 10 000 UEs. Compared with what nlohmann's parser alone takes for the same text. scenario_move_us:
// one UE moved, its device attached again. One JSON object a line; the median of nine.
//   mx2_scenario_bench [print]     print: the scenario instead
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/json/json.h"
#include "optimizer/advantedge/topology_of.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr int kDomains = 4;
constexpr int kZones = 25;         // of a domain
constexpr int kAccessPoints = 10;  // of a zone
constexpr int kUes = 10;           // of a point of access
constexpr std::size_t kRuns = 9;
constexpr std::size_t kMoves = 1000;

using json::Value;

std::string number_of(int zone, int access_point = 0) {
  return std::to_string(zone) + "-" + std::to_string(access_point);
}

Value element(const std::string& name, const char* type, int latency_ms, int jitter_ms) {
  return {{"id", "00000000-0000-4000-8000-" + name},
          {"name", name},
          {"type", type},
          {"netChar",
           {{"latency", latency_ms},
            {"latencyVariation", jitter_ms},
            {"throughputDl", 1000},
            {"throughputUl", 1000}}}};
}

Value ue(int zone, int access_point, int number) {
  const auto name = "10." + std::to_string(zone) + "." + std::to_string(access_point) + "." +
                    std::to_string(number);
  Value ue = {{"id", "00000000-0000-4000-8000-" + name},
              {"name", name},
              {"type", "UE"},
              {"connected", number != kUes - 1 || access_point != 0},
              {"networkLocationsInRange", {"poa-" + number_of(zone, access_point)}},
              {"wireless", true},
              {"wirelessType", "wifi,5g,4g,other"},
              {"dataNetwork", Value::object()},
              {"netChar", {{"throughputDl", 500}, {"throughputUl", 500}}},
              {"macId", "005C0A640003"}};
  if (number != 0) return ue;
  ue["processes"] = {element("cli-" + name, "UE-APP", 0, 0)};
  return ue;
}

Value host(const std::string& name, const char* type) {
  auto host = element(name, type, 0, 0);
  host["connected"] = true;
  host["processes"] = {element("app-" + name, "EDGE-APP", 0, 0)};
  return host;
}

Value access_point(int zone, int number) {
  auto location = element("poa-" + number_of(zone, number), "POA-4G", 1 + number, 1);
  location["physicalLocations"] = Value::array();
  // One EDGE and one FOG of a zone; the last one of a domain has its DC instead.
  const bool fog = number == 0 && zone % kZones != 0;
  if (fog) location["physicalLocations"].push_back(host("fog-" + number_of(zone), "FOG"));
  for (int i = 0; i < kUes; ++i) location["physicalLocations"].push_back(ue(zone, number, i));
  return location;
}

Value zone(int number) {
  auto zone = element("zone-" + number_of(number), "ZONE", 5, 1);
  auto place = element("default-" + number_of(number), "DEFAULT", 1, 0);
  place["physicalLocations"] = {host("edge-" + number_of(number), "EDGE")};
  zone["networkLocations"] = {place};
  for (int i = 0; i < kAccessPoints; ++i) {
    zone["networkLocations"].push_back(access_point(number, i));
  }
  return zone;
}

Value cloud() {
  auto place = element("PUBLIC-COMMON-DEFAULT", "DEFAULT", 1, 0);
  for (int i = 0; i < kDomains; ++i) {
    place["physicalLocations"].push_back(host("dc-" + std::to_string(i), "DC"));
  }
  auto common = element("PUBLIC-COMMON", "COMMON", 5, 1);
  common["networkLocations"] = {place};
  auto domain = element("PUBLIC", "PUBLIC", 6, 2);
  domain["zones"] = {common};
  return domain;
}

std::string scenario_text() {
  Value domains = {cloud()};
  for (int d = 0; d < kDomains; ++d) {
    auto domain = element("operator-" + std::to_string(d), "OPERATOR-CELLULAR", 15, 3);
    for (int z = 0; z < kZones; ++z) domain["zones"].push_back(zone(d * kZones + z));
    domains.push_back(domain);
  }
  return json::dump({{"version", "1.9.2"},
                     {"name", "large"},
                     {"deployment",
                      {{"netChar", {{"latency", 50}, {"latencyVariation", 5}}},
                       {"connectivity", {{"model", "OPEN"}}},
                       {"d2d", {{"d2dMaxDistance", 100}}},
                       {"domains", domains}}}});
}

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Times {
  std::vector<double> parse, read, topology, all, bare;
};

void measure(const std::string& text, Times& times) {
  const auto begin = Clock::now();
  const auto document = json::parse(text);
  times.parse.push_back(ms_since(begin));
  const auto parsed = Clock::now();
  const auto scenario = read_scenario(*document);
  times.read.push_back(ms_since(parsed));
  const auto read = Clock::now();
  const auto topology = topology_of(scenario, {});
  times.topology.push_back(ms_since(read));
  times.all.push_back(ms_since(begin));
  if (!topology.problems.empty()) {
    std::fprintf(stderr, "%s\n", topology.problems.front().c_str());
    std::exit(1);
  }
}

void measure_bare(const std::string& text, Times& times) {
  const auto begin = Clock::now();
  const auto document = nlohmann::json::parse(text);
  times.bare.push_back(ms_since(begin));
}

void report_matrix(const std::string& text) {
  Times times;
  for (std::size_t i = 0; i < kRuns; ++i) {
    measure(text, times);
    measure_bare(text, times);
  }
  const auto scenario = read_scenario(*json::parse(text));
  const auto topology = topology_of(scenario, {});
  std::printf(
      "{\"bench\":\"scenario_matrix_ms\",\"value\":%.1f,\"unit\":\"ms\",\"ratio\":%.2f,"
      "\"against\":\"nlohmann::json::parse of the same text\",\"bare_ms\":%.1f,\"parse_ms\":%.1f,"
      "\"read_ms\":%.1f,\"topology_ms\":%.1f,\"bytes\":%zu,\"zones\":%zu,\"locations\":%zu,"
      "\"nodes\":%zu,\"hosts\":%zu,\"attachments\":%zu}\n",
      median(times.all), median(times.all) / median(times.bare), median(times.bare),
      median(times.parse), median(times.read), median(times.topology), text.size(),
      scenario.zones.size(), scenario.locations.size(), scenario.nodes.size(),
      topology.hosts.size(), topology.attachments.size());
}

void report_move(const std::string& text) {
  auto scenario = read_scenario(*json::parse(text));
  auto topology = topology_of(scenario, {});
  std::vector<double> us;
  for (std::size_t run = 0; run < kRuns; ++run) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < kMoves; ++i) {
      const auto zone = static_cast<int>(i) % (kDomains * kZones);
      const auto name = "10." + std::to_string(zone) + ".3." + std::to_string(i % kUes);
      const auto to = "poa-" + number_of((zone * 7 + static_cast<int>(run)) % 100, 5);
      const auto from = attachment_of(scenario, name);
      const bool done =
          move_ue(scenario, name, to) == Moved::kShared && reattach(topology, scenario, name, from);
      if (!done) std::exit(1);
    }
    us.push_back(ms_since(begin) * 1000 / kMoves);
  }
  std::printf(
      "{\"bench\":\"scenario_move_us\",\"value\":%.1f,\"unit\":\"us\",\"ratio\":null,"
      "\"against\":null}\n",
      median(us));
}

}  // namespace
}  // namespace mx2::optimizer::advantedge

int main(int argc, char** argv) {
  const auto text = mx2::optimizer::advantedge::scenario_text();
  if (argc > 1 && std::string(argv[1]) == "print") return std::puts(text.c_str()) < 0 ? 1 : 0;
  mx2::optimizer::advantedge::report_matrix(text);
  mx2::optimizer::advantedge::report_move(text);
}
