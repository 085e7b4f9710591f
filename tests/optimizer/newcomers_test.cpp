// Contexts of strategy baseline count where they are and stay; their rows are planned for those to
// come.
#include "optimizer/newcomers.h"

#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/explain.h"
#include "optimizer/moves.h"
#include "optimizer/plan.h"
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
constexpr Index kA = 0;
constexpr Index kB = 1;
const std::vector<std::string> kPolicies = {"static", "nearest", "count-greedy", "least-loaded",
                                            "min-cost-flow"};

// Attachment 0 is near host a, attachment 1 near host b. App 0 is of strategy baseline.
Snapshot two_cells(std::int64_t room_at_a, std::int64_t room_at_b = 1000) {
  Snapshot snapshot;
  snapshot.hosts = {host("a", room_at_a), host("b", room_at_b)};
  snapshot.apps = {app("a-keeps"), app("b-follows")};
  for (auto& model : snapshot.hosts) model.service_us = 0;  // the last place is as good as any
  finish(snapshot, {{1000, 60'000}, {60'000, 1000}});
  return snapshot;
}

void finish_again(Snapshot& snapshot) { finish(snapshot, {{1000, 60'000}, {60'000, 1000}}); }

// Whose row leads to `leads_to` and who has one context at `at`.
void add_baseline(Snapshot& snapshot, std::size_t count, Index attachment, Index leads_to,
                  Index at) {
  for (std::size_t i = 0; i < count; ++i) {
    Group row{{0, attachment}, leads_to, 0, true};
    row.to_come = 1;
    Group contexts{{0, attachment}, at, 1, true};
    contexts.follows = false;
    snapshot.groups.push_back(row);
    snapshot.groups.push_back(contexts);
  }
}

Placement plan(const Snapshot& snapshot, const std::string& policy = "min-cost-flow",
               std::size_t rows_max = 1000, const StabilityOptions& options = {}) {
  auto calmed = snapshot;
  calm(calmed, options, kNow);
  return place_calmly(calmed, {policy, policy}, options, rows_max);
}

std::int64_t rows_to(const Snapshot& snapshot, const Placement& placement, Index host) {
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    if (snapshot.groups[i].to_come > 0 && placement.host_of_group[i] == host) ++rows;
  }
  return rows;
}

TEST_CASE("newcomers: rows are planned though nobody moves, by every policy", "[newcomers]") {
  for (const auto& policy : kPolicies) {
    CAPTURE(policy);
    auto snapshot = two_cells(1000);
    snapshot.apps[0].default_host = kA;
    add_baseline(snapshot, 4, 0, kB, kB);
    finish_again(snapshot);
    const auto placed = plan(snapshot, policy, 1000, {.enabled = false});
    const auto nearest = policy == "count-greedy" ? 2 : policy == "least-loaded" ? 0 : 4;  // stays
    CHECK(rows_to(snapshot, placed, kA) == nearest);
    const auto after = evaluate(snapshot, placed);
    CHECK(after.moves == 0);
    CHECK(after.load[kA] == 0);
    CHECK(after.contexts == static_cast<std::int64_t>(snapshot.groups.size()) / 2);
  }
}

TEST_CASE("newcomers: who may move finds the room that baseline contexts leave now",
          "[newcomers]") {
  for (const auto& policy : {"min-cost-flow", "nearest"}) {
    CAPTURE(policy);
    auto snapshot = two_cells(4);
    add_baseline(snapshot, 3, 1, kB, kA);  // they are at a, whatever their rows say
    add_groups(snapshot, 3, 1, 0, kB);
    finish_again(snapshot);
    const auto placed = plan(snapshot, policy);
    const auto after = evaluate(snapshot, placed);
    CHECK(after.load[kA] == 4);
    CHECK(after.moves == 1);
    CHECK(rows_to(snapshot, placed, kB) == 3);
  }
}

TEST_CASE("newcomers: rows find the room that is left by who has been placed", "[newcomers]") {
  auto snapshot = two_cells(5);
  add_groups(snapshot, 3, 1, 0, kA);
  add_baseline(snapshot, 4, 0, kB, kB);
  finish_again(snapshot);
  std::stable_sort(snapshot.groups.begin(), snapshot.groups.end(),
                   [](const Group& a, const Group& b) { return a.app < b.app; });
  CHECK(rows_to(snapshot, plan(snapshot), kA) == 2);
}

TEST_CASE("newcomers: contexts to come take the places of those that are there", "[newcomers]") {
  for (const auto& policy : {"min-cost-flow", "nearest"}) {
    CAPTURE(policy);
    auto settled = two_cells(4, 4);
    add_baseline(settled, 4, 0, kA, kA);
    finish_again(settled);
    CHECK(rows_to(settled, plan(settled, policy), kA) == 4);  // not counted twice
    auto crossed = two_cells(4, 4);  // full of those whose rows should lead to the other
    add_baseline(crossed, 4, 1, kA, kA);
    add_baseline(crossed, 4, 0, kB, kB);
    finish_again(crossed);
    const auto placed = plan(crossed, policy);
    for (std::size_t i = 0; i < crossed.groups.size(); i += 2) {
      CHECK(placed.host_of_group[i] == (crossed.groups[i].attachment == 0 ? kA : kB));
    }
    CHECK(evaluate(crossed, placed).moves == 0);
  }
}

