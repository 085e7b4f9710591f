// scenario_matrix_ms: from the text of an AdvantEDGE scenario, as `GET …/active?minimize=true`
// answers, to hosts, attachments and latency matrix; 100 zones, 1 000 points of access, 200 hosts,
// 10 000 UEs. Compared with what nlohmann's parser alone takes for the same text. One JSON object a
// line; the median of nine.
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
#include "tests/bench/large_scenario.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::size_t kRuns = 9;

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

}  // namespace
}  // namespace mx2::optimizer::advantedge

int main(int argc, char** argv) {
  const auto text = mx2::bench::large_scenario();
  if (argc > 1 && std::string(argv[1]) == "print") return std::puts(text.c_str()) < 0 ? 1 : 0;
  mx2::optimizer::advantedge::report_matrix(text);
}
