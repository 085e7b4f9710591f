// The reconciler against MEPMs in memory: it converges, whatever fails, and leaves nothing behind.
#include "orchestrator/lifecycle/host_reconciler.h"

#include "tests/catch.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/simulated_driver.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;
using test::SimulatedDriver;

constexpr const char* kMepm = "http://h1:8090";

std::int64_t ready_time_of(const std::string& /*app*/) { return 10'000; }

struct OneHost {
  explicit OneHost(const SimulatedDriver::Knobs& knobs = {}) : driver(knobs) { restart(); }

  void restart() {
    reconciler = std::make_unique<HostReconciler>("h1", kMepm, driver, ids, options, ready_time_of);
  }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      reconciler->step(now, wanted);
      driver.poll(0);
      now += milliseconds(20);
    }
  }
  void run_ms(int ms) { run(ms / 20); }
  [[nodiscard]] auto& instances() { return driver.mepms[kMepm].instances; }

  SimulatedDriver driver;
  SequentialIds ids;
  ReconcileOptions options;
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

TEST_CASE(
    "a start that its MEPM never finishes is cancelled, failed and deleted, and told at once") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.driver.mepms[kMepm].dead = {"a"};
  host.run_ms(29'500);
  CHECK(host.driver.cancelled == 0);
  CHECK(host.reconciler->unable().empty());
  host.run_ms(1000);
  CHECK(host.driver.cancelled == 1);
  CHECK(host.driver.failed == 1);
  CHECK(host.driver.all() == 0);
  CHECK(host.reconciler->instances().empty());
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  const auto failures = host.reconciler->take_failures();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].reason == "it was not ready after 30 s");

  host.driver.mepms[kMepm].dead.clear();  // it is tried again
  host.run_ms(4000);
  CHECK(host.driver.started() == 1);
  CHECK(host.reconciler->unable().empty());
}

