// The reconcilers of many hosts against MEPMs that fail at random.
#include "orchestrator/lifecycle/host_reconciler.h"
#include "tests/catch.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/simulated_driver.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;
using test::SimulatedDriver;

// 1 000 instances on 200 hosts, half of the starts and every tenth call failing at random.
TEST_CASE("a city of failing hosts converges, without a leak") {
  SimulatedDriver driver({.start_fails = 0.5, .call_fails = 0.1, .seed = 7});
  SequentialIds ids;
  ReconcileOptions options;
  options.retry_max_ms = 4000;
  std::vector<std::unique_ptr<HostReconciler>> hosts;
  for (int i = 0; i < 200; ++i) {
    const auto id = "h" + std::to_string(i);
    hosts.push_back(std::make_unique<HostReconciler>(id, "http://" + id + ":8090", driver, ids,
                                                     options, [](const auto&) { return 10'000; }));
  }
  HostReconciler::Time now{std::chrono::hours(1)};
  const auto run = [&](const HostReconciler::Wanted& wanted, std::size_t instances) {
    for (int round = 0; round < 6000; ++round) {
      for (const auto& host : hosts) host->step(now, wanted);
      driver.poll(0);
      now += milliseconds(50);
      if (driver.started() == instances && driver.all() == instances) return round;
    }
    return -1;
  };
  CHECK(run({{"a", 3}, {"b", 2}}, 1000) > 0);
  std::size_t ready = 0;
  // What an answer that got lost has left is found, too.
  for (int round = 0; round < 200; ++round) {
    for (const auto& host : hosts) host->step(now, {{"a", 3}, {"b", 2}});
    driver.poll(0);
    now += milliseconds(50);
  }
  for (const auto& host : hosts) ready += host->ready(now).size();
  CHECK(ready == 1000);
  CHECK(run({}, 0) > 0);
}

}  // namespace
}  // namespace mx2