TEST_CASE("newcomers: a row that gains little is left alone, but costs no migration",
          "[newcomers]") {
  const auto changes = [](std::int32_t gain_us) {
    auto snapshot = two_cells(1000);
    add_baseline(snapshot, 1, 0, kB, kB);
    finish(snapshot, {{1000, 1000 + gain_us}});
    snapshot.cost.migration_us = 1'000'000;
    return rows_to(snapshot, plan(snapshot), kA);
  };
  CHECK(changes(900) == 0);
  CHECK(changes(1100) == 1);
}

TEST_CASE("newcomers: rows take nothing of the budget of moves, but of that of rows",
          "[newcomers]") {
  auto snapshot = two_cells(1000);
  add_baseline(snapshot, 3, 0, kB, kB);
  add_groups(snapshot, 3, 1, 0, kB);
  finish_again(snapshot);
  StabilityOptions options;
  options.moves_max = 2;
  auto placed = plan(snapshot, "min-cost-flow", 1000, options);
  CHECK(evaluate(snapshot, placed).moves == 2);
  CHECK(rows_to(snapshot, placed, kA) == 3);
  placed = plan(snapshot, "min-cost-flow", 3, options);
  CHECK(evaluate(snapshot, placed).moves == 2);
  CHECK(rows_to(snapshot, placed, kA) == 1);
}

TEST_CASE("newcomers: a row leaves a host that is down, contexts there count still",
          "[newcomers]") {
  auto snapshot = two_cells(1000);
  add_baseline(snapshot, 2, 0, kA, kA);
  finish_again(snapshot);
  snapshot.hosts[kA].status = HostStatus::kDown;
  const auto placed = plan(snapshot);
  CHECK(rows_to(snapshot, placed, kB) == 2);
  CHECK(evaluate(snapshot, placed).load[kA] == 2);
  const auto rows = rows_of(snapshot, placed, {"min-cost-flow", "min-cost-flow"});
  CHECK(rows.changes.size() == 2);
}

TEST_CASE("plan: contexts that move to a higher tier are counted by cause", "[newcomers]") {
  const auto escalated = [](std::int64_t capacity, HostStatus status, Tier tier) {
    auto snapshot = two_cells(1000);
    snapshot.groups.push_back({{0, 0}, kA, 2});
    finish(snapshot, {{1000, 2000}, {2000, 1000}});
    snapshot.hosts[kA].capacity = capacity;
    snapshot.hosts[kA].status = status;
    snapshot.hosts[kB].tier = tier;
    Placement placement;
    placement.host_of_group = {kB};
    return rows_of(snapshot, placement, {"nearest", "nearest"}).escalated;
  };
  using Counts = decltype(Plan::escalated);
  CHECK(escalated(100, HostStatus::kDown, Tier::kCloud) == Counts{2, 0, 0});
  CHECK(escalated(2, HostStatus::kUp, Tier::kRegional) == Counts{0, 2, 0});
  CHECK(escalated(100, HostStatus::kUp, Tier::kCloud) == Counts{0, 0, 2});
  CHECK(escalated(2, HostStatus::kDown, Tier::kEdge) == Counts{0, 0, 0});
}

TEST_CASE("newcomers: the second host of a row has room for contexts to come", "[newcomers]") {
  const auto second = [](std::int64_t room_at_b) {
    auto snapshot = two_cells(1000);
    snapshot.hosts.push_back(host("c", 1000));
    snapshot.hosts[kB].capacity = room_at_b;
    snapshot.groups.push_back({{1, 0}, kB, 1, true});
    add_baseline(snapshot, 1, 0, 2, 2);
    finish(snapshot, {{1000, 2000, 60'000}, {60'000, 1000, 60'000}});
    Placement placement;
    placement.host_of_group = {kB, kA, 2};
    const auto changes = rows_of(snapshot, placement, {"nearest", "nearest"}).changes;
    REQUIRE(changes.size() == 1);
    REQUIRE(changes[0].row.targets.size() == 2);
    return changes[0].row.targets[1].value;
  };
  CHECK(second(2) == "b");
  CHECK(second(1) == "c");
}

TEST_CASE("newcomers: who cannot be reached keeps its row", "[newcomers]") {
  auto snapshot = two_cells(1000);
  add_baseline(snapshot, 1, 0, kB, kB);
  finish_again(snapshot);
  snapshot.attachments[0].connected = false;
  CHECK(rows_to(snapshot, plan(snapshot), kB) == 1);
}

TEST_CASE("newcomers: who is taken out of a snapshot is room that is taken, and waiting",
          "[newcomers]") {
  auto snapshot = two_cells(10);
  snapshot.hosts[kA].service_us = 10'000;
  const auto part = without_groups(snapshot, {6, 0});
  CHECK(part.groups.empty());
  CHECK(part.hosts[kA].capacity == 4);
  CHECK(waiting_us(part.hosts[kA], 2) == waiting_us(snapshot.hosts[kA], 8));
  CHECK(marginal_cost(congestion_segments(part.hosts[kA]), 1) ==
        marginal_cost(congestion_segments(snapshot.hosts[kA]), 7));
}

TEST_CASE("newcomers: an explanation says what the row is for, and counts its UE once",
          "[newcomers]") {
  auto snapshot = two_cells(1);
  add_baseline(snapshot, 1, 0, kA, kA);
  finish_again(snapshot);
  const auto choice = explain(snapshot, plan(snapshot), "dev:ue-0", "a-keeps");
  REQUIRE(choice);
  CHECK(choice->chosen == kA);
  CHECK_FALSE(choice->candidates.at(0).full);
  CHECK(choice->candidates.at(1).migration_us == 0);
  CHECK_THAT(choice->reason, mx2::test::ContainsSubstring("for contexts to come"));
}

}  // namespace
}  // namespace mx2::optimizer
