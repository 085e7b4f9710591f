#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "optimizer/policy.h"
#include "optimizer/simple_policies.h"
#include "optimizer/stability.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;
using test::add_groups;
using test::app;
using test::finish;
using test::host;

constexpr std::int64_t kPlenty = 1'000'000;

TEST_CASE("count-greedy: five contexts and two hosts are split 3/2", "[policy][prototype]") {
  Snapshot snapshot;
  snapshot.hosts = {host("comp0", kPlenty), host("comp1", kPlenty)};
  snapshot.apps = {app("l0"), app("unserved")};
  snapshot.apps[1].instances = {false, false};
  add_groups(snapshot, 5, 0, kNone);
  add_groups(snapshot, 1, 1, kNone);
  finish(snapshot, {});
  const auto placement = place_count_greedy(snapshot);
  const auto result = evaluate(snapshot, placement);
  CHECK(result.load == std::vector<std::int64_t>{3, 2});
  CHECK(placement.host_of_group.back() == kNone);
}

TEST_CASE("count-greedy: 300 contexts of three apps are split 100/100/100", "[policy][prototype]") {
  Snapshot snapshot;
  snapshot.hosts = {host("comp0", kPlenty), host("comp1", kPlenty), host("comp2", kPlenty)};
  snapshot.apps = {app("l0"), app("l1"), app("l2")};
  snapshot.apps[0].instances = snapshot.apps[1].instances = {true, true, false};
  for (Index a = 0; a < 3; ++a) add_groups(snapshot, 100, a, kNone);
  finish(snapshot, {});
  const auto result = evaluate(snapshot, place_count_greedy(snapshot));
  CHECK(result.load == std::vector<std::int64_t>{100, 100, 100});
}

TEST_CASE("count-greedy: the largest group goes first", "[policy][prototype]") {
  Snapshot snapshot;
  snapshot.hosts = {host("comp0", kPlenty), host("comp1", kPlenty)};
  snapshot.apps = {app("l0")};
  add_groups(snapshot, 4, 0, kNone);
  snapshot.groups[3].contexts = 3;
  finish(snapshot, {});
  const auto result = evaluate(snapshot, place_count_greedy(snapshot));
  CHECK(result.load == std::vector<std::int64_t>{3, 3});
}

Snapshot two_sites(std::int64_t edge_capacity, std::size_t contexts, Index at = kNone) {
  Snapshot snapshot;
  snapshot.hosts = {host("cloud", kPlenty, Tier::kCloud), host("edge", edge_capacity)};
  snapshot.hosts[1].service_us = 0;
  snapshot.apps = {app("a"), app("b")};
  add_groups(snapshot, contexts, 0, 0, at);
  finish(snapshot, {{20000, 1000}});
  return snapshot;
}

TEST_CASE("nearest ignores the load, min-cost-flow and least-loaded do not", "[policy]") {
  const auto snapshot = two_sites(3, 5);
  CHECK(evaluate(snapshot, place_nearest(snapshot)).overloaded_hosts == 1);
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).load == std::vector<std::int64_t>{2, 3});
  CHECK(evaluate(snapshot, place_least_loaded(snapshot)).overloaded_hosts == 0);
}

TEST_CASE("static: everybody where the row for everybody leads", "[policy]") {
  auto snapshot = two_sites(3, 5);
  snapshot.apps[0].default_host = 1;
  CHECK(evaluate(snapshot, place_static(snapshot)).load[1] == 5);
  snapshot.hosts[1].status = HostStatus::kDown;
  CHECK(evaluate(snapshot, place_static(snapshot)).load[0] == 5);
}

TEST_CASE("min-cost-flow: overflow goes to the cloud, least utility first", "[policy]") {
  auto snapshot = two_sites(4, 4);
  add_groups(snapshot, 4, 1, 0);
  finish(snapshot, {{20000, 1000}});
  snapshot.apps[1].qos.utility = 10;
  const auto placement = place_min_cost_flow(snapshot);
  for (std::size_t i = 0; i < 4; ++i) CHECK(placement.host_of_group[i] == 0);
  for (std::size_t i = 4; i < 8; ++i) CHECK(placement.host_of_group[i] == 1);
}

TEST_CASE("min-cost-flow: overflow skips a tier that the app may not be in", "[policy]") {
  auto snapshot = two_sites(4, 6);
  snapshot.hosts.push_back(host("region", kPlenty, Tier::kRegional));
  finish(snapshot, {{20000, 1000, 5000}});
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).load ==
        std::vector<std::int64_t>{0, 4, 2});
  snapshot.apps[0].tiers = {Tier::kEdge, Tier::kCloud};
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).load ==
        std::vector<std::int64_t>{2, 4, 0});
  CHECK(host_suits_app(snapshot.apps[0], snapshot.hosts[2], 2) == Verdict::kTier);
}

