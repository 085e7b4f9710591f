// Side by side: the host that fewest hops away is, as AdvantEDGE's own mobility services choose,
// and the one of least latency. One table for each scenario file.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "optimizer/advantedge/path.h"
#include "tests/optimizer/hops.h"
#include "tests/support/command_line.h"

namespace mx2::optimizer::advantedge::test {
namespace {

constexpr std::size_t kRowsMax = 50;

void print(const std::string& file, const Scenario& scenario) {
  const auto comparisons = compare(scenario);
  std::printf("%s (%s)\n", scenario.name.c_str(), file.c_str());
  std::printf("  %-18s %-18s | %-18s %4s %9s | %-18s %9s\n", "UE", "at", "by hop count", "hops",
              "ms", "by latency", "ms");
  std::size_t rows = 0;
  for (const auto& one : comparisons) {
    if (++rows > kRowsMax) break;
    const auto& ue = scenario.nodes[one.ue];
    std::printf("  %-18s %-18s | %-18s %4d %9.1f | %-18s %9.1f%s\n", ue.name.c_str(),
                scenario.locations[ue.location].name.c_str(),
                scenario.nodes[one.by_hops.host].name.c_str(), one.hops, one.by_hops.latency_ms,
                scenario.nodes[one.by_latency.host].name.c_str(), one.by_latency.latency_ms,
                one.by_latency.latency_ms < one.by_hops.latency_ms ? "  <" : "");
  }
  if (rows > kRowsMax) std::printf("  … and %zu more\n", comparisons.size() - kRowsMax);
  const auto mean = means(comparisons);
  std::printf("  mean one-way latency of %zu UEs: %.1f ms by hop count, %.1f ms by latency\n\n",
              comparisons.size(), mean.by_hops_ms, mean.by_latency_ms);
}

bool run(const std::string& file) {
  const auto scenario = read_scenario_file(file);
  if (!scenario) {
    std::fprintf(stderr, "%s: %s\n", scenario.error().pointer.c_str(),
                 scenario.error().detail.c_str());
    return false;
  }
  for (const auto& problem : scenario->problems) std::fprintf(stderr, "%s\n", problem.c_str());
  print(file, *scenario);
  return true;
}

}  // namespace
}  // namespace mx2::optimizer::advantedge::test

int main(int argc, char** argv) {
  CLI::App app("Which host UEs get by fewest hops, and which by least latency", "mx2_hop_count");
  std::vector<std::string> files;
  app.add_option("SCENARIO", files,
                 "AdvantEDGE scenario in YAML or JSON, e.g. a saved answer of GET …/active")
      ->required()
      ->check(CLI::ExistingFile);
  return mx2::test::run_program(app, argc, argv, [&] {
    const auto failed = std::count_if(files.begin(), files.end(), [](const auto& file) {
      return !mx2::optimizer::advantedge::test::run(file);
    });
    return failed == 0 ? 0 : 1;
  });
}
