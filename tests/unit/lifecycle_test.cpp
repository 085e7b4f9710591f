// Life-cycle management with real store, model and contexts, and MEPMs in memory.
#include "orchestrator/lifecycle/lifecycle.h"

#include <future>

#include "api/mx2/codec.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulated_driver.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;
using test::Program;
using test::SimulatedDriver;

constexpr int kStepMs = 50;

std::string mepm_of(const std::string& host) { return "http://" + host + ":8090"; }

// App "b" has a package and no rows; hosts m1 and m2 have MEPMs.
struct Nothing {};

struct City {
  explicit City(const LifecycleOptions& with = {}) : program(0), options(with) {
    program.running->model.write([](Model& model) { model.use({"d", false}); });
    begin({});
    on_board("b", "beta");
    add_host("m1");
    add_host("m2");
    run(5);
  }
  // Life-cycle management, with MEPMs as they are.
  void begin(std::map<std::string, SimulatedDriver::Mepm> mepms) {
    auto& running = *program.running;
    auto made = std::make_unique<SimulatedDriver>();
    made->mepms = std::move(mepms);
    driver = made.get();
    lifecycle = std::make_unique<Lifecycle>(
        running.service, [this](const std::string&) { return load; }, std::move(made), options,
        program.files.registry);
    running.service.instantiation = lifecycle.get();
    running.relocation.use(*lifecycle);
  }
  void restart() {
    lifecycle->stop();
    begin(driver->mepms);
  }
  ~City() {
    lifecycle->stop();
    program.running->store.close();
  }

  void on_board(const std::string& id, const std::string& name,
                std::optional<Strategy> strategy = std::nullopt) {
    auto app = test::sample_app(id, name);
    app.strategy = strategy;
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  put_app(program.running->service, app, {}, std::move(answer));
                })
                .ok());
    Package package;
    package.id = "package-of-" + id;
    package.app_d_id = id;
    package.state = OnboardingState::kOnboarded;
    package.enabled = true;
    program.running->model.write([&](Model& model) { model.put_package(package); });
  }
  void add_host(const std::string& id) {
    driver->mepms[mepm_of(id)];
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  HostRegistration registration;
                  registration.id = id;
                  registration.mepm_uri = mepm_of(id);
                  register_host(
                      program.running->service, registration,
                      [](const HostRegistration&) { return Result<void>(); }, std::move(answer));
                })
                .ok());
  }
  void set_reachable(const std::string& id, bool reachable) {
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  set_host_reachable(program.running->service, id, reachable, std::move(answer));
                })
                .ok());
  }

  void set_state(const std::string& id, HostState state) {
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  set_host_state(program.running->service, id, state, {}, std::move(answer));
                })
                .ok());
  }

  // Rounds of the loop, each followed by what the store writer makes of it.
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      lifecycle->step(now, 0);
      now += milliseconds(kStepMs);
      program.running->clock.advance(kStepMs);
      settle();
    }
  }
  void settle() {
    std::promise<void> done;
    probe_store(program.running->service, [&](const Result<void>&) { done.set_value(); });
    done.get_future().wait();
  }

  AppContext request(const std::string& device) {
    auto body = test::minimal_context(device);
    body["appInfo"]["appName"] = "beta";
    body["callbackReference"] = "http://ue.example/" + device;
    return codec::decode_create_request(json::dump(body)).value();
  }
  using Answer = std::optional<Result<StoredContext>>;
  void begin(AppContext request, Answer& answer) {
    create_app_context(program.running->service, std::move(request), Caller{}, false,
                       [&](Result<StoredContext> result) { answer = std::move(result); });
  }
  Result<StoredContext> create(AppContext request) {
    Answer answer;
    begin(std::move(request), answer);
    for (int i = 0; i < 1000 && !answer; ++i) run(1);
    REQUIRE(answer.has_value());
    return *answer;
  }
  [[nodiscard]] std::size_t started(const std::string& host) const {
    std::size_t count = 0;
    for (const auto& [id, i] : driver->mepms[mepm_of(host)].instances) count += i.started ? 1 : 0;
    return count;
  }

  Program program;
  const LifecycleOptions options;
  std::optional<HostLoad> load;  // what every host reports
  SimulatedDriver* driver = nullptr;
  std::unique_ptr<Lifecycle> lifecycle;
  Lifecycle::Time now = std::chrono::steady_clock::now();
};

