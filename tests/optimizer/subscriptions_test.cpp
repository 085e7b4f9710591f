// Subscriptions at a location service that refuses, beside other optimizers. The sandbox is a
// scripted HTTP client.
#include "optimizer/advantedge/subscriptions.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/optimizer/fake_sandbox.h"
#include "tests/support/logged.h"
#include "tests/support/manual_clock.h"

namespace mx2::optimizer::advantedge {
namespace {

using mx2::test::Logged;
using test::Kept;
using test::Sandbox;

constexpr const char* kTellsNot = "the location service does not tell moves";
constexpr const char* kTellsAgain = "the location service tells moves again";
constexpr const char* kCannotEnd = "subscriptions that are left over cannot be ended";
constexpr const char* kAnother = "another optimizer has our callback_url";

std::string at(const std::string& root) { return root + kNotificationsPath; }

struct SubscriptionsBench {
  Logged logged;
  Sandbox sandbox;
  ManualClock clock{1'000'000};
  Subscriptions ours = of("tag");

  SubscriptionsBench() { ours.set_zones({"zone1"}); }
  Subscriptions of(const std::string& tag) {
    return {sandbox, sandbox, {"http://s", "http://s", {}}, "http://me", tag, clock};
  }
  // A look each second.
  void look(int times = 1) {
    for (int i = 0; i < times; ++i) {
      (void)ours.step();
      clock.advance(1000);
    }
  }
  [[nodiscard]] bool is_kept(const std::string& tag) const {
    return std::any_of(sandbox.kept.begin(), sandbox.kept.end(),
                       [&](const auto& one) { return one.second.tag == tag; });
  }
};

TEST_CASE("subscriptions: what may not be ended does not keep us from being told", "[advantedge]") {
  SubscriptionsBench bench;
  const auto where = GENERATE("http://me", "http://killed");
  bench.sandbox.kept[101] = {"zone1", at(where), "before", "mx2-optimizer:zone1"};
  bench.sandbox.delete_status = GENERATE(401, 500);
  bench.sandbox.next_id = 201;
  bench.look(11);
  CHECK(bench.is_kept("tag"));
  CHECK(bench.ours.confirmed());
  CHECK(bench.logged.count(kTellsNot) == 0);
  CHECK(bench.logged.count(kCannotEnd) == 1);
  CHECK(bench.logged.count("ended the subscription") == 0);
  CHECK(bench.logged.count(kAnother) == 0);
  bench.sandbox.delete_status = 204;
  bench.look(6);
  CHECK_FALSE(bench.is_kept("before"));
}

TEST_CASE("subscriptions: what has gone meanwhile is ended", "[advantedge]") {
  SubscriptionsBench bench;
  bench.sandbox.kept[101] = {"zone1", at("http://me"), "before", "mx2-optimizer:zone1"};
  bench.sandbox.delete_status = 404;
  bench.look(2);
  CHECK(bench.logged.count(kCannotEnd) == 0);
}

TEST_CASE("subscriptions: those that are refused when we stop are told", "[advantedge]") {
  SubscriptionsBench bench;
  bench.look();
  bench.sandbox.delete_status = 401;
  bench.ours.end(bench.sandbox);
  CHECK(bench.logged.count("subscriptions are left at the location service") == 1);
}

TEST_CASE("subscriptions: who stops ends none of the one that follows at its callback",
          "[advantedge]") {
  SubscriptionsBench bench;
  bench.look();
  auto next = bench.of("next");
  next.set_zones({"zone1"});
  (void)next.step();
  CHECK_FALSE(bench.is_kept("tag"));  // of who was here before
  bench.ours.end(bench.sandbox);
  CHECK(bench.is_kept("next"));
}

TEST_CASE("subscriptions: another optimizer at our callback is told once", "[advantedge]") {
  SubscriptionsBench bench;
  const Kept theirs{"zone1", at("http://me"), "theirs", "mx2-optimizer:zone1"};
  bench.sandbox.kept[101] = theirs;
  bench.sandbox.next_id = 201;
  bench.look(2);
  CHECK(bench.logged.count(kAnother) == 0);  // it was here before us
  for (int id = 301; id < 304; ++id) {
    bench.sandbox.kept[id] = theirs;
    bench.look();
    CHECK(bench.logged.count(kAnother) == 1);
  }
}

TEST_CASE("subscriptions: an optimizer that does not answer once is not taken for gone",
          "[advantedge]") {
  SubscriptionsBench bench;
  bench.sandbox.kept[101] = {"zone1", at("http://slow"), "theirs", "mx2-optimizer:zone1"};
  bench.sandbox.next_id = 201;
  const auto answers = [&](bool does) {
    bench.sandbox.at_url.clear();
    if (does) bench.sandbox.at_url["http://slow"] = R"({"topology":{}})";
    bench.look(5);
  };
  for (const bool does : {true, false, true, false, true}) answers(does);
  CHECK(bench.is_kept("theirs"));
  answers(false);
  const auto kept = bench.sandbox.kept;
  bench.sandbox.kept.erase(101);  // it ended them, and comes back
  answers(false);
  bench.sandbox.kept = kept;
  answers(false);
  CHECK(bench.is_kept("theirs"));
  answers(false);
  CHECK_FALSE(bench.is_kept("theirs"));
}

TEST_CASE("subscriptions: trouble and its end are told once, and nothing when we stop",
          "[advantedge]") {
  SubscriptionsBench bench;
  bench.look();
  CHECK(bench.logged.count(kTellsAgain) == 0);
  bench.sandbox.location_down = true;
  bench.look(3);
  CHECK(bench.logged.count(kTellsNot) == 1);
  bench.sandbox.location_down = false;
  bench.look(3);
  CHECK(bench.logged.count(kTellsAgain) == 1);
  bench.sandbox.during_location = [&] {
    bench.ours.stop();
    bench.ours.set_zones({"zone1", "zone2"});  // of a scenario that was being read
    bench.sandbox.location_down = true;
  };
  bench.look(3);
  CHECK(bench.logged.count(kTellsNot) == 1);
}

}  // namespace
}  // namespace mx2::optimizer::advantedge