TEST_CASE("min-cost-flow: what nobody can take is unserved, least utility first", "[policy]") {
  auto snapshot = two_sites(4, 4);
  add_groups(snapshot, 4, 1, 0);
  finish(snapshot, {{20000, 1000}});
  snapshot.apps[1].qos.utility = 10;
  snapshot.hosts[0].capacity = 1;
  const auto result = evaluate(snapshot, place_min_cost_flow(snapshot));
  CHECK(result.unserved_contexts == 3);
  CHECK(result.load == std::vector<std::int64_t>{1, 4});
  snapshot.apps[0].qos.served_percent_min = 75;  // dearer than utility 10 is
  snapshot.apps[1].qos.utility = 2;
  const auto placement = place_min_cost_flow(snapshot);
  CHECK(std::count(placement.host_of_group.begin(), placement.host_of_group.begin() + 4, kNone) ==
        1);
}

TEST_CASE("min-cost-flow: nobody moves without need", "[policy]") {
  const auto snapshot = two_sites(10, 5, 1);
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).moves == 0);
}

TEST_CASE("min-cost-flow: an unknown latency is neither zero nor unreachable", "[policy]") {
  auto snapshot = two_sites(10, 5);
  snapshot.latency.set(0, 1, LatencyMatrix::kUnknown);
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).load[0] == 5);
  snapshot.latency.set(0, 0, LatencyMatrix::kUnreachable);
  const auto result = evaluate(snapshot, place_min_cost_flow(snapshot));
  CHECK(result.load[1] == 5);
  CHECK(result.unknown_latency_contexts == 5);
  snapshot.latency.set(0, 1, LatencyMatrix::kUnreachable);
  CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).unserved_contexts == 5);
}

TEST_CASE("min-cost-flow: groups of several weights keep to the capacities", "[policy]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    auto snapshot = test::random_snapshot(seed);
    test::Dice dice(seed);
    for (auto& model : snapshot.apps) model.weight = dice.roll(1, 4);
    for (auto& group : snapshot.groups) {
      group.contexts = static_cast<std::uint32_t>(dice.roll(1, 3));
      group.fixed = false;
    }
    const auto result = evaluate(snapshot, place_min_cost_flow(snapshot));
    CHECK(result.overloaded_hosts == 0);
  }
}

TEST_CASE("policies: empty catalogue, no hosts, nobody there", "[policy][hostile]") {
  for (const auto& name : policy_names()) {
    CAPTURE(name);
    Snapshot nothing;
    finish(nothing, {});
    CHECK(find_policy(name)->place(nothing).host_of_group.empty());
    Snapshot no_hosts;
    no_hosts.apps = {app("a")};
    add_groups(no_hosts, 2, 0, kNone);
    finish(no_hosts, {});
    CHECK(evaluate(no_hosts, find_policy(name)->place(no_hosts)).unserved_contexts == 2);
    Snapshot no_room = no_hosts;
    no_room.hosts = {host("h", 0)};
    finish(no_room, {});
    CHECK(evaluate(no_room, find_policy(name)->place(no_room)).unserved_contexts == 2);
  }
  CHECK(find_policy("nonsense") == nullptr);
}

TEST_CASE("policies: the same snapshot gives the same placement; who is fixed stays", "[policy]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto snapshot = test::random_snapshot(seed);
    for (const auto& name : policy_names()) {
      CAPTURE(seed, name);
      const auto placement = find_policy(name)->place(snapshot);
      CHECK(placement.host_of_group == find_policy(name)->place(snapshot).host_of_group);
      for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
        if (snapshot.groups[i].fixed) {
          CHECK(placement.host_of_group[i] == snapshot.groups[i].host);
        }
      }
    }
  }
}

TEST_CASE("min-cost-flow: what is too large to be solved is evacuated, and that is said",
          "[policy]") {
  auto snapshot = two_sites(4, 4, 1);
  add_groups(snapshot, 4, 1, 0, 1);
  finish(snapshot, {{20000, 1000}});
  snapshot.apps[1].qos.utility = 10;
  snapshot.hosts.push_back(host("small", 3));
  finish(snapshot, {{20000, 1000, 1000}});
  CHECK(place_min_cost_flow(snapshot, 5).host_of_group ==
        std::vector<Index>(8, 1));  // all may stay
  snapshot.hosts[1].status = HostStatus::kDown;
  const auto placement = place_min_cost_flow(snapshot, 5);
  CHECK_THAT(placement.degraded, ContainsSubstring("too large"));
  // The dearest first, to the nearest with room; the rest to the cloud.
  CHECK(std::count(placement.host_of_group.begin() + 4, placement.host_of_group.end(), 2) == 3);
  CHECK(std::count(placement.host_of_group.begin(), placement.host_of_group.end(), 0) == 5);
  CHECK(place_min_cost_flow(snapshot, 6).degraded.empty());
}

