// Life-cycle management when hosts, MEPMs, instances, clocks or the orchestrator itself fail.
#include "tests/support/city.h"

namespace mx2 {
namespace {

using test::City;
using test::mepm_of;

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
                put_app(city.program.running->core, app, {}, std::move(answer));
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
  CHECK(city.contexts() == 1);
  city.run(60);
  CHECK(city.contexts() == 0);
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
  CHECK(city.contexts() == 1);
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
  for (int i = 0; i < 100 && city.contexts() == 700; ++i) city.run(1);
  CHECK(city.contexts() >= 700 - 256);
  city.set_state("m1", HostState::kUp);
  city.run(20);
  CHECK(city.contexts() >= 700 - 2 * 256);
  city.set_state("m1", HostState::kDown);
  for (int i = 0; i < 5000 && city.contexts() > 0; ++i) city.run(1);
  CHECK(city.contexts() == 0);
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

}  // namespace
}  // namespace mx2