TEST_CASE("the first context of an app has an instance started, the second joins it") {
  City city;
  const auto first = city.create(city.request("ue-1"));
  REQUIRE(first.ok());
  CHECK(first->reference_uri == "http://m1:8090/i1");
  const auto calls = city.driver->calls;
  City::Answer second;
  city.begin(city.request("ue-2"), second);
  city.settle();
  REQUIRE(second.has_value());
  REQUIRE(second->ok());
  CHECK((*second)->reference_uri == first->reference_uri);
  CHECK(city.driver->calls == calls);
  CHECK(city.started("m1") == 1);
}

TEST_CASE("an instance that cannot be started is a refusal with its cause, at once") {
  City city;
  city.driver->knobs().start_fails = 1;
  const auto refused = city.create(city.request("ue-1"));
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kForbidden);
  CHECK(refused.error().cause == "instantiation-failed");
  CHECK(refused.error().detail.find("exits at once") != std::string::npos);
  CHECK(city.program.running->quota.total() == 0);
}

TEST_CASE("who waits too long is told to try again, and finds the instance then") {
  LifecycleOptions options;
  options.ready_wait_ms = 500;
  City city(options);
  city.driver->knobs().start_polls = 100;
  const auto refused = city.create(city.request("ue-1"));
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(refused.error().cause == "instantiation-timeout");
  CHECK(refused.error().retry_after_s > 0);
  city.run(150);
  CHECK(city.create(city.request("ue-1")).ok());
}

TEST_CASE("with appAutoInstantiation the address follows as a notification") {
  City city;
  auto request = city.request("ue-1");
  request.app_auto_instantiation = true;
  City::Answer answer;
  city.begin(request, answer);
  city.settle();
  REQUIRE(answer.has_value());
  REQUIRE(answer->ok());
  CHECK((*answer)->reference_uri.empty());
  const auto id = (*answer)->context_id;
  city.run(60);
  CHECK(city.program.record(id).reference_uri == "http://m1:8090/i1");
  const auto owed = city.program.running->store.notification(id).value();
  REQUIRE(owed.has_value());
  CHECK(owed->type == "ApplicationContextUpdateNotification");
}

TEST_CASE("the last context gone starts the idle timer, not the end") {
  LifecycleOptions options;
  options.capacity.period_ms = 500;
  options.capacity.app.idle_unknown_ms = options.capacity.app.idle_ms;
  City city(options);
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  REQUIRE(city.program
              .wait<Nothing>([&](auto answer) {
                delete_app_context(
                    city.program.running->service, made->context_id, Caller{}, std::nullopt,
                    EndedBy::kDeviceApp, [answer = std::move(answer)](auto result) mutable {
                      answer(result ? Result<Nothing>(Nothing{}) : Result<Nothing>(result.error()));
                    });
              })
              .ok());
  city.run(400);  // 20 s
  CHECK(city.started("m1") == 1);
  city.run(2400);
  CHECK(city.driver->all() == 0);
  CHECK(city.lifecycle->instances().empty());
}

TEST_CASE("dispatchers are started beside their λ, stay for its contexts, and follow rows") {
  LifecycleOptions options;
  options.capacity.period_ms = 500;
  options.capacity.dispatcher = "d";
  options.capacity.app.idle_unknown_ms = options.capacity.app.idle_ms;
  City city(options);
  city.on_board("d", "dispatcher");
  city.on_board("c", "gamma", Strategy::kDispatching);
  auto request = city.request("ue-1");
  request.app_info.app_name = "gamma";
  const auto made = city.create(request);
  REQUIRE(made.ok());
  CHECK(made->reference_uri.ends_with("/c"));
  CHECK(city.started("m1") == 2);
  city.run(2400);  // two minutes: longer than what nobody uses stays
  CHECK(city.started("m1") == 2);
  REQUIRE(city.program.rewrite({test::sample_row("dev:ue-1", "d", {"host:m2"})}).ok());
  city.run(100);
  CHECK(city.program.record(made->context_id).host_id == "m2");
  CHECK(city.started("m2") == 2);
  city.run(2400);
  CHECK(city.started("m1") == 0);
}

TEST_CASE("a plan's row waits until its target is ready, then its client moves") {
  City city;
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made->reference_uri == "http://m1:8090/i1");
  REQUIRE(city.program.rewrite({test::sample_row("dev:ue-1", "b", {"host:m2"})}).ok());
  city.settle();
  CHECK(city.program.record(made->context_id).reference_uri == "http://m1:8090/i1");
  city.run(100);
  CHECK(city.started("m2") == 1);
  CHECK(city.program.record(made->context_id).host_id == "m2");
  const auto owed = city.program.running->store.notification(made->context_id).value();
  REQUIRE(owed.has_value());
  CHECK(owed->type == "AddressChangeNotification");
}