// Everything is in the same unit: who is worth more is so in every term.
TEST_CASE("costs: a utility of all, or requests of all, change no decision", "[policy]") {
  StabilityOptions options;
  options.gain_percent_min = 0;  // is rounded
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    auto snapshot = test::random_snapshot(seed);
    for (auto& model : snapshot.hosts) {
      model.service_us = 0;  // of waiting, no utility counts
      model.ready_capacity = model.capacity;
    }
    for (auto& group : snapshot.groups) {
      if (seed % 2 == 0 && !group.fixed) group.moved_ms = 999'999'000;
    }
    const auto place = [&](std::int64_t utility, std::int64_t requests) {
      auto scaled = snapshot;
      for (auto& model : scaled.apps) {
        model.qos.utility *= utility;
        model.weight *= requests;
        model.request_weight = 1;
      }
      for (auto& model : scaled.hosts) model.capacity = model.ready_capacity *= requests;
      calm(scaled, options, 1'000'000'000);
      const std::vector<std::string> policies(snapshot.apps.size(), "min-cost-flow");
      return evaluate(snapshot, place_calmly(scaled, policies, options)).total();
    };
    const auto once = place(1, 1);
    CHECK(place(100, 1) == once);
    CHECK(place(1, 64) == once);
    CHECK(place(100, 64) == once);
  }
}

TEST_CASE("costs: an app's requests multiply latency as they do its load", "[policy]") {
  auto snapshot = two_sites(10, 1);
  const auto once = context_cost(snapshot, 0, 0, 0).total();
  snapshot.apps[0].request_weight = 3;
  snapshot.apps[0].weight = 12;  // four a second
  CHECK(context_cost(snapshot, 0, 0, 0).total() == 4 * once);
  snapshot.apps[0].request_weight = 0;  // twelve units of work in a request
  CHECK(context_cost(snapshot, 0, 0, 0).total() == once);
}

// Near, a host that is quick while it is not full; in the cloud there is always time.
Snapshot hurried(std::size_t contexts) {
  auto snapshot = two_sites(static_cast<std::int64_t>(contexts), contexts, 1);
  for (auto& model : snapshot.hosts) model.service_us = 1000;
  snapshot.hosts[0].cores = 1000;
  snapshot.apps[0].qos.response_us_max = 25'000;
  snapshot.apps[0].qos.utility = 1000;  // not the queue of others drives them away
  finish(snapshot, {{20'000, 1000}});
  return snapshot;
}

TEST_CASE("response limits: waiting counts, so a full host keeps those it serves in time",
          "[policy]") {
  const auto snapshot = hurried(100);
  const auto everybody = evaluate(snapshot, current_placement(snapshot));
  CHECK(everybody.late_contexts == 100);  // 1 ms away, 1 ms of work, and 49 ms of waiting
  const auto placed = evaluate(snapshot, place_min_cost_flow(snapshot));
  CHECK(placed.late_contexts == 0);
  CHECK(placed.load[1] > 90);  // 23 ms of waiting are allowed
  CHECK(placed.load[1] < 98);
}

TEST_CASE("response limits: nobody comes back to a host that could not serve them in time",
          "[policy]") {
  auto snapshot = hurried(100);
  const auto options = [] {
    StabilityOptions stability;
    stability.dwell_ms = stability.hold_ms = 0;
    return stability;
  }();
  std::int64_t moves = 0;
  for (int i = 0; i < 10; ++i) {
    auto calmed = snapshot;
    calm(calmed, options, 1'000'000'000);
    const auto placed = place_calmly(calmed, {"min-cost-flow", "min-cost-flow"}, options);
    moves = evaluate(snapshot, placed).moves;
    for (std::size_t g = 0; g < snapshot.groups.size(); ++g) {
      snapshot.groups[g].host = placed.host_of_group[g];
    }
  }
  CHECK(moves == 0);
  CHECK(evaluate(snapshot, current_placement(snapshot)).late_contexts == 0);
}

TEST_CASE("response limits: no answer is worse than that everybody stays", "[policy]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    auto snapshot = test::random_calmed_snapshot(seed);
    test::Dice dice(seed);
    for (auto& model : snapshot.apps) model.qos.response_us_max = dice.roll(1000, 40'000);
    const Feasibility feasible(snapshot);
    std::erase_if(snapshot.groups, [&](const Group& group) {
      return group.host == kNone || !feasible.may(group, group.host, group.host);
    });
    const auto stay = evaluate(snapshot, current_placement(snapshot)).total();
    CHECK(evaluate(snapshot, place_min_cost_flow(snapshot)).total() <= stay);
  }
}

TEST_CASE("response limits: a problem that is too large is told though everybody stays",
          "[policy]") {
  CHECK_FALSE(place_min_cost_flow(hurried(10), 1).degraded.empty());
}

TEST_CASE("policies: each app by its own", "[policy]") {
  auto snapshot = two_sites(4, 4);
  add_groups(snapshot, 4, 1, 0);
  finish(snapshot, {{20000, 1000}});
  snapshot.apps[1].default_host = 0;
  const auto placement = place_by_app(snapshot, {"min-cost-flow", "static"});
  CHECK(placement.host_of_group == std::vector<Index>{1, 1, 1, 1, 0, 0, 0, 0});
  CHECK(place_by_app(snapshot, {"nearest", "min-cost-flow"}).host_of_group ==
        std::vector<Index>{1, 1, 1, 1, 0, 0, 0, 0});
}

}  // namespace
}  // namespace mx2::optimizer
