// Leases and reports of hosts, and who may report for which, at a time that the test moves.
#include "orchestrator/core/host_watch.h"

#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_notifier.h"

namespace mx2::test {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kLeaseMs = 3000;

HostRegistration mepm(const std::string& uri, const std::string& key) {
  HostRegistration registration;
  registration.id = "h";
  registration.mepm_uri = uri;
  registration.mepm_key = key;
  registration.lease_ms = kLeaseMs;
  return registration;
}

struct Watch {
  Watch()
      : watch(
            model, changes, date, {}, std::make_unique<ScriptedClient>(),
            [this](const std::string& id, bool reachable) {
              model.write([&](Model& m) { m.set_reachable(id, reachable); });
            },
            registry) {}

  void put(const Host& host) {
    REQUIRE(model.write([&](Model& m) { return m.put_host(host); }).ok());
  }
  // As the procedure does it, if it may.
  Result<void> enter(const HostRegistration& registration) {
    if (auto may = watch.may_register(registration, now); !may) return may;
    const auto* before = model.unlocked().host(registration.id);
    Host host = before == nullptr ? Host{} : before->host;
    host.reachable = before != nullptr && host.reachable;
    host.id = registration.id;
    host.mepm_uri = registration.mepm_uri;
    host.mepm_key = registration.mepm_key;
    host.lease_ms = registration.lease_ms;
    put(host);
    return {};
  }
  Result<void> report(const std::string& key) { return watch.report("h", {{}, key}, now); }
  void later(std::int64_t ms) {
    now += milliseconds(ms);
    watch.step(now, 0);
  }
  [[nodiscard]] bool is_up() { return model.unlocked().host("h")->host.reachable; }

  LiveModel model;
  ChangeFeed changes{{}, 1};
  ManualClock date{1'700'000'000'000};
  metrics::Registry registry;
  HostWatch::Time now{std::chrono::hours(1)};
  HostWatch watch;
};

TEST_CASE("a host counts as up when it has reported, not when it has registered", "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k")).ok());
  for (int i = 0; i < 5; ++i) {
    world.later(kLeaseMs / 4);
    CHECK_FALSE(world.is_up());
  }
  REQUIRE(world.report("k").ok());
  world.later(1);
  CHECK(world.is_up());
  world.later(kLeaseMs);
  CHECK_FALSE(world.is_up());
  REQUIRE(world.enter(mepm("http://a", "k")).ok());  // without a report
  world.later(1100);
  CHECK_FALSE(world.is_up());
  REQUIRE(world.report("k").ok());
  world.later(1100);
  CHECK(world.is_up());
}

TEST_CASE("another lease does not bring a host back", "[hosts]") {
  Watch world;
  auto registration = mepm("http://a", "k");
  REQUIRE(world.enter(registration).ok());
  REQUIRE(world.report("k").ok());
  world.later(1);
  world.later(5 * kLeaseMs);
  REQUIRE_FALSE(world.is_up());
  registration.lease_ms = 2 * kLeaseMs;
  REQUIRE(world.enter(registration).ok());
  world.later(1100);
  CHECK_FALSE(world.is_up());
}

TEST_CASE("a host that is known at the start has one lease to report", "[hosts]") {
  Watch world;
  Host host;
  host.id = "h";
  host.lease_ms = kLeaseMs;
  world.put(host);
  world.later(0);
  world.later(kLeaseMs - 1);
  CHECK(world.is_up());
  world.later(1);
  CHECK_FALSE(world.is_up());
}

TEST_CASE("hosts: the requests that they served are counted by tier, of the rates they report",
          "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k")).ok());
  auto host = world.model.unlocked().host("h")->host;
  host.labels["tier"] = "regional";
  world.put(host);
  const auto report = [&](std::optional<double> rate) {
    HostReport sent{{}, "k"};
    sent.load.request_rate = rate;
    REQUIRE(world.watch.report("h", sent, world.now).ok());
  };
  const auto is_served = [&](const std::string& tier, const std::string& count) {
    const auto line = "mx2_requests_served_total{tier=\"" + tier + "\"} " + count + "\n";
    return world.registry.text().find(line) != std::string::npos;
  };
  report(10);  // since when, nobody knows
  CHECK(is_served("regional", "0"));
  world.later(2000);
  report(10);
  CHECK(is_served("regional", "20"));
  world.later(2000);
  report(std::nullopt);
  CHECK(is_served("regional", "20"));
  host.labels["tier"] = "cloud";
  world.put(host);
  world.later(1000);
  report(3);
  CHECK(is_served("cloud", "3"));
  CHECK(is_served("edge", "0"));
  world.later(3'600'000);  // silent for an hour: not all of it
  report(1);
  CHECK(is_served("cloud", "63"));
}