TEST_CASE("when a host is lost its clients get an instance on another") {
  City city;
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  city.set_reachable("m1", false);
  city.run(100);
  CHECK(city.started("m2") == 1);
  CHECK(city.program.record(made->context_id).host_id == "m2");
}

TEST_CASE("an instance that was lost is replaced, and its clients follow, of baseline apps too") {
  City city;
  auto app = test::sample_app("b", "beta");
  app.strategy = Strategy::kBaseline;
  REQUIRE(city.program
              .wait<Changed>([&](auto answer) {
                put_app(city.program.running->service, app, {}, std::move(answer));
              })
              .ok());
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  city.driver->mepms[mepm_of("m1")].instances.clear();
  city.run(200);
  CHECK(city.started("m1") == 1);
  CHECK(city.program.record(made->context_id).reference_uri != made->reference_uri);
}

TEST_CASE("contexts that nobody can serve any more end after a while, with a notification") {
  LifecycleOptions options;
  options.abandon_ms = 2000;
  options.capacity.period_ms = 200;
  City city(options);
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  city.set_state("m1", HostState::kDown);
  city.set_state("m2", HostState::kDown);
  city.run(20);
  CHECK(city.program.running->quota.total() == 1);
  city.run(60);
  CHECK(city.program.running->quota.total() == 0);
  const auto owed = city.program.running->store.notification(made->context_id).value();
  REQUIRE(owed.has_value());
  CHECK(owed->type == "ApplicationContextDeleteNotification");
}

TEST_CASE("contexts stay, however long no host answers, as their λ may serve all the same") {
  LifecycleOptions options;
  options.abandon_ms = GENERATE(0, 1000);
  options.capacity.period_ms = 200;
  City city(options);
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  city.set_reachable("m1", false);
  city.set_reachable("m2", false);
  city.run(3000);
  CHECK(city.program.running->quota.total() == 1);
  CHECK(city.program.record(made->context_id).reference_uri == made->reference_uri);
  CHECK(!city.program.running->store.notification(made->context_id).value().has_value());
}

TEST_CASE("contexts that are abandoned end a few at a time, and no more when a host is back") {
  LifecycleOptions options;
  options.abandon_ms = 1000;
  options.capacity.period_ms = 200;
  options.capacity.app.clients_per_instance = 0;
  City city(options);
  for (int i = 0; i < 700; ++i) REQUIRE(city.create(city.request("ue-" + std::to_string(i))).ok());
  city.set_state("m1", HostState::kDown);
  city.set_state("m2", HostState::kDown);
  auto& quota = city.program.running->quota;
  for (int i = 0; i < 100 && quota.total() == 700; ++i) city.run(1);
  CHECK(quota.total() >= 700 - 256);
  city.set_state("m1", HostState::kUp);
  city.run(20);
  CHECK(quota.total() >= 700 - 2 * 256);
  city.set_state("m1", HostState::kDown);
  for (int i = 0; i < 5000 && quota.total() > 0; ++i) city.run(1);
  CHECK(quota.total() == 0);
}

TEST_CASE("a create goes to another host when the first never finishes its start") {
  City city;
  city.driver->mepms[mepm_of("m1")].dead = {"b"};
  CHECK(city.create(city.request("ue-1")).error().cause == "instantiation-timeout");
  city.run(450);  // longer than a start may take
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  CHECK(made->reference_uri.starts_with(mepm_of("m2")));
}

TEST_CASE("a create goes to another host when the MEPM of the first tells nothing") {
  City city;
  city.add_host("m0");
  city.driver->mepms[mepm_of("m0")].answers = false;
  CHECK(!city.create(city.request("ue-1")).ok());
  city.run(500);
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  CHECK(made->reference_uri.starts_with(mepm_of("m1")));
}

TEST_CASE("steps of the date neither end what is used nor start what is not needed") {
  const auto step_ms = GENERATE(std::int64_t{-3'600'000}, std::int64_t{7'200'000});
  LifecycleOptions options;
  options.capacity.period_ms = 200;
  City city(options);
  city.load.emplace();
  auto& app = city.load->apps.emplace_back();
  app.app_d_id = "b";
  app.in_flight = 1;
  app.request_rate = 10;
  app.p50_ms = 100;
  city.load->received_ms = to_ms(city.now);
  REQUIRE(city.create(city.request("ue-1")).ok());
  city.program.running->clock.advance(step_ms);
  for (int i = 0; i < 100; ++i) {
    city.load->received_ms = to_ms(city.now);
    city.run(1);
    REQUIRE(city.lifecycle->wanted().size() == 1);
    REQUIRE(city.lifecycle->wanted()[0].instances == 1);
  }
  CHECK(city.started("m1") == 1);
  CHECK(city.driver->all() == 1);
}

