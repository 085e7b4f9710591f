// UEs of a live scenario that move, followed by the planner: at once when told, at the next reading
// when not, and without drift over half an hour of random events. Time is simulated.
#include <random>

#include "optimizer/advantedge/live_source.h"
#include "optimizer/planner.h"
#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"
#include "tests/optimizer/fake_sandbox.h"
#include "tests/support/manual_clock.h"

namespace mx2::optimizer {
namespace {

using advantedge::test::kUes;
using advantedge::test::kZones;
using advantedge::test::notice;
using advantedge::test::poa;

OptimizerOptions at_once(int wait_ms) {
  OptimizerOptions options;
  options.orchestrator.wait_ms = wait_ms;
  options.policy = "nearest";
  options.cost.migration_us = 0;
  options.stability = {true, 0, 0, 0, 0, 100, 100, 1'000'000, 0, 0};
  return options;
}

struct MovingBench {
  advantedge::test::Sandbox sandbox;
  test::FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  ManualClock wall{1'000'000};
  metrics::Registry registry;
  Status status{registry, clock, wall, ""};
  Control control;
  Configuration configuration;
  Leadership leadership{{orchestrator, configuration.options.orchestrator}, "me", 9000, clock};
  advantedge::LiveSource source;
  Planner planner;
  std::map<std::string, std::string> table;  // UE -> host
  std::size_t plans_read = 0;

  explicit MovingBench(const std::string& callback, int wait_ms = 0)
      : configuration{{at_once(wait_ms), {}}, {}, {}},
        source({sandbox, sandbox, sandbox},
               {{"http://s", "http://s", {}}, {}, 500, callback, "tag"}, clock, wall, [] {}),
        planner(orchestrator, orchestrator, configuration, ConfigurationWatch("", {}), leadership,
                control, status, clock, "me", &source) {
    for (const auto* id : {"mep1", "mep2", "mep3"}) {
      orchestrator.lists["hosts"].push_back(codec::to_json_with_status(test::host(id), 0));
    }
    for (int i = 0; i < kUes; ++i) {
      orchestrator.lists["contexts"].push_back(test::context("ue" + std::to_string(i), "", ""));
    }
    pass(1000);
  }

