#include "optimizer/explain.h"

#include <algorithm>

#include "optimizer/min_cost_flow.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;

Snapshot three_hosts() {
  Snapshot snapshot;
  snapshot.hosts = {test::host("a", 1), test::host("b", 10), test::host("c", 10)};
  snapshot.hosts[2].status = HostStatus::kDown;
  for (auto& host : snapshot.hosts) host.service_us = 0;
  snapshot.apps = {test::app("cheap"), test::app("dear")};
  snapshot.apps[1].qos.utility = 10;
  test::add_groups(snapshot, 1, 0, 0, 2);
  test::add_groups(snapshot, 1, 1, 0, 2);
  test::finish(snapshot, {{1000, 5000, 500}});
  return snapshot;
}

const Candidate& candidate(const Choice& choice, Index host) {
  const auto& all = choice.candidates;
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return c.host == host; });
  REQUIRE(it != all.end());
  return *it;
}

TEST_CASE("explain: every host with each term of its cost, and why it was chosen", "[explain]") {
  const auto snapshot = three_hosts();
  const auto placement = place_min_cost_flow(snapshot);
  const auto high = explain(snapshot, placement, "dev:ue-1", "dear");
  REQUIRE(high);
  CHECK(high->chosen == 0);
  CHECK(high->reason == "a costs least");
  const auto low = explain(snapshot, placement, "dev:ue-0", "cheap");
  REQUIRE(low);
  CHECK(low->chosen == 1);
  CHECK_THAT(low->reason, ContainsSubstring("a (full)"));
  CHECK(candidate(*low, 2).verdict == Verdict::kDown);
  const auto& b = candidate(*low, 1);
  CHECK(b.latency_us == 5000);
  CHECK(b.latency_known);
  CHECK(b.congestion_us < 50);
  CHECK(b.migration_us == 2000);
  CHECK(b.total_us() == 7000 + b.congestion_us);
  CHECK_FALSE(explain(snapshot, placement, "dev:nobody", "cheap"));
}

TEST_CASE("explain: what leaving would cost, and who rests", "[explain]") {
  auto snapshot = three_hosts();
  snapshot.hosts[2].status = HostStatus::kUp;
  snapshot.groups[0].host = snapshot.groups[1].host = 1;
  snapshot.apps[1].qos.utility = 1;
  snapshot.hysteresis.gain_us_min = 3500;
  auto placement = current_placement(snapshot);
  auto low = explain(snapshot, placement, "dev:ue-0", "cheap");
  REQUIRE(low);
  CHECK(low->candidates[0].host == 1);  // 5 ms, against 0.5 + 2 + 3.5 ms
  CHECK(candidate(*low, 2).migration_us == 2000);
  CHECK(candidate(*low, 2).leaving_us == 3500);
  snapshot.hysteresis.gain_us_min = 0;
  snapshot.hysteresis.rest_us = 5'000'000;
  CHECK(explain(snapshot, placement, "dev:ue-0", "cheap")->candidates[0].host == 2);
  snapshot.groups[0].resting = true;
  low = explain(snapshot, placement, "dev:ue-0", "cheap");
  CHECK(low->candidates[0].host == 1);
  CHECK_THAT(low->reason, ContainsSubstring("rests"));
}

}  // namespace
}  // namespace mx2::optimizer