TEST_CASE("of two MEPMs with one host id the second is refused while the first reports",
          "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k1")).ok());
  const auto refused = world.enter(mepm("http://b", "k2"));  // before it has reported
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kConflict);
  CHECK(refused.error().detail == "another MEPM serves host 'h': http://a");
  REQUIRE(world.report("k1").ok());
  world.later(1);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(world.report("k1").ok());
    world.later(kLeaseMs - 1);
    CHECK(world.is_up());
    CHECK_FALSE(world.enter(mepm("http://b", "k2")).ok());
    CHECK_FALSE(world.enter(mepm("http://b", "")).ok());
  }
  CHECK(world.registry.text().find("mx2_mepm_refused_total 21") != std::string::npos);
  world.later(1);  // the first has gone
  CHECK(world.enter(mepm("http://b", "k2")).ok());
  CHECK_FALSE(world.report("k1").ok());
  CHECK_FALSE(world.enter(mepm("http://a", "k1")).ok());  // it is the second now
  CHECK(world.report("k2").ok());
}

TEST_CASE("a restart of a host's MEPM is accepted at once, wherever it is then", "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k")).ok());
  REQUIRE(world.report("k").ok());
  world.later(100);
  REQUIRE(world.enter(mepm("http://a:2", "k")).ok());
  world.later(100);
  CHECK(world.is_up());
}

TEST_CASE("a copy of a MEPM is told from its restart, and does not take turns with it", "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k/5")).ok());
  REQUIRE(world.report("k/5").ok());
  CHECK(world.enter(mepm("http://a", "k/5")).ok());  // asked again
  REQUIRE(world.enter(mepm("http://b", "k/6")).ok());
  REQUIRE(world.report("k/6").ok());
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(world.report("k/5").ok());
    CHECK_FALSE(world.enter(mepm("http://a", "k/5")).ok());
    CHECK_FALSE(world.enter(mepm("http://a", "k/6")).ok());
    CHECK(world.report("k/6").ok());
    world.later(kLeaseMs / 2);
  }
  CHECK(world.enter(mepm("http://b:2", "k/10")).ok());
  CHECK_FALSE(world.report("k/6").ok());
}

TEST_CASE("a MEPM without a key is known by its address, also when it gets one", "[hosts]") {
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "")).ok());
  REQUIRE(world.report("").ok());
  CHECK_FALSE(world.enter(mepm("http://b", "")).ok());
  CHECK_FALSE(world.enter(mepm("http://b", "k")).ok());
  CHECK_FALSE(world.report("k").ok());
  CHECK(world.enter(mepm("http://a", "")).ok());
  CHECK(world.enter(mepm("http://a", "k")).ok());
  CHECK(world.report("k").ok());
}

TEST_CASE("the reports of a stranger do not renew a lease, nor count", "[hosts]") {
  const std::string key = GENERATE("", "other");
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k")).ok());
  REQUIRE(world.report("k").ok());
  world.later(1);
  for (int i = 0; i < 6; ++i) {
    const auto refused = world.report(key);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kConflict);
    world.later(kLeaseMs / 4);
  }
  CHECK_FALSE(world.is_up());
}

TEST_CASE("anybody may report for a host that has no MEPM", "[hosts]") {
  Watch world;
  Host host;
  host.id = "h";
  world.put(host);
  CHECK(world.report("").ok());
  CHECK(world.report("k").ok());
}

TEST_CASE("steps of the date end no lease and age no report", "[hosts]") {
  const auto step_ms = GENERATE(std::int64_t{-3'600'000}, std::int64_t{3'600'000});
  Watch world;
  REQUIRE(world.enter(mepm("http://a", "k")).ok());
  REQUIRE(world.report("k").ok());
  world.later(100);
  world.date.advance(step_ms);
  world.later(100);
  CHECK(world.is_up());
  CHECK(to_ms(world.now) - world.watch.load("h")->received_ms == 200);
}

}  // namespace
}  // namespace mx2::test
