#include "optimizer/stability.h"

#include <algorithm>

#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

using test::add_groups;
using test::app;
using test::finish;
using test::host;

constexpr std::int64_t kNow = 1'000'000'000;
constexpr std::int64_t kPeriodMs = 5000;

// One cycle of the optimizer; returns how many contexts moved.
std::int64_t cycle(Snapshot& snapshot, std::int64_t now_ms, const StabilityOptions& options) {
  auto calmed = snapshot;
  calm(calmed, options, now_ms);
  const std::vector<std::string> policies(snapshot.apps.size(), "min-cost-flow");
  const auto plan = place_calmly(calmed, policies, options);
  std::int64_t moves = 0;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    auto& group = snapshot.groups[i];
    if (group.host == plan.host_of_group[i]) continue;
    if (group.host != kNone) {
      ++moves;
      group.moved_ms = now_ms;
    }
    group.host = plan.host_of_group[i];
  }
  return moves;
}

Snapshot two_hosts(std::int32_t first_us, std::int32_t second_us, std::size_t contexts) {
  Snapshot snapshot;
  snapshot.hosts = {host("a", 1000), host("b", 1000)};
  snapshot.apps = {app("l")};
  add_groups(snapshot, contexts, 0, 0, 0);
  finish(snapshot, {{first_us, second_us}});
  return snapshot;
}

TEST_CASE("stability: a small gain is left alone, a large one is taken", "[stability]") {
  const StabilityOptions options;
  auto small = two_hosts(10000, 7500, 10);  // less than the migration cost and the minimum gain
  CHECK(cycle(small, kNow, options) == 0);
  auto large = two_hosts(20000, 5000, 10);
  CHECK(cycle(large, kNow, options) == 10);
}

TEST_CASE("stability: without it, whatever the policy wants is done at once", "[stability]") {
  StabilityOptions options;
  options.enabled = false;
  options.moves_max = 4;
  auto snapshot = two_hosts(20000, 5000, 10);
  for (auto& group : snapshot.groups) group.moved_ms = kNow - 1;
  CHECK(cycle(snapshot, kNow, StabilityOptions{}) == 0);
  CHECK(cycle(snapshot, kNow, options) == 10);
}

TEST_CASE("stability: at most so many moves in a plan, the best first", "[stability]") {
  StabilityOptions options;
  options.moves_max = 4;
  auto snapshot = two_hosts(20000, 5000, 10);
  snapshot.latency = LatencyMatrix(2, 2);
  for (Index h = 0; h < 2; ++h) snapshot.latency.set(0, h, h == 0 ? 20000 : 5000);
  for (Index h = 0; h < 2; ++h) snapshot.latency.set(1, h, h == 0 ? 60000 : 5000);
  for (std::size_t i = 6; i < 10; ++i) snapshot.groups[i].attachment = 1;
  CHECK(cycle(snapshot, kNow, options) == 4);
  for (std::size_t i = 0; i < 10; ++i) CHECK(snapshot.groups[i].host == (i < 6 ? 0U : 1U));
}

TEST_CASE("stability: who has just moved stays, unless the host goes down", "[stability]") {
  const StabilityOptions options;
  auto snapshot = two_hosts(20000, 5000, 3);
  for (auto& group : snapshot.groups) group.moved_ms = kNow - options.dwell_ms + 1;
  CHECK(cycle(snapshot, kNow, options) == 0);
  snapshot.hosts[0].status = HostStatus::kDown;
  CHECK(cycle(snapshot, kNow, options) == 3);
}

TEST_CASE("stability: evacuation knows no budget", "[stability]") {
  StabilityOptions options;
  options.moves_max = 0;
  auto snapshot = two_hosts(5000, 20000, 50);
  CHECK(cycle(snapshot, kNow, options) == 0);
  snapshot.hosts[0].status = HostStatus::kDraining;
  CHECK(cycle(snapshot, kNow, options) == 50);
}