  void step() {
    (void)source.step();
    (void)leadership.step();
    (void)planner.step();
    for (; plans_read < orchestrator.plans.size(); ++plans_read) {
      const auto changes = codec::decode_table_patch(orchestrator.plans[plans_read], 1000);
      REQUIRE(changes.ok());
      for (const auto& change : *changes) {
        table[change.row.ue.dev_app_id] = change.remove ? "" : change.row.targets.front().value;
      }
    }
  }
  void pass(int ms) {
    for (const auto end = clock.now_ms() + ms; clock.now_ms() < end; clock.advance(50)) step();
  }
  // The hosts that are nearest to a UE, by hand: with equal domains it is a matter of zones and of
  // what events have made of the hosts' own latency.
  std::set<std::string> nearest(const std::string& ue) const {
    const auto& where = sandbox.at.at(ue);
    std::set<std::string> hosts;
    int least = 1'000'000;
    for (const auto& [host, own_ms] : sandbox.node_ms) {
      const bool same_zone = where.substr(4, 1) == host.substr(3, 1);
      const int ms = own_ms + 10 + (same_zone ? 0 : 12);
      if (ms < least) hosts.clear();
      if (ms <= least) hosts.insert(host);
      least = std::min(least, ms);
    }
    return hosts;
  }
  std::string hosts_text() const {
    std::string text;
    for (const auto& [host, own_ms] : sandbox.node_ms)
      text += host + "=" + std::to_string(own_ms) + " ";
    return text;
  }
  std::string misplaced() const {
    std::string text;
    for (const auto& [ue, where] : sandbox.at) {
      if (where.empty()) continue;
      const auto it = table.find(ue);
      const auto host = it == table.end() ? "" : it->second;
      if (!nearest(ue).contains(host)) text += ue + " at " + where + " has " + host + "\n";
    }
    return text;
  }
};

}  // namespace

TEST_CASE("a UE that is told to have moved gets its row at once, and nobody else is planned",
          "[moving]") {
  MovingBench bench("http://me");
  REQUIRE(bench.misplaced().empty());
  const auto plans = bench.orchestrator.plans.size();
  bench.sandbox.at["ue1"] = poa(2, 1);
  (void)bench.source.notify(notice("ue1", poa(2, 1), "Entering"));
  bench.step();
  REQUIRE(bench.orchestrator.plans.size() == plans + 1);
  CHECK(bench.orchestrator.plans.back().find('\n') == bench.orchestrator.plans.back().size() - 1);
  CHECK(bench.table["ue1"] == "mep3");
  CHECK(bench.misplaced().empty());
}

TEST_CASE("a UE of strategy baseline that moves gets its row at once, though its contexts stay",
          "[moving]") {
  MovingBench bench("http://me");
  auto app = bench.orchestrator.lists["apps"][0];
  app["strategy"] = "baseline";
  bench.orchestrator.change("app", app);
  for (int i = 0; i < kUes; ++i) {
    bench.orchestrator.change("context", test::context("ue" + std::to_string(i), "mep1", ""));
  }
  bench.pass(6000);
  const auto plans = bench.orchestrator.plans.size();
  bench.sandbox.at["ue1"] = poa(2, 1);
  (void)bench.source.notify(notice("ue1", poa(2, 1), "Entering"));
  bench.step();
  REQUIRE(bench.orchestrator.plans.size() == plans + 1);
  CHECK(bench.table["ue1"] == "mep3");
}

TEST_CASE("a move that was told before the feed is waited for does not wait for it", "[moving]") {
  MovingBench bench("http://me", 20'000);
  REQUIRE(bench.orchestrator.longest_wait_ms > 0);
  bench.sandbox.at["ue1"] = poa(2, 1);
  (void)bench.source.notify(notice("ue1", poa(2, 1), "Entering"));
  bench.orchestrator.longest_wait_ms = 0;
  bench.step();
  CHECK(bench.orchestrator.longest_wait_ms == 0);
  CHECK(bench.table["ue1"] == "mep3");
}

TEST_CASE("a UE that moves unnoticed gets its row when the scenario is read", "[moving]") {
  MovingBench bench("");
  bench.sandbox.at["ue1"] = poa(2, 1);
  bench.pass(550);
  CHECK(bench.table["ue1"] == "mep3");
}

TEST_CASE("who is disconnected stays where it is; an operator's pin stays, too", "[moving]") {
  MovingBench bench("http://me");
  const auto before = bench.table["ue1"];
  bench.sandbox.at["ue1"] = "";
  bench.pass(6000);  // with a plan of everybody
  CHECK(bench.table["ue1"] == before);
  bench.sandbox.at["ue1"] = poa(0, 1);
  bench.pass(1000);
  CHECK(bench.table["ue1"] == "mep1");

  Association pin;
  pin.app_d_id = "app";
  pin.ue = UeSelector::parse("dev:ue1").value();
  pin.targets = {Target::parse("host:mep2").value()};
  bench.orchestrator.change("row", codec::to_json(pin));
  bench.pass(100);
  const auto plans = bench.orchestrator.plans.size();
  bench.sandbox.at["ue1"] = poa(2, 0);
  (void)bench.source.notify(notice("ue1", poa(2, 0), "Entering"));
  bench.pass(6000);
  CHECK(bench.orchestrator.plans.size() == plans);
}

TEST_CASE("half an hour of random events leaves no drift between scenario and table", "[moving]") {
  for (const std::uint32_t seed : {1U, 2U}) {
    MovingBench bench(seed == 1 ? "http://me" : "");
    std::mt19937 random(seed);
    const auto dice = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    int checks = 0;
    for (int second = 0; second < 1800; ++second) {
      for (int events = dice(4); events > 0; --events) {
        const auto ue = "ue" + std::to_string(dice(kUes));
        const auto host = "mep" + std::to_string(1 + dice(kZones));
        const int kind = dice(100);
        auto& at = bench.sandbox.at[ue];
        if (kind < 80) {
          at = poa(dice(kZones), dice(2));
          if (dice(10) > 0) (void)bench.source.notify(notice(ue, at, "Entering"));
        } else if (kind < 88) {
          const auto was = std::exchange(at, "");
          if (!was.empty()) (void)bench.source.notify(notice(ue, was, "Leaving"));
        } else if (kind < 94) {
          if (bench.sandbox.node_ms.contains(host)) bench.sandbox.node_ms[host] = dice(40);
        } else if (kind < 96) {
          if (bench.sandbox.node_ms.size() > 1) bench.sandbox.node_ms.erase(host);
        } else if (kind < 98) {
          bench.sandbox.node_ms.emplace(host, 0);
        } else if (kind < 99) {
          bench.sandbox.status = dice(2) == 0 ? 500 : 200;
        } else {
          bench.sandbox.active = dice(2) == 0;
        }
        bench.pass(50 * dice(5));
      }
      bench.pass(50 + 50 * dice(20));
      if (second % 30 != 29) continue;
      bench.sandbox.status = 200;
      bench.sandbox.active = true;
      bench.pass(1100);
      INFO("seed " << seed << ", second " << second << ": " << bench.hosts_text());
      CHECK(bench.misplaced() == "");
      ++checks;
    }
    CHECK(checks == 60);
  }
}

}  // namespace mx2::optimizer
