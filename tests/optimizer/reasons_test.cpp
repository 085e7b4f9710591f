#include "optimizer/reasons.h"

#include "optimizer/measurement.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

using Words = std::vector<std::string>;

// Host "near" is cheapest for all, who are at `at`.
Decision decided(std::size_t contexts, Index at, std::int64_t room_near = 200) {
  Decision decision;
  auto& snapshot = decision.snapshot;
  snapshot.hosts = {test::host("far", 200), test::host("near", room_near)};
  for (auto& host : snapshot.hosts) host.cores = 2;
  snapshot.apps = {test::app("app")};
  test::add_groups(snapshot, contexts, 0, 0, at);
  test::finish(snapshot, {{9000, 2000}});
  decision.placement = current_placement(snapshot);
  return decision;
}

TEST_CASE("reasons: a host that is full because of background load is named, with the load",
          "[reasons]") {
  auto decision = decided(3, 0);
  HostLoad load;
  load.cpu = 0.85;
  set_background(decision.snapshot.hosts[1], load, 0, {});
  REQUIRE(decision.snapshot.hosts[1].capacity == 30);
  decision.snapshot.hosts[1].capacity = 0;  // all of it
  decision.snapshot.hosts[1].background = 200;
  const std::string full =
      "host near is full because background load 2.0 of 2 cores leaves 0 of 200 load units, 0 in "
      "use; 3 contexts would be better off there";
  CHECK(reasons(decision, 0) == Words{"no plan: " + full});
  CHECK(reasons(decision, 4) == Words{full});
}

TEST_CASE("reasons: a host that is full of contexts, and one without memory", "[reasons]") {
  auto decision = decided(3, 0, 2);
  test::add_groups(decision.snapshot, 2, 0, 0, 1);
  test::finish(decision.snapshot, {{9000, 2000}});
  decision.placement = current_placement(decision.snapshot);
  CHECK(reasons(decision, 1) == Words{"host near is full because 2 of 2 load units are in use; 3 "
                                      "contexts would be better off there"});
  decision.snapshot.hosts[1].memory_full = true;
  CHECK_THAT(reasons(decision, 1).front(), mx2::test::ContainsSubstring("its memory is in use"));
}

TEST_CASE("reasons: no plan where all is well, or nobody is there", "[reasons]") {
  CHECK(reasons(decided(3, 1), 0) == Words{"no plan: nobody gains enough by a move"});
  CHECK(reasons(decided(0, 1), 0) == Words{"no plan: there are no contexts"});
  CHECK(reasons(decided(3, 1), 2).empty());
}

TEST_CASE("reasons: who rests, who is pinned, and whom no host may serve", "[reasons]") {
  auto decision = decided(3, 0);
  for (auto& group : decision.snapshot.groups) group.resting = true;
  decision.snapshot.groups[0].fixed = true;  // pinned: nothing is to be told of it
  CHECK(reasons(decision, 0) ==
        Words{"no plan: 2 contexts moved lately, so better hosts wait (stability.dwell_ms)"});
  decision = decided(1, kNone);
  for (auto& host : decision.snapshot.hosts) host.status = HostStatus::kDown;
  CHECK(reasons(decision, 0) == Words{"no plan: 1 context cannot be served by any host"});
}

TEST_CASE("reasons: of many full hosts the most wanted, and how many more", "[reasons]") {
  Decision decision;
  auto& snapshot = decision.snapshot;
  const std::size_t many = kReasonsMax + 5;
  snapshot.hosts = {test::host("a-far", 1000)};
  snapshot.apps = {test::app("app")};
  std::vector<std::vector<std::int32_t>> latencies;
  for (std::size_t i = 0; i < many; ++i) {
    snapshot.hosts.push_back(test::host("near-" + std::to_string(100 + i), 0));
    test::add_groups(snapshot, i + 1, 0, static_cast<Index>(i), 0);
    auto& row = latencies.emplace_back(many + 1, 20'000);
    row[i + 1] = 1000;
  }
  test::finish(snapshot, latencies);
  decision.placement = current_placement(snapshot);
  const auto told = reasons(decision, 1);
  REQUIRE(told.size() == kReasonsMax + 1);
  CHECK(told.front().starts_with("host near-" + std::to_string(100 + many - 1) + " is full"));
  CHECK(told.back() == "5 more hosts are full");
}

}  // namespace
}  // namespace mx2::optimizer