TEST_CASE("stability: an overloaded host is relieved, whatever the budget of moves",
          "[stability]") {
  StabilityOptions options;
  options.moves_max = 0;
  for (const std::int64_t service_us : {0, 20'000}) {  // with queues more would like to leave
    auto snapshot = two_hosts(5000, 20'000, 14);
    for (auto& model : snapshot.hosts) model.service_us = service_us;
    snapshot.hosts[0].capacity = snapshot.hosts[0].ready_capacity = 10;
    CHECK(cycle(snapshot, kNow, options) == 4);
  }
}

TEST_CASE("stability: the way down from a higher tier is held", "[stability]") {
  const StabilityOptions options;
  auto snapshot = two_hosts(40000, 5000, 3);
  snapshot.hosts[0].tier = Tier::kCloud;
  for (auto& group : snapshot.groups) group.moved_ms = kNow;
  CHECK(cycle(snapshot, kNow + options.dwell_ms, options) == 0);
  CHECK(cycle(snapshot, kNow + options.hold_ms, options) == 3);
}

TEST_CASE("stability: above the high mark load goes up, and comes down below the low one",
          "[stability]") {
  StabilityOptions options;
  options.dwell_ms = options.hold_ms = 0;
  options.high_percent = 80;
  options.low_percent = 50;
  auto snapshot = two_hosts(5000, 40000, 95);  // the edge has room for 100
  snapshot.hosts[0].capacity = 100;
  snapshot.hosts[0].parent = 1;
  snapshot.hosts[1].tier = Tier::kCloud;
  finish(snapshot, {{5000, 40000}});
  CHECK(cycle(snapshot, kNow, options) == 15);
  CHECK(cycle(snapshot, kNow, options) == 0);
  const auto leave = [&](std::size_t contexts) {  // the edge
    for (std::size_t left = 0; left < contexts; ++left) {
      snapshot.groups.erase(std::find_if(snapshot.groups.begin(), snapshot.groups.end(),
                                         [](const Group& group) { return group.host == 0; }));
    }
  };
  leave(30);  // 50 are left, not below the mark
  CHECK(cycle(snapshot, kNow, options) == 0);
  leave(1);
  CHECK(cycle(snapshot, kNow, options) == 15);
  // Without the mark they come down as soon as there is room.
  options.high_percent = options.low_percent = 100;
  snapshot.groups.back().host = 1;
  CHECK(cycle(snapshot, kNow, options) == 1);
}

TEST_CASE("stability: one leaves so that a dearer one can come", "[stability]") {
  auto snapshot = two_hosts(5000, 20000, 4);  // all at a, which is full
  snapshot.apps.push_back(app("m"));
  snapshot.apps[1].qos.utility = 20;
  snapshot.hosts[0].capacity = 4;
  snapshot.hosts[0].service_us = snapshot.hosts[1].service_us = 0;
  add_groups(snapshot, 2, 1, 0, 1);
  finish(snapshot, {{5000, 20000}});
  CHECK(cycle(snapshot, kNow, {}) == 4);
  CHECK(snapshot.groups[4].host == 0);
  CHECK(evaluate(snapshot, current_placement(snapshot)).overloaded_hosts == 0);
}

TEST_CASE("stability: a host that flaps is not run to and from", "[stability]") {
  const StabilityOptions options;
  auto snapshot = two_hosts(5000, 30000, 500);
  std::int64_t moves = 0;
  for (int i = 0; i < 20; ++i) {  // down and up every other cycle
    const auto now_ms = kNow + i * kPeriodMs;
    const bool up = i % 2 == 1;
    snapshot.hosts[0].status = up ? HostStatus::kUp : HostStatus::kDown;
    if (up) snapshot.hosts[0].up_since_ms = now_ms;
    moves += cycle(snapshot, now_ms, options);
  }
  CHECK(moves == 500);  // all away, once
}

TEST_CASE("stability: a host that came back fills gradually", "[stability]") {
  StabilityOptions options;
  options.dwell_ms = 0;
  auto snapshot = two_hosts(30000, 5000, 500);
  snapshot.hosts[1].capacity = 500;
  snapshot.hosts[1].up_since_ms = kNow;
  CHECK(cycle(snapshot, kNow, options) == 0);
  CHECK(cycle(snapshot, kNow + options.return_wait_ms - 1, options) == 0);
  CHECK(cycle(snapshot, kNow + options.return_ms / 4, options) == 125);
  CHECK(cycle(snapshot, kNow + options.return_ms / 2, options) == 125);
  for (int i = 0; i < 3; ++i) cycle(snapshot, kNow + options.return_ms, options);
  CHECK(snapshot.groups.back().host == 1);
}

TEST_CASE("stability: a host that came back is not filled sooner by those who are worth more",
          "[stability]") {
  StabilityOptions options;
  options.dwell_ms = 0;
  auto snapshot = two_hosts(30000, 5000, 500);
  snapshot.apps[0].qos.utility = 1000;
  snapshot.hosts[1].capacity = 500;
  snapshot.hosts[1].up_since_ms = kNow;
  CHECK(cycle(snapshot, kNow, options) == 0);
  const auto moves = cycle(snapshot, kNow + options.return_ms / 4, options);
  CHECK(moves == 125);
  // Whoever has no other host goes there all the same.
  snapshot.hosts[0].status = HostStatus::kDown;
  CHECK(cycle(snapshot, kNow + options.return_ms / 4, options) == 375);
}

// Every measurement is off by up to a fifth, anew in each cycle.
void jitter(Snapshot& snapshot, const Snapshot& truth, test::Dice& dice) {
  for (Index a = 0; a < truth.attachments.size(); ++a) {
    for (Index h = 0; h < truth.hosts.size(); ++h) {
      const auto us = truth.latency.at(a, h) * dice.roll(80, 120) / 100;
      snapshot.latency.set(a, h, static_cast<std::int32_t>(us));
    }
  }
  for (Index h = 0; h < truth.hosts.size(); ++h) {
    snapshot.hosts[h].service_us = truth.hosts[h].service_us * dice.roll(80, 120) / 100;
  }
}

TEST_CASE("stability: a host that has just come back takes those who have no other",
          "[stability]") {
  auto snapshot = two_hosts(5000, 5000, 10);
  snapshot.hosts[0].status = HostStatus::kDown;
  snapshot.hosts[1].up_since_ms = kNow;
  CHECK(cycle(snapshot, kNow, {}) == 10);
}

TEST_CASE("stability: under noise at most one in a hundred moves in a cycle", "[stability]") {
  const StabilityOptions options;
  const auto truth = test::large_snapshot({20000, 200, 5, 50}, 3);
  auto snapshot = truth;
  test::Dice dice(4);
  std::int64_t now_ms = kNow;
  for (int i = 0; i < 20; ++i) {  // converges
    jitter(snapshot, truth, dice);
    cycle(snapshot, now_ms += kPeriodMs, options);
  }
  std::int64_t most = 0;
  std::int64_t all = 0;
  for (int i = 0; i < 30; ++i) {
    jitter(snapshot, truth, dice);
    const auto moves = cycle(snapshot, now_ms += kPeriodMs, options);
    most = std::max(most, moves);
    all += moves;
  }
  const auto percent = 100.0 / static_cast<double>(snapshot.groups.size());
  WARN("noise of 20 %: " << static_cast<double>(all) / 30 * percent
                         << " % of contexts move in a cycle, at most "
                         << static_cast<double>(most) * percent << " %");
  CHECK(most * 100 <= static_cast<std::int64_t>(snapshot.groups.size()));
}

TEST_CASE("stability: when a host fails all leave at once, with room where they go",
          "[stability]") {
  const StabilityOptions options;
  auto snapshot = test::large_snapshot({20000, 200, 5, 50}, 3);
  cycle(snapshot, kNow, options);
  for (auto& group : snapshot.groups) group.moved_ms = kNow;  // nobody would move otherwise
  const auto before = snapshot;
  snapshot.hosts[7].status = HostStatus::kDown;
  const auto moves = cycle(snapshot, kNow + 1, options);
  std::int64_t evacuated = 0;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    CHECK_FALSE(snapshot.groups[i].host == 7);
    if (before.groups[i].host == 7) ++evacuated;
  }
  CHECK(evacuated > 0);
  CHECK(moves == evacuated);  // the others stay
  CHECK(evaluate(snapshot, current_placement(snapshot)).overloaded_hosts == 0);
}

TEST_CASE("stability: a host that flaps faster than the plans is left to rest", "[stability]") {
  const StabilityOptions options;
  auto snapshot = test::large_snapshot({20000, 200, 5, 50}, 3);
  cycle(snapshot, kNow, options);
  std::int64_t evacuated = 0;
  for (const auto& group : snapshot.groups) evacuated += group.host == 7 ? 1 : 0;
  std::int64_t moves = 0;
  for (int i = 0; i < 24; ++i) {  // two minutes
    const auto now_ms = kNow + 60'000 + i * kPeriodMs;
    snapshot.hosts[7].status = i % 2 == 0 ? HostStatus::kDown : HostStatus::kUp;
    if (i % 2 == 1) snapshot.hosts[7].up_since_ms = now_ms;
    moves += cycle(snapshot, now_ms, options);
    const auto back = std::count_if(snapshot.groups.begin(), snapshot.groups.end(),
                                    [](const Group& group) { return group.host == 7; });
    CHECK(back == 0);
  }
  CAPTURE(evacuated);
  CHECK(moves <= 3 * evacuated);  // away, and what rearranges itself afterwards
}

}  // namespace
}  // namespace mx2::optimizer
