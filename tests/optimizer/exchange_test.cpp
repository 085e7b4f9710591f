// Full hosts that have one another's UEs: exchanges, rings and chains are done, whole or not at
// all, by every policy and within every budget.
#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/stability.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

using test::add_groups;
using test::app;
using test::finish;
using test::host;

constexpr std::int64_t kNow = 1'000'000'000;
constexpr std::int32_t kNear = 1000;
constexpr std::int32_t kFar = 60'000;

// Attachment i is near host i; the `each` UEs there are at the next host. Each weighs `weight`.
Snapshot ring(Index hosts, std::size_t each, std::int64_t weight = 1) {
  Snapshot snapshot;
  snapshot.apps = {app("l")};
  snapshot.apps[0].weight = weight;
  std::vector<std::vector<std::int32_t>> latencies(hosts, std::vector(hosts, kFar));
  for (Index h = 0; h < hosts; ++h) {
    const auto capacity = static_cast<std::int64_t>(each) * weight;
    snapshot.hosts.push_back(host("h" + std::to_string(100 + h), capacity));
    add_groups(snapshot, each, 0, h, (h + 1) % hosts);
    latencies[h][h] = kNear;
  }
  finish(snapshot, latencies);
  return snapshot;
}

Placement plan(const Snapshot& snapshot, const StabilityOptions& options,
               const std::string& policy = "min-cost-flow",
               std::size_t rows_max = std::numeric_limits<std::size_t>::max()) {
  auto calmed = snapshot;
  calm(calmed, options, kNow);
  const std::vector<std::string> policies(snapshot.apps.size(), policy);
  return place_calmly(calmed, policies, options, rows_max);
}

void apply(Snapshot& snapshot, const Placement& placement) {
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const auto to = placement.host_of_group[i];
    if (to != kNone) snapshot.groups[i].host = to;
  }
}

std::int64_t near_ones(const Snapshot& snapshot) {
  return std::count_if(snapshot.groups.begin(), snapshot.groups.end(),
                       [](const Group& group) { return group.host == group.attachment; });
}

std::size_t overloaded(const Snapshot& snapshot) {
  return evaluate(snapshot, current_placement(snapshot)).overloaded_hosts;
}

TEST_CASE("exchange: full hosts exchange their UEs, in twos and in rings", "[exchange]") {
  for (const auto& policy : {"min-cost-flow", "nearest"}) {
    for (const Index hosts : {2U, 3U, 7U, 50U}) {
      for (const std::int64_t weight : {1, 3}) {
        CAPTURE(policy, hosts, weight);
        auto snapshot = ring(hosts, 5, weight);
        apply(snapshot, plan(snapshot, {}, policy));
        CHECK(near_ones(snapshot) == 5 * hosts);
        CHECK(overloaded(snapshot) == 0);
      }
    }
  }
}

TEST_CASE("exchange: one that gains too little is left alone", "[exchange]") {
  StabilityOptions options;
  auto snapshot = ring(2, 3);
  for (auto& model : snapshot.hosts) model.service_us = 0;
  for (Index h = 0; h < 2; ++h) snapshot.latency.set(h, 1 - h, kNear + 2500);
  const auto moves = [&](const char* policy) {
    return evaluate(snapshot, plan(snapshot, options, policy)).moves;
  };
  CHECK(moves("min-cost-flow") == 0);  // 2 ms are the migration's
  CHECK(moves("nearest") == 0);
  options.gain_us_min = 400;
  CHECK(moves("min-cost-flow") == 0);  // 20 % of 3.5 ms
  CHECK(moves("nearest") == 0);
  options.gain_percent_min = 10;
  CHECK(moves("min-cost-flow") == 6);
  CHECK(moves("nearest") == 6);
}

