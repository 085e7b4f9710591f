// The life cycle's states, with a back end and packages that do as they are told, and time that the
// test moves.
#include "lcm/mepm/lifecycle.h"

#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace mx2::mepm {
namespace {

class SimulatedBackend final : public Backend {
 public:
  Result<void> accepts(const AppDescriptor&) const override {
    if (accepting) return {};
    auto error = invalid_argument("not here");
    error.cause = "wrong-architecture";
    return error;
  }
  void start(const std::string& id, const InstalledPackage&) override { calls += "start " + id; }
  void stop(const std::string& id, bool graceful) override {
    calls += (graceful ? "stop " : "kill ") + id;
    if (stops) tell(BackendEvent::Kind::kStopped, id);
  }
  void release(const std::string& id) override { calls += "release " + id; }
  void confirm_ready(const std::string& id) override { calls += "confirm " + id; }
  std::vector<std::string> survivors() override { return left; }
  InstanceUsage usage(const std::string&) const override { return {}; }
  void step(std::int64_t, std::vector<BackendEvent>& events) override {
    events = std::exchange(pending, {});
  }
  std::int64_t next_due_ms() const override { return 1'000'000'000; }

  void tell(BackendEvent::Kind kind, const std::string& id, bool temporary = false) {
    pending.push_back({kind, id, {"h", 1}, 3, 4, "why", "because", temporary});
  }
  std::string take_calls() { return std::exchange(calls, {}); }

  bool accepting = true;
  bool stops = true;
  std::string calls;
  std::vector<std::string> left;
  std::vector<BackendEvent> pending;
};

class SimulatedPackages final : public Packages {
 public:
  void want(const std::string& holder, const std::string&, const std::string&) override {
    holders.push_back(holder);
  }
  void let_go(const std::string& holder) override { std::erase(holders, holder); }
  PackageState state(const std::string&) const override { return it; }
  PackageState it;
  std::vector<std::string> holders;
};

class SilentAnnouncer final : public Announcer {
 public:
  void instance_changed(const AppInstanceInfo& info) override { told += to_text(state_of(info)); }
  void operation_changed(const AppLcmOpOcc&, const AppInstanceInfo&) override {}
  bool announce_end(const std::string&, OperationAction, std::int64_t) override { return listens; }
  bool may_know_of_end(const std::string&) const override { return reachable; }
  void instance_gone(const std::string&) override {}
  bool listens = false;
  bool reachable = true;
  std::string told;
};

struct World {
  World() {
    packages.it.kind = PackageState::Kind::kInstalled;
    packages.it.package.descriptor.app_d_id = "app";
    begin();
  }
  void begin() {
    life = std::make_unique<Lifecycle>(
        Lifecycle::Needs{backend, packages, announcer, state, date, clock, ids, [] {}},
        LifecycleOptions{3, 4, 60'000});
  }
  std::string create(const std::string& key = {}) {
    return life->create({"app", "name", {}, key}, {"pkg", "app", "N", "P", "1", "1", "d", true})
        .value()
        .id;
  }
  std::string running() {
    const auto id = create();
    REQUIRE(life->instantiate(id).ok());
    life->step();
    backend.tell(BackendEvent::Kind::kReady, id);
    life->step();
    REQUIRE(life->instance(id)->instantiated);
    backend.take_calls();
    return id;
  }
  OperationState state_of_operation(const std::string& id) {
    return life->operation(id).value().state;
  }

  mx2::test::TempDir directory;
  StateDir state{directory.path()};
  ManualClock date{1'700'000'000'000};
  ManualClock clock{1000};
  RandomIds ids{date};
  SimulatedBackend backend;
  SimulatedPackages packages;
  SilentAnnouncer announcer;
  std::unique_ptr<Lifecycle> life;
};

TEST_CASE("Creating is idempotent by key, and bounded", "[lifecycle]") {
  World world;
  const auto id = world.create("a");
  CHECK(world.create("a") == id);
  world.create("b");
  world.create();
  const auto refused = world.life->create({"app", {}, {}, "c"}, {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(world.life->remove(id).ok());
  CHECK(world.life->remove(id).error().code == ErrorCode::kNotFound);
}

TEST_CASE("An instance does one operation at a time", "[lifecycle]") {
  World world;
  const auto id = world.create();
  CHECK(world.life->terminate(id, {}).error().code == ErrorCode::kConflict);
  CHECK(world.life->operate(id, {}).error().code == ErrorCode::kConflict);
  CHECK(world.life->confirm_ready(id).error().code == ErrorCode::kConflict);
  const auto operation = world.life->instantiate(id);
  REQUIRE(operation.ok());
  CHECK(world.life->instantiate(id).error().code == ErrorCode::kConflict);
  CHECK(world.life->remove(id).error().code == ErrorCode::kConflict);
  world.life->step();
  CHECK(world.backend.take_calls() == "start " + id);
  CHECK(world.life->confirm_ready(id).ok());
  world.life->step();
  CHECK(world.backend.take_calls() == "confirm " + id);
  world.backend.tell(BackendEvent::Kind::kReady, id);
  world.life->step();
  CHECK(world.state_of_operation(*operation) == OperationState::kCompleted);
  CHECK(world.life->instance(id)->status.ready_ms == 4);
  CHECK(world.announcer.told == "STARTED");
  CHECK(world.life->remove(id).error().code == ErrorCode::kConflict);
}

TEST_CASE("A graceful end waits for the instance, and no longer than it may", "[lifecycle]") {
  World world;
  world.announcer.listens = true;
  const auto id = world.running();
  const auto operation = world.life->terminate(id, {true, 10}).value();
  world.life->step();
  CHECK(world.backend.take_calls().empty());
  CHECK(world.life->next_due_ms() == 11'000);
  CHECK(world.life->confirm_termination(id, OperationAction::kStopping).error().code ==
        ErrorCode::kConflict);
  SECTION("confirmed") {
    CHECK(world.life->confirm_termination(id, OperationAction::kTerminating).ok());
  }
  SECTION("not confirmed") { world.clock.advance(10'000); }
  SECTION("it cannot be told") { world.announcer.reachable = false; }
  SECTION("it ended by itself") { world.backend.tell(BackendEvent::Kind::kDown, id); }
  world.life->step();
  world.life->step();
  CHECK(world.backend.take_calls() == "stop " + id + "release " + id);
  CHECK(world.state_of_operation(operation) == OperationState::kCompleted);
  CHECK_FALSE(world.life->instance(id)->instantiated);
  CHECK(world.packages.holders.empty());
}

TEST_CASE("Cancel undoes what starts, and keeps what was only told of its end", "[lifecycle]") {
  World world;
  SECTION("while the package comes") {
    world.packages.it.kind = PackageState::Kind::kFetching;
    const auto id = world.create();
    const auto operation = world.life->instantiate(id).value();
    world.life->step();
    CHECK(world.life->cancel(operation).ok());
    world.life->step();
    world.life->step();
    CHECK(world.state_of_operation(operation) == OperationState::kFailedTemp);
    CHECK(world.life->operation(operation)->error_cause == "cancelled");
    CHECK(world.life->cancel(operation).error().code == ErrorCode::kConflict);
    CHECK(world.life->retry(operation).ok());
    CHECK(world.state_of_operation(operation) == OperationState::kProcessing);
  }
  SECTION("while it starts") {
    const auto id = world.create();
    const auto operation = world.life->instantiate(id).value();
    world.life->step();
    CHECK(world.life->cancel(operation).ok());
    world.life->step();
    world.life->step();
    CHECK(world.backend.take_calls() == "start " + id + "kill " + id + "release " + id);
    CHECK(world.life->fail(operation)->state == OperationState::kFailed);
    CHECK(world.life->fail(operation).error().code == ErrorCode::kConflict);
  }
  SECTION("before it has confirmed its end") {
    world.announcer.listens = true;
    const auto id = world.running();
    const auto operation = world.life->terminate(id, {}).value();
    CHECK(world.life->cancel(operation).ok());
    CHECK(world.life->instance(id)->instantiated);
    CHECK(world.state_of_operation(operation) == OperationState::kFailedTemp);
    CHECK(world.life->terminate(id, {false, {}}).ok());  // the new one fails the old one
    CHECK(world.state_of_operation(operation) == OperationState::kFailed);
  }
}

TEST_CASE("An instance that fails says why", "[lifecycle]") {
  World world;
  const auto id = world.create();
  const auto operation = world.life->instantiate(id).value();
  SECTION("at first, for the time being") {
    world.life->step();
    world.backend.tell(BackendEvent::Kind::kFailed, id, true);
    world.life->step();
    CHECK(world.state_of_operation(operation) == OperationState::kFailedTemp);
  }
  SECTION("because it cannot run here") {
    world.backend.accepting = false;
    world.life->step();
    CHECK(world.state_of_operation(operation) == OperationState::kFailed);
    CHECK(world.life->operation(operation)->error_cause == "wrong-architecture");
  }
  SECTION("later") {
    world.life->step();
    world.backend.tell(BackendEvent::Kind::kReady, id);
    world.backend.tell(BackendEvent::Kind::kDown, id);
    world.backend.tell(BackendEvent::Kind::kFailed, id);
    world.life->step();
    CHECK(world.announcer.told == "STARTEDSTOPPEDNOT_INSTANTIATED");
    CHECK(world.life->instance(id)->status.last_error == "because");
  }
  CHECK_FALSE(world.life->instance(id)->instantiated);
  CHECK(world.packages.holders.empty());
}

TEST_CASE("What was written down is gone on with", "[lifecycle]") {
  World world;
  const auto runs = world.running();
  const auto half = world.create();
  const auto operation = world.life->instantiate(half).value();
  world.backend.left = {runs, "orphan"};
  world.begin();
  world.life->recover();
  CHECK(world.backend.take_calls() == "kill orphan");
  CHECK(world.life->instance(runs)->operational_state == OperationalState::kStarted);
  world.life->step();
  const auto calls = world.backend.take_calls();
  CHECK(calls.find("start " + runs) != std::string::npos);  // which takes over
  CHECK(calls.find("start " + half) != std::string::npos);
  CHECK(calls.find("release orphan") != std::string::npos);
  world.backend.tell(BackendEvent::Kind::kReady, runs);
  world.backend.tell(BackendEvent::Kind::kReady, half);
  world.life->step();
  CHECK(world.state_of_operation(operation) == OperationState::kCompleted);
  CHECK(world.life->instance(half)->instantiated);
}

TEST_CASE("Operations that are over are forgotten, the oldest first", "[lifecycle]") {
  World world;
  const auto id = world.running();
  for (int i = 0; i < 4; ++i) {
    const auto to = i % 2 == 0 ? OperationalState::kStopped : OperationalState::kStarted;
    REQUIRE(world.life->operate(id, {to, false, {}}).ok());
    world.life->step();
    if (to == OperationalState::kStarted) world.backend.tell(BackendEvent::Kind::kReady, id);
    world.life->step();
  }
  CHECK(world.life->operations().size() == 4);
}

TEST_CASE("A date that is set neither ends a grace nor makes it last", "[lifecycle]") {
  World world;
  world.announcer.listens = true;
  const auto id = world.running();
  const auto operation = world.life->terminate(id, {true, 10}).value();
  world.date.advance(GENERATE(3'600'000, -3'600'000));
  world.life->step();
  CHECK(world.state_of_operation(operation) == OperationState::kProcessing);
  world.clock.advance(10'000);
  world.life->step();
  world.life->step();
  CHECK(world.state_of_operation(operation) == OperationState::kCompleted);
}

TEST_CASE("An operation that has just ended is remembered, whatever the date", "[lifecycle]") {
  World world;
  const auto id = world.running();
  const auto operate = [&](OperationalState to) {
    const auto operation = world.life->operate(id, {to, false, {}}).value();
    world.life->step();
    if (to == OperationalState::kStarted) world.backend.tell(BackendEvent::Kind::kReady, id);
    world.life->step();
    return operation;
  };
  for (int i = 0; i < 3; ++i) {
    operate(OperationalState::kStopped);
    operate(OperationalState::kStarted);
  }
  world.date.advance(-1'700'000'000'000);  // a machine that begins in 1970
  world.begin();
  world.life->recover();
  world.backend.take_calls();
  world.life->step();
  world.backend.tell(BackendEvent::Kind::kReady, id);
  world.life->step();
  const auto first = operate(OperationalState::kStopped);
  const auto second = operate(OperationalState::kStarted);
  CHECK(world.state_of_operation(first) == OperationState::kCompleted);
  CHECK(world.state_of_operation(second) == OperationState::kCompleted);
  CHECK(world.life->operations().size() == 4);
}

}  // namespace
}  // namespace mx2::mepm
