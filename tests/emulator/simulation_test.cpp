#include "emulator/simulation.h"

#include "emulator/report.h"
#include "tests/catch.h"

namespace mx2::emulator {
namespace {

// A small city: three cells in a ring, each with a host of everything.
Scenario city(StrategyKind strategy) {
  Scenario scenario;
  scenario.duration_s = 70;
  scenario.lambdas = {{"face"}, {"voice"}};
  for (std::uint32_t i = 0; i < 3; ++i) {
    scenario.hosts.push_back({"mec-" + std::to_string(i), {}, 4, {0, 1}, i});
  }
  scenario.network.cells = 3;
  scenario.network.shape = NetworkSpec::Shape::kRing;
  scenario.ues.mobility.residence_s = 5;
  scenario.optimizer.stability.dwell_ms = 0;
  scenario.strategy.kind = strategy;
  return scenario;
}

const std::vector<StrategyKind> kAll = {StrategyKind::kStatic, StrategyKind::kBaseline,
                                        StrategyKind::kNotification, StrategyKind::kDispatching,
                                        StrategyKind::kMultiple};

std::string row(const Scenario& scenario, std::uint64_t seed) {
  return run_row(seed, Simulation(scenario, seed).run());
}

}  // namespace

TEST_CASE("A call in an empty city takes what the network and the processor take") {
  auto scenario = city(StrategyKind::kStatic);
  scenario.hosts.resize(1);
  scenario.network.cells = 1;
  scenario.ues.number = 1;
  scenario.ues.mobility.residence_s = 0;
  scenario.network.overhead_bytes = 0;
  const auto results = Simulation(scenario, 1).run();
  // 1 ms each way; 10 000 and 1 000 bytes at 100 Mb/s; 100.04 ms of service.
  const auto expected_s = 0.002 + 0.0008 + 0.00008 + 0.10004;
  CHECK(results.response_s.mean() == Approx(expected_s).epsilon(1e-9));
  CHECK(results.response_s.variation() < 1e-6);
  CHECK(results.response.quantile(0.99) == Approx(expected_s).epsilon(0.01));
  CHECK(results.calls == 60);
}

TEST_CASE("A call that goes further crosses each link, a dispatched one twice") {
  auto scenario = city(StrategyKind::kStatic);
  scenario.hosts[1].lambdas.clear();
  scenario.hosts[2].lambdas.clear();
  scenario.ues.number = 30;
  scenario.ues.mobility.residence_s = 0;
  scenario.ues.traffic.interval_s = 10;  // so few that none waits
  scenario.network.overhead_bytes = 0;
  std::vector<double> away_ms;
  Simulation simulation(scenario, 3);
  simulation.on_call([&](const CallRecord& call) {
    CHECK(call.host == 0);
    away_ms.push_back(to_seconds(call.response) * 1e3);
  });
  (void)simulation.run();
  const auto near = 2 + 0.88 + 100.04;
  const auto far = near + 20 + 0.88;
  REQUIRE_FALSE(away_ms.empty());
  for (const auto ms : away_ms) {
    const bool as_expected = std::abs(ms - near) < 1.5 || std::abs(ms - far) < 1.5;
    CHECK(as_expected);
  }
}

TEST_CASE("The same seed gives the same results, to the last byte; another seed does not") {
  for (const auto strategy : kAll) {
    INFO(to_text(strategy));
    const auto scenario = city(strategy);
    CHECK(row(scenario, 7) == row(scenario, 7));
    CHECK(row(scenario, 7).substr(2) != row(scenario, 8).substr(2));
  }
}

TEST_CASE("No call is lost or made up, whatever happens") {
  for (const auto strategy : kAll) {
    for (const auto model : {TrafficSpec::Model::kClosedLoop, TrafficSpec::Model::kOnOff,
                             TrafficSpec::Model::kBursts}) {
      INFO(to_text(strategy));
      auto scenario = city(strategy);
      scenario.ues.traffic.model = model;
      scenario.hot_spot.of = HotSpotSpec::Of::kCells;
      const auto results = Simulation(scenario, 11).run();
      CHECK(results.sent == results.delivered);
      CHECK(results.failed == 0);
      CHECK(results.calls == results.response.total());
      CHECK(results.calls + results.probes <= results.sent);
    }
  }
}

TEST_CASE("Calls that a host cannot take are failed calls, not lost ones") {
  for (const auto strategy : {StrategyKind::kStatic, StrategyKind::kDispatching}) {
    auto scenario = city(strategy);
    for (auto& lambda : scenario.lambdas) lambda.memory_offset = 1e12;
    const auto results = Simulation(scenario, 1).run();
    CHECK(results.sent == results.delivered);
    CHECK(results.failed == results.sent);
    CHECK(results.response.total() == 0);
  }
}

TEST_CASE("Strategies see the same moves, and while nobody is late the same calls") {
  const auto baseline = Simulation(city(StrategyKind::kBaseline), 5).run();
  for (const auto strategy : kAll) {
    const auto results = Simulation(city(strategy), 5).run();
    CHECK(results.moves == baseline.moves);
    CHECK(results.calls == baseline.calls);
  }
}

TEST_CASE("Those who are told follow the table, the others when their context ends") {
  const auto told = Simulation(city(StrategyKind::kNotification), 1).run();
  const auto baseline = Simulation(city(StrategyKind::kBaseline), 1).run();
  CHECK(told.notifications > 0);
  CHECK(told.notifications == told.rows_changed);
  CHECK(baseline.notifications == 0);
  CHECK(baseline.rows_changed > 0);
  CHECK(told.stale * 20 < told.calls);
  CHECK(baseline.stale * 5 > baseline.calls);
  CHECK(told.adoption_s.mean() < 1.2);  // until the next call
  CHECK(baseline.adoption_s.mean() > 2);
}

TEST_CASE("A rewrite that was adopted during the warm-up does not count") {
  auto scenario = city(StrategyKind::kNotification);
  scenario.warmup_s = 60;
  const auto results = Simulation(scenario, 1).run();
  CHECK(results.adoption_s.count() > 0);
  CHECK(results.adoption_s.mean() < 1.2);  // one call a second
}

TEST_CASE(
    "Rows of those who move are rewritten when the Optimizer plans, or at once if it is told") {
  for (const auto kind : {StrategyKind::kNotification, StrategyKind::kDispatching}) {
    auto scenario = city(kind);
    scenario.strategy.follows = true;
    scenario.strategy.selection = SelectionKind::kShipped;
    const auto planned = Simulation(scenario, 1).run();
    scenario.optimizer.told_of_moves = true;
    const auto told = Simulation(scenario, 1).run();
    scenario.optimizer.period_s = 1;
    scenario.optimizer.told_of_moves = false;
    const auto soon = Simulation(scenario, 1).run();
    INFO(to_text(kind));
    CHECK(planned.moves == told.moves);
    CHECK(planned.notifications < told.notifications);
    CHECK(told.response_s.mean() < soon.response_s.mean());
    CHECK(soon.response_s.mean() < planned.response_s.mean());
    CHECK(told.stale * 20 < told.calls);
  }
}

TEST_CASE("Of several endpoints that the table names none is stale") {
  auto scenario = city(StrategyKind::kMultiple);
  scenario.strategy.endpoints = 3;
  CHECK(Simulation(scenario, 1).run().stale == 0);
}

TEST_CASE("Without changes nobody is at a stale endpoint and nobody is told") {
  auto scenario = city(StrategyKind::kNotification);
  scenario.ues.mobility.residence_s = 0;
  const auto results = Simulation(scenario, 2).run();
  CHECK(results.stale == 0);
  CHECK(results.notifications == 0);
}

TEST_CASE("Dispatched calls go through the cell where the context began, or where the UE is") {
  auto scenario = city(StrategyKind::kDispatching);
  const auto fixed = Simulation(scenario, 1).run();
  scenario.strategy.follows = true;
  const auto followed = Simulation(scenario, 1).run();
  CHECK(fixed.notifications == 0);
  CHECK(followed.notifications > 0);
  CHECK(followed.stale * 20 < followed.calls);
  CHECK(followed.link_bytes() < fixed.link_bytes());
}

TEST_CASE("A client of several endpoints probes the others as often as it should") {
  auto scenario = city(StrategyKind::kMultiple);
  scenario.strategy.endpoints = 3;
  scenario.strategy.probe = 0.1;
  scenario.duration_s = 310;
  const auto results = Simulation(scenario, 1).run();
  CHECK(static_cast<double>(results.probes) / static_cast<double>(results.calls) ==
        Approx(0.2).epsilon(0.05));
}

TEST_CASE("The hot spot makes its UEs call more often") {
  auto scenario = city(StrategyKind::kStatic);
  scenario.ues.number = 10;
  scenario.hot_spot = {HotSpotSpec::Of::kLambdas, 10, 4};
  const auto results = Simulation(scenario, 1).run();
  // Half of the UEs at four calls a second, half at one.
  CHECK(static_cast<double>(results.calls) / results.seconds == Approx(25).epsilon(0.05));
}

TEST_CASE("A hundred thousand UEs are possible") {
  auto scenario = city(StrategyKind::kStatic);
  scenario.ues.number = 100'000;
  scenario.ues.request_bytes = 10;
  scenario.duration_s = 3;
  scenario.warmup_s = 1;
  const auto results = Simulation(scenario, 1).run();
  CHECK(results.sent == results.delivered);
}

}  // namespace mx2::emulator