TEST_CASE("what cannot be ended is asked ever more seldom, and nothing is begun beside it") {
  OneHost host;
  host.wanted = {{"a", 1}};
  auto& mepm = host.driver.mepms[kMepm];
  mepm.dead = {"a"};
  mepm.cancels = false;
  host.run_ms(60'000);
  CHECK(host.driver.creates == 1);
  CHECK(host.driver.all() == 1);
  CHECK(host.reconciler->living().empty());
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  host.run_ms(120'000);
  const auto calls = host.driver.calls;
  host.run_ms(60'000);
  CHECK(host.driver.calls - calls < 60);  // half of them looks
  mepm.dead.clear();
  host.run_ms(200'000);
  CHECK(host.driver.started() == 1);
  CHECK(host.driver.all() == 1);
  CHECK(host.reconciler->unable().empty());
}

TEST_CASE("an end that its MEPM never finishes is failed and asked for again, ever more seldom") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.run(50);
  auto& mepm = host.driver.mepms[kMepm];
  mepm.dead = {"a"};
  host.wanted = {};
  host.run_ms(24'000);
  CHECK(host.driver.failed == 0);
  host.run_ms(3000);
  CHECK(host.driver.failed == 1);
  mepm.dead.clear();
  host.run_ms(5000);
  CHECK(host.driver.all() == 0);
  CHECK(host.reconciler->instances().empty());
}

TEST_CASE("a start that nobody wants any more is cancelled") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.driver.mepms[kMepm].dead = {"a"};
  host.run_ms(1000);
  host.wanted = {{"a", 0}};
  host.run_ms(500);
  CHECK(host.driver.cancelled == 1);
  CHECK(host.driver.all() == 0);
  CHECK(host.reconciler->take_failures().empty());
}

TEST_CASE("starts that take long do not hold up others, and what has failed comes last") {
  OneHost host;
  auto& mepm = host.driver.mepms[kMepm];
  for (int i = 0; i < 20; ++i) {
    const auto app = "a" + std::to_string(10 + i);
    mepm.dead.insert(app);
    host.wanted[app] = 1;
  }
  host.run_ms(1000);
  CHECK(host.driver.creates == ReconcileOptions{}.starts_max);
  host.wanted["good"] = 1;
  host.run_ms(4500);
  CHECK(host.driver.started() == 1);
  host.run_ms(40'000);  // all have failed once
  host.wanted["very good"] = 1;
  host.run_ms(500);
  CHECK(host.driver.started() == 2);
}

TEST_CASE("after a failure one is tried at a time") {
  OneHost host({.start_fails = 1});
  host.wanted = {{"a", 5}};
  host.run(10);
  REQUIRE(host.driver.creates == 5);
  for (int i = 0; i < 5000 && host.driver.creates == 5; ++i) host.run(1);
  CHECK(host.driver.creates == 6);
}

TEST_CASE("a start that cannot be cancelled is failed soon after") {
  OneHost host;
  host.wanted = {{"a", 1}};
  auto& mepm = host.driver.mepms[kMepm];
  mepm.dead = {"a"};
  mepm.cancels = false;
  for (int i = 0; i < 5000 && host.driver.cancelled == 0; ++i) host.run(1);
  REQUIRE(host.driver.cancelled == 1);
  const auto cancelled = host.now;
  for (int i = 0; i < 5000 && host.driver.failed == 0; ++i) host.run(1);
  CHECK(host.driver.failed == 1);
  CHECK(host.now - cancelled <= std::chrono::seconds(6));
}

TEST_CASE("of two that may be started, the one that has failed comes last") {
  OneHost host;
  host.options.starts_max = 1;
  host.restart();
  host.driver.mepms[kMepm].dead = {"a"};
  host.wanted = {{"a", 1}};
  for (int i = 0; i < 10'000 && host.reconciler->take_failures().empty(); ++i) host.run(1);
  host.wanted.clear();
  host.run_ms(20'000);  // its pause is over
  REQUIRE(host.instances().empty());
  host.wanted = {{"a", 1}, {"b", 1}};
  for (int i = 0; i < 100 && host.instances().empty(); ++i) host.run(1);
  REQUIRE(host.instances().size() == 1);
  CHECK(host.instances().begin()->second.app_d_id == "b");
}

TEST_CASE("an operation that its MEPM does not know any more keeps the deadline of its start") {
  OneHost host;
  auto& mepm = host.driver.mepms[kMepm];
  mepm.knows_operations = false;
  host.wanted = {{"a", 1}, {"b", 1}};
  mepm.dead = {"a"};
  host.run_ms(10'000);
  CHECK(host.driver.started() == 1);  // the look has shown it
  CHECK(host.reconciler->ready(host.now).size() == 1);
  CHECK(host.reconciler->unable().empty());
  host.run_ms(25'000);
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  CHECK(host.driver.creates == 2);
}

TEST_CASE("a start that gets on has more time, but not for ever") {
  OneHost host;
  host.wanted = {{"a", 1}};
  auto& mepm = host.driver.mepms[kMepm];
  mepm.dead = {"a"};
  host.run_ms(500);
  const auto id = mepm.instances.begin()->second.id;
  const auto get_on = [&](int times) {
    for (int i = 0; i < times && mepm.instances.contains(id); ++i) {
      auto& phase = mepm.instances[id].phase;
      phase = phase == "installed" ? "allocated" : "installed";
      host.run_ms(25'000);
    }
  };
  get_on(12);  // 300 s
  CHECK(mepm.instances.contains(id));
  CHECK(host.reconciler->unable().empty());
  get_on(3);
  CHECK_FALSE(mepm.instances.contains(id));
}

TEST_CASE("a package that is fetched has the time that this takes") {
  OneHost host;
  host.wanted = {{"a", 1}};
  auto& mepm = host.driver.mepms[kMepm];
  mepm.dead = {"a"};
  host.run_ms(500);
  mepm.instances.begin()->second.phase = "fetching";
  host.run_ms(300'000);
  CHECK(host.driver.cancelled == 0);
  host.run_ms(30'000);
  CHECK(host.driver.cancelled == 1);
}

TEST_CASE(
    "a MEPM that loses what it was asked to start has failed, and is not asked all the time") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.driver.mepms[kMepm].forgets = true;
  host.run_ms(10'000);
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  CHECK(host.driver.creates <= 5);
}

TEST_CASE("a MEPM that never tells its instances makes its host unable for what is wanted") {
  OneHost host;
  host.wanted = {{"a", 1}, {"b", 0}};
  auto& mepm = host.driver.mepms[kMepm];
  mepm.answers = false;
  host.run_ms(21'000);
  CHECK(host.reconciler->unable().empty());
  host.run_ms(2000);
  CHECK_FALSE(host.reconciler->known());
  CHECK(host.reconciler->deaf());
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  mepm.answers = true;
  host.run_ms(3000);
  CHECK(host.reconciler->unable().empty());
  CHECK(host.driver.started() == 1);
}

TEST_CASE("while nobody looks at a host its starts do not come nearer to their end") {
  OneHost host;
  host.wanted = {{"a", 1}};
  host.driver.mepms[kMepm].dead = {"a"};
  host.run_ms(10'000);
  host.now += std::chrono::minutes(2);
  host.run_ms(15'000);
  CHECK(host.driver.cancelled == 0);
  host.run_ms(10'000);
  CHECK(host.driver.cancelled == 1);
}

TEST_CASE("a host is able again when nobody has wanted for a while what failed there") {
  OneHost host({.start_fails = 1});
  host.wanted = {{"a", 1}};
  host.run_ms(10'000);
  REQUIRE(host.reconciler->unable() == std::vector<std::string>{"a"});
  host.wanted = {{"a", 0}};
  host.run_ms(59'000);
  CHECK(host.reconciler->unable() == std::vector<std::string>{"a"});
  host.run_ms(3000);
  CHECK(host.reconciler->unable().empty());
}

TEST_CASE("a list that hangs does not keep the loop busy") {
  OneHost host;
  const auto next = host.reconciler->step(host.now, {{"a", 1}});
  CHECK(next > host.now);
  const auto later = host.now + milliseconds(3000);
  CHECK(host.reconciler->step(later, {{"a", 1}}) > later);
  CHECK(host.driver.calls == 1);
}

}  // namespace
}  // namespace mx2