TEST_CASE("exchange: who loses by it is outweighed by who gains", "[exchange]") {
  auto snapshot = ring(2, 1);
  snapshot.latency.set(1, 0, kNear);  // is well where it is, and not worse off by more than 10 ms
  snapshot.latency.set(1, 1, kNear + 10'000);
  CHECK(evaluate(snapshot, plan(snapshot, {})).moves == 2);
  snapshot.latency.set(1, 1, kNear + 50'000);
  CHECK(evaluate(snapshot, plan(snapshot, {})).moves == 0);
}

TEST_CASE("exchange: neither the budget of moves nor that of rows leaves half of one",
          "[exchange]") {
  for (const auto& policy : {"min-cost-flow", "nearest"}) {
    for (const std::int64_t most : {0, 1, 2, 3, 4, 5, 7, 14}) {
      for (const bool rows : {false, true}) {
        CAPTURE(policy, most, rows);
        auto snapshot = ring(3, 5);
        StabilityOptions options;
        if (!rows) options.moves_max = most;
        const auto rows_max = rows ? static_cast<std::size_t>(most) : 1000;
        const auto moves = most / 3 * 3;
        std::int64_t cycles = 0;
        while (near_ones(snapshot) < 15 && cycles < 15) {
          const auto before = near_ones(snapshot);
          apply(snapshot, plan(snapshot, options, policy, rows_max));
          CHECK(near_ones(snapshot) - before == std::min<std::int64_t>(moves, 15 - before));
          CHECK(overloaded(snapshot) == 0);
          ++cycles;
        }
        CHECK((near_ones(snapshot) == 15) == (most >= 3));
      }
    }
  }
}

// One has two contexts, which take the places of two others.
TEST_CASE("exchange: UEs of different size make room for one another", "[exchange]") {
  Snapshot snapshot;
  snapshot.hosts = {host("a", 2), host("b", 2)};
  snapshot.apps = {app("l")};
  add_groups(snapshot, 1, 0, 0, 1);
  snapshot.groups[0].contexts = 2;
  add_groups(snapshot, 2, 0, 1, 0);
  finish(snapshot, {{kNear, kFar}, {kFar, kNear}});
  apply(snapshot, plan(snapshot, {}));
  CHECK(near_ones(snapshot) == 3);
  CHECK(overloaded(snapshot) == 0);
}

// The last of the row has room; all others are full.
TEST_CASE("exchange: a chain of full hosts moves on when its end has room", "[exchange]") {
  for (const auto& policy : {"min-cost-flow", "nearest"}) {
    CAPTURE(policy);
    auto snapshot = ring(6, 2);
    for (auto& group : snapshot.groups) {  // nobody comes from the last host
      if (group.attachment == 4) group.host = 4;
    }
    for (auto& model : snapshot.hosts) model.service_us = 0;  // the last places are as good as any
    snapshot.hosts[4].capacity = 4;
    snapshot.hosts[4].ready_capacity = 4;
    apply(snapshot, plan(snapshot, {}, policy));
    CHECK(near_ones(snapshot) == 12);
    CHECK(overloaded(snapshot) == 0);
  }
}

// Somebody wants to come to each host and leaves one that nobody wants to come to.
TEST_CASE("exchange: one that cannot come keeps no others from it", "[exchange]") {
  auto snapshot = ring(3, 2);
  snapshot.hosts.push_back(host("h200", 100));
  for (Index h = 0; h < 3; ++h) add_groups(snapshot, 1, 0, 3 + h, 3);
  std::vector<std::vector<std::int32_t>> latencies(6, std::vector(4, kFar));
  for (Index h = 0; h < 3; ++h) {
    latencies[h][h] = kNear;
    latencies[3 + h] = {kFar * 9, kFar * 9, kFar * 9, kFar * 10};  // gains most
    latencies[3 + h][h] = 0;
  }
  for (auto& model : snapshot.hosts) model.service_us = 0;
  finish(snapshot, latencies);
  const auto placed = plan(snapshot, {}, "nearest");
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    CHECK(placed.host_of_group[i] == (i < 6 ? snapshot.groups[i].attachment : 3));
  }
}

TEST_CASE("exchange: the budget holds on random instances, and so do the capacities",
          "[exchange]") {
  std::int64_t moves = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    auto snapshot = test::random_snapshot(seed);
    for (auto& model : snapshot.hosts) model.status = HostStatus::kUp;
    const Feasibility feasible(snapshot);
    std::erase_if(snapshot.groups, [&](const Group& group) {
      return group.host == kNone || !feasible.may(group, group.host, group.host);
    });
    test::Dice dice(seed);
    for (auto& group : snapshot.groups) {
      group.contexts = static_cast<std::uint32_t>(dice.roll(1, 3));
    }
    const auto load = load_of(snapshot, current_placement(snapshot));
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {  // full
      snapshot.hosts[h].capacity = snapshot.hosts[h].ready_capacity = load[h];
    }
    StabilityOptions options;
    options.moves_max = dice.roll(0, 6);
    const auto placed = plan(snapshot, options, dice.one_in(2) ? "min-cost-flow" : "nearest");
    const auto result = evaluate(snapshot, placed);
    CHECK(result.moves <= options.moves_max);
    CHECK(result.overloaded_hosts == 0);
    moves += result.moves;
  }
  CHECK(moves > 50);
}

}  // namespace
}  // namespace mx2::optimizer
