// All policies on real input: 125 edge sites and 816 users of Melbourne's centre (EUA dataset, MIT
// licence). One user, one context; each site a MEC host whose capacity is drawn from the seed, and
// one cloud for what the edge cannot take. Everybody begins at the nearest site.
// The data's folder is a clone of https://github.com/swinedge/eua-dataset, or has the two files
// side by side; columns are found by their headers, whatever their order and case.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/base/text.h"
#include "api/csv/csv.h"
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

constexpr const char* kSites = "site-optus-melbCBD.csv";
constexpr const char* kUsers = "users-melbcbd-generated.csv";
constexpr std::size_t kPointsMax = 1'000'000;

// Where a clone of the dataset has a file, or beside the other; empty: nowhere.
std::string find_file(const std::string& directory, const char* folder, const char* name) {
  const auto root = std::filesystem::path(directory);
  for (const auto& file : {root / folder / name, root / name}) {
    std::error_code error;
    if (std::filesystem::is_regular_file(file, error)) return file.string();
  }
  return {};
}

Error at_fault(const std::string& file, std::size_t line, const std::string& what) {
  return invalid_argument(file + ", line " + std::to_string(line) + ": " + what);
}

// Of the column with this header; npos when there is none.
std::size_t column_of(const std::vector<std::string>& header, const std::string& name) {
  const auto it = std::find_if(header.begin(), header.end(), [&](const std::string& title) {
    return to_lower(trim(title)) == name;
  });
  return it == header.end() ? std::string::npos : static_cast<std::size_t>(it - header.begin());
}

// A number of degrees, at most so many from 0.
std::optional<double> degrees_of(const std::vector<std::string>& fields, std::size_t column,
                                 double most) {
  if (column >= fields.size()) return std::nullopt;
  const auto text = std::string(trim(fields[column]));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && *end == '\0';
  return whole && value >= -most && value <= most ? std::optional(value) : std::nullopt;
}

// The points of a file of the dataset, in its order.
Result<std::vector<Position>> read_points(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  CsvReader reader(in);
  const auto header = reader.next();
  if (!header) return at_fault(file, reader.line(), header.error().detail);
  if (!*header) return at_fault(file, 1, "there is no header");
  const auto latitude = column_of((*header)->fields, "latitude");
  const auto longitude = column_of((*header)->fields, "longitude");
  if (latitude == std::string::npos || longitude == std::string::npos) {
    return at_fault(file, (*header)->line, "has no columns 'latitude' and 'longitude'");
  }
  std::vector<Position> points;
  while (points.size() < kPointsMax) {
    const auto record = reader.next();
    if (!record) return at_fault(file, reader.line(), record.error().detail);
    if (!*record) return points;
    const auto north = degrees_of((*record)->fields, latitude, 90);
    const auto east = degrees_of((*record)->fields, longitude, 180);
    if (!north || !east) return at_fault(file, (*record)->line, "latitude or longitude is none");
    points.push_back({*east, *north, {}});
  }
  return at_fault(file, reader.line(), "has more than a million points");
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

int skip(const std::string& directory) {
  std::fprintf(stderr,
               "SKIPPED: no %s and %s in %s; git clone https://github.com/swinedge/eua-dataset, "
               "and name its folder\n",
               kSites, kUsers, directory.c_str());
  return kSkipped;
}

int run(const std::string& directory, std::uint64_t seed) {
  const auto site_file = find_file(directory, "edge-servers", kSites);
  const auto user_file = find_file(directory, "users", kUsers);
  if (site_file.empty() || user_file.empty()) return skip(directory);
  const auto read_sites = read_points(site_file);
  const auto read_users = read_points(user_file);
  for (const auto* read : {&read_sites, &read_users}) {
    if (!*read) std::fprintf(stderr, "%s\n", read->error().detail.c_str());
  }
  if (!read_sites || !read_users) return 1;
  const auto& sites = *read_sites;
  const auto& users = *read_users;
  if (sites.empty() || users.empty()) {
    std::fprintf(stderr, "%s has no sites, or no users\n", directory.c_str());
    return 1;
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
      "Exit status: 0 done, 1 a policy was better than the exact one, or the data are not what "
      "they should be, 2 wrong usage, 77 no data");
  return mx2::test::run_program(app, argc, argv,
                                [&] { return mx2::optimizer::run(directory, seed); });
}
