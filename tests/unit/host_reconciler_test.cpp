// The reconciler against MEPMs in memory: it converges, whatever fails, and leaves nothing behind.
#include "orchestrator/lifecycle/host_reconciler.h"

#include "tests/catch.h"
#include "tests/support/simulated_driver.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;
using test::SimulatedDriver;

constexpr const char* kMepm = "http://h1:8090";

struct OneHost {
  explicit OneHost(const SimulatedDriver::Knobs& knobs = {}) : driver(knobs) { restart(); }

  void restart() {
    reconciler = std::make_unique<HostReconciler>("h1", kMepm, driver, ids, ReconcileOptions{});
  }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      reconciler->step(now, wanted);
      driver.poll(0);
      now += milliseconds(20);
    }
  }
  [[nodiscard]] auto& instances() { return driver.mepms[kMepm].instances; }

  SimulatedDriver driver;
  SequentialIds ids;
  HostReconciler::Time now{std::chrono::hours(1)};
  HostReconciler::Wanted wanted;
  std::unique_ptr<HostReconciler> reconciler;
};

TEST_CASE("what is wanted is started, and what is not any more is ended and deleted") {
  OneHost host;
  host.wanted = {{"a", 2}, {"b", 1}};
  host.run(50);
  CHECK(host.driver.started() == 3);
  CHECK(host.reconciler->ready(host.now).size() == 3);
  CHECK(host.reconciler->living() == std::map<std::string, int>{{"a", 2}, {"b", 1}});

  host.wanted = {{"a", 1}};
  host.run(5);
  // Withdrawn at once, so that clients can leave, but still running.
  CHECK(host.reconciler->ready(host.now).size() == 1);
  CHECK(host.driver.started() == 3);
  host.run(200);
  CHECK(host.driver.all() == 1);
  CHECK(host.reconciler->instances().size() == 1);
}

TEST_CASE("instances of an earlier life are adopted, too many are ended, others' are left alone") {
  OneHost host;
  host.wanted = {{"a", 3}};
  host.run(50);
  lcm::Instance foreign;
  foreign.id = "x";
  foreign.key = "somebody's";
  foreign.app_d_id = "a";
  host.instances()["x"] = foreign;

  host.restart();
  host.wanted = {{"a", 2}};
  host.run(200);
  CHECK(host.driver.started() == 2);
  CHECK(host.instances().size() == 3);
  CHECK(host.reconciler->ready(host.now).size() == 2);
}

TEST_CASE("an instance that is being restarted keeps its clients for a moment") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.run(50);
  auto& instance = host.instances().begin()->second;
  instance.started = false;
  host.run(110);  // one look, and a little more
  CHECK(host.reconciler->ready(host.now).size() == 1);
  CHECK(host.reconciler->instances().at(0).state == "restarting");
  host.run(110);
  CHECK(host.reconciler->ready(host.now).empty());
  instance.started = true;
  host.run(110);
  CHECK(host.reconciler->ready(host.now).size() == 1);
}

TEST_CASE("an instance that its MEPM gives up is deleted, told, and replaced after a pause") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.run(50);
  auto& instance = host.instances().begin()->second;
  instance.started = instance.instantiated = false;
  instance.last_error = "it has crashed too often";
  host.run(120);
  const auto failures = host.reconciler->take_failures();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].reason == "it has crashed too often");
  host.run(100);
  CHECK(host.driver.started() == 1);
  CHECK(host.driver.all() == 1);
}

TEST_CASE("a λ that never starts is tried ever more seldom, and the host counts as unable") {
  OneHost host({.start_fails = 1});
  host.wanted = {{"a", 5}};
  host.run(500);  // 10 s
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  const auto failures = host.reconciler->take_failures().size();
  CHECK(failures >= 3);
  CHECK(failures <= 5 + 4);  // all five at first, then one after 1, 2, 4 … s
  CHECK(host.driver.all() <= 1);
  host.driver.knobs().start_fails = 0;
  host.run(3200);
  CHECK(host.driver.started() == 5);
  CHECK(host.reconciler->unable().empty());
}

TEST_CASE("a host that does not answer loses nothing, and nothing is started twice") {
  OneHost host;
  host.wanted = {{"a", 2}};
  host.run(50);
  host.driver.mepms[kMepm].answers = false;
  host.wanted = {{"a", 3}};
  host.run(300);
  CHECK(host.reconciler->ready(host.now).size() == 2);
  host.driver.mepms[kMepm].answers = true;
  host.run(3200);
  CHECK(host.driver.started() == 3);
  CHECK(host.driver.all() == 3);
}

// 1 000 instances on 200 hosts, half of the starts and every tenth call failing at random.
TEST_CASE("a city of failing hosts converges, without a leak") {
  SimulatedDriver driver({.start_fails = 0.5, .call_fails = 0.1, .seed = 7});
  SequentialIds ids;
  ReconcileOptions options;
  options.retry_max_ms = 4000;
  std::vector<std::unique_ptr<HostReconciler>> hosts;
  for (int i = 0; i < 200; ++i) {
    const auto id = "h" + std::to_string(i);
    hosts.push_back(
        std::make_unique<HostReconciler>(id, "http://" + id + ":8090", driver, ids, options));
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
