// All policies on real input: 125 edge sites and 816 users of Melbourne's centre (EUA dataset, MIT
// licence). One user, one context; each site a MEC host whose capacity is drawn from the seed, and
// one cloud for what the edge cannot take. Everybody begins at the nearest site.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "api/base/text.h"
#include "optimizer/evaluation.h"
#include "optimizer/policy.h"
#include "optimizer/simple_policies.h"
#include "optimizer/topology.h"
#include "tests/optimizer/instances.h"
#include "tests/support/command_line.h"
#include "tests/support/paths.h"

namespace mx2::optimizer {
namespace {

constexpr int kSkipped = 77;

// Two columns of a CSV file whose fields up to there have no quotes.
std::vector<Position> read_points(const std::string& file, std::size_t latitude,
                                  std::size_t longitude) {
  std::vector<Position> points;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);  // header
  while (std::getline(in, line)) {
    const auto fields = split(line, ',');
    if (fields.size() <= std::max(latitude, longitude)) continue;
    points.push_back(
        {std::stod(std::string(fields[longitude])), std::stod(std::string(fields[latitude])), {}});
  }
  return points;
}

Snapshot make_snapshot(const std::vector<Position>& sites, const std::vector<Position>& users,
                       std::uint64_t seed) {
  test::Dice dice(seed);
  Snapshot snapshot;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    snapshot.hosts.push_back(test::host("site-" + std::to_string(1000 + i), dice.roll(2, 14)));
    snapshot.hosts.back().position = sites[i];
    snapshot.hosts.back().cores = 2;
  }
  snapshot.hosts.push_back(
      test::host("the-cloud", static_cast<std::int64_t>(users.size()), Tier::kCloud));
  snapshot.hosts.back().position = sites.front();
  snapshot.hosts.back().cores = 64;
  snapshot.apps = {test::app("app")};
  snapshot.apps[0].default_host = static_cast<Index>(sites.size());
  std::vector<std::vector<std::int32_t>> latencies;
  for (Index u = 0; u < users.size(); ++u) {
    auto& row = latencies.emplace_back();
    for (const auto& host : snapshot.hosts) {
      row.push_back(latency_of_distance({}, host.tier, distance_km(users[u], *host.position)));
    }
    test::add_groups(snapshot, 1, 0, u);
  }
  test::finish(snapshot, latencies);
  const auto nearest = place_nearest(snapshot);
  for (std::size_t i = 0; i < users.size(); ++i) {
    snapshot.groups[i].host = nearest.host_of_group[i];
  }
  return snapshot;
}

void print_row(const std::string& name, const Evaluation& e, std::int64_t best) {
  constexpr double kUsPerSecond = 1e6;
  std::printf("| %-13s | %7.3f | %6.3f | %10zu | %5lld | %8lld | %11.3f | %9.2f |\n", name.c_str(),
              e.latency_mean_ms, e.latency_p95_ms, e.overloaded_hosts,
              static_cast<long long>(e.moves), static_cast<long long>(e.unserved_contexts),
              static_cast<double>(e.total()) / kUsPerSecond,
              static_cast<double>(e.total()) / static_cast<double>(best));
}

int run(const std::string& directory, std::uint64_t seed) {
  const auto sites = read_points(directory + "/site-optus-melbCBD.csv", 1, 2);
  const auto users = read_points(directory + "/users-melbcbd-generated.csv", 0, 1);
  if (sites.empty() || users.empty()) {
    std::fprintf(stderr, "SKIPPED: no EUA data in %s\n", directory.c_str());
    return kSkipped;
  }
  const auto snapshot = make_snapshot(sites, users, seed);
  std::int64_t capacity = 0;
  for (const auto& host : snapshot.hosts) capacity += host.tier == Tier::kEdge ? host.capacity : 0;
  std::printf("%zu sites with room for %lld contexts (seed %llu), %zu users\n\n", sites.size(),
              static_cast<long long>(capacity), static_cast<unsigned long long>(seed),
              users.size());
  std::printf(
      "| policy        | mean ms | p95 ms | overloaded | moves | unserved |      cost s | "
      "× optimum |\n|---|---|---|---|---|---|---|---|\n");
  const auto best = evaluate(snapshot, find_policy("min-cost-flow")->place(snapshot)).total();
  bool optimal = true;
  for (const auto& name : policy_names()) {
    const auto result = evaluate(snapshot, find_policy(name)->place(snapshot));
    optimal = optimal && best <= result.total();
    print_row(name, result, best);
  }
  return optimal ? 0 : 1;
}

}  // namespace
}  // namespace mx2::optimizer

int main(int argc, char** argv) {
  CLI::App app("Every placement policy on the sites and users of the EUA data set",
               "mx2_policy_table");
  auto directory = mx2::test::source_file("../shared/data/eua");
  std::uint64_t seed = 1;
  app.add_option("DATA_DIR", directory,
                 "Folder of site-optus-melbCBD.csv and users-melbcbd-generated.csv")
      ->check(CLI::ExistingDirectory);
  app.add_option("SEED", seed, "Of the sites' capacities")->capture_default_str();
  app.footer(
      "Exit status: 0 done, 1 a policy was better than the exact one, 2 wrong usage, 77 no "
      "data");
  return mx2::test::run_program(app, argc, argv,
                                [&] { return mx2::optimizer::run(directory, seed); });
}
