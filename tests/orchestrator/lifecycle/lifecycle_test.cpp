// Life-cycle management: instances come and go with the contexts that need them.
#include "tests/support/city.h"

namespace mx2 {
namespace {

using test::City;
using test::mepm_of;

struct Nothing {};

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
  CHECK(city.program.running->ledger.total() == 0);
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
                    city.program.running->core, city.program.running->ledger, made->context_id,
                    Caller{}, std::nullopt, EndedBy::kDeviceApp,
                    [answer = std::move(answer)](auto result) mutable {
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
                put_host(city.program.running->core, host, {}, std::move(answer));
              })
              .ok());
  // Areas are compared on a thread of their own.
  const auto offer = [&] {
    return city.program.running->store.notification(made->context_id, notifier::Topic::kLocations)
        .value();
  };
  const auto run_until = [&](const auto& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < deadline) city.run(1);
  };
  run_until([&] { return offer().has_value(); });
  const auto offered = offer();
  REQUIRE(offered.has_value());
  CHECK(offered->type == "ApplicationLocationAvailabilityNotification");
  CHECK(city.started("m2") == 0);

  REQUIRE(city.program
              .wait<std::uint64_t>([&](auto answer) {
                update_app_context(city.program.running->contexts, made->context_id, request,
                                   Caller{}, std::nullopt, std::move(answer));
              })
              .ok());
  run_until([&] { return city.program.record(made->context_id).host_id == "m2"; });
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