TEST_CASE("after a restart what is found is wanted: nothing is ended, and nobody moves") {
  LifecycleOptions options;
  options.capacity.period_ms = GENERATE(500, 10'000);
  City city(options);
  const auto made = city.create(city.request("ue-1"));
  REQUIRE(made.ok());
  city.restart();
  for (int i = 0; i < 300; ++i) {
    city.run(1);
    REQUIRE(city.started("m1") == 1);
    REQUIRE(city.program.record(made->context_id).revision == 1);
  }
  CHECK(city.driver->creates == 0);
}

TEST_CASE("a host of another architecture is passed over") {
  City city;
  city.program.running->model.write([](Model& model) {
    auto package = *model.package_of("b");
    package.architecture = "aarch64";
    model.put_package(package);
    auto host = model.host("m1")->host;
    host.labels["arch"] = "x86_64";
    REQUIRE(model.put_host(host).ok());
  });
  CHECK(city.create(city.request("ue-1"))->reference_uri == "http://m2:8090/i1");
}

// MEC 016 clause 6.4.5.
TEST_CASE("a location that becomes available is offered once, and had by asking for it") {
  City city;
  auto request = city.request("ue-1");
  request.app_location_updates = true;
  request.app_info.user_app_instance_info.front().app_location =
      test::in_area(test::square(10, 10, 1));
  const auto made = city.create(request);
  REQUIRE(made.ok());
  CHECK(made->reference_uri.empty());
  CHECK(!city.program.running->store.notification(made->context_id).value().has_value());

  auto host = city.program.running->model.unlocked().host("m2")->host;
  host.service_area = {test::in_area(test::square(10, 10, 2))};
  REQUIRE(city.program
              .wait<Changed>([&](auto answer) {
                put_host(city.program.running->service, host, {}, std::move(answer));
              })
              .ok());
  city.run(3);
  const auto offered = city.program.running->store.notification(made->context_id).value();
  REQUIRE(offered.has_value());
  CHECK(offered->type == "ApplicationLocationAvailabilityNotification");
  CHECK(city.started("m2") == 0);

  REQUIRE(city.program
              .wait<std::uint64_t>([&](auto answer) {
                update_app_context(city.program.running->service, made->context_id, request,
                                   Caller{}, std::nullopt, std::move(answer));
              })
              .ok());
  city.run(60);
  CHECK(city.started("m2") == 1);
  CHECK(city.program.record(made->context_id).host_id == "m2");
  const auto owed = city.program.running->store.notification(made->context_id).value();
  REQUIRE(owed.has_value());
  CHECK(owed->type == "ApplicationContextUpdateNotification");
}

TEST_CASE("several instances on a host share its clients; a new one takes its share only") {
  City city;
  std::vector<AppInstance> three;
  for (const auto* id : {"x", "y", "z"})
    three.push_back({"b", id, "http://m1/" + std::string(id), true});
  HostEntry before;
  before.host.instances = {three[0], three[1]};
  before.instances_of["b"] = {0, 1};
  HostEntry after;
  after.host.instances = three;
  after.instances_of["b"] = {0, 1, 2};
  std::map<std::string, int> shares;
  int moved = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto device = "ue-" + std::to_string(i);
    const auto* now = after.instance("b", device);
    ++shares[now->app_instance_id];
    const bool same = before.instance("b", device)->app_instance_id == now->app_instance_id;
    if (!same) CHECK(now->app_instance_id == "z");
    moved += same ? 0 : 1;
  }
  for (const auto& [id, share] : shares) CHECK(std::abs(share - 1000) < 150);
  CHECK(moved == shares["z"]);
}

TEST_CASE("stopping answers whoever waits") {
  City city;
  city.driver->knobs().start_polls = 1'000'000;
  City::Answer answer;
  city.begin(city.request("ue-1"), answer);
  city.run(5);
  CHECK(!answer.has_value());
  city.lifecycle->stop();
  REQUIRE(answer.has_value());
  CHECK(answer->error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace mx2
