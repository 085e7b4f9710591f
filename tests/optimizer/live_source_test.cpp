// A scenario that is live: what is told, what is read, and what fails. The sandbox is a scripted
// HTTP client.
#include "optimizer/advantedge/live_source.h"

#include "tests/catch.h"
#include "tests/optimizer/advantedge_files.h"
#include "tests/optimizer/fake_sandbox.h"

namespace mx2::optimizer::advantedge {
namespace {

using test::kZones;
using test::notice;
using test::Sandbox;

struct SourceBench {
  Sandbox sandbox;
  ManualClock clock{1'000'000};
  ManualClock wall{1'000'000};
  int woken = 0;
  LiveSource source{
      sandbox, {{"http://s", "http://s", {}}, {}, 500, "http://me", "tag"}, clock, wall, [this] {
        ++woken;
      }};

  void pass(int ms) {
    for (const auto end = clock.now_ms() + ms; clock.now_ms() < end; clock.advance(50)) {
      (void)source.step();
    }
  }
  // Device=attachment of the moves that are to be told; "*" first when all is new.
  std::string news() {
    const auto told = source.take();
    if (!told) return "";
    std::string text = told->topology ? "*" : "";
    for (const auto& move : told->moves) text += " " + move.device + "=" + move.attachment;
    return text;
  }
};

}  // namespace

TEST_CASE("a live scenario is told once, then its moves", "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  CHECK(bench.woken == 1);
  CHECK(bench.news() == "*");
  CHECK(bench.source.state().live);
  CHECK(bench.source.state().name == "s");
  bench.pass(2000);
  CHECK(bench.news().empty());
  bench.sandbox.at["ue1"] = "zone1-poa2";
  bench.pass(500);
  CHECK(bench.news() == " ue1=zone1-poa2");
  bench.sandbox.at["ue1"] = "";
  bench.pass(500);
  CHECK(bench.news() == " ue1=disconnected");
  bench.sandbox.at.erase("ue2");
  bench.pass(500);
  CHECK(bench.news() == " ue2=disconnected");
  bench.sandbox.poa_ms["zone1-poa1"] = 40;
  bench.pass(500);
  CHECK(bench.news() == "*");
}

TEST_CASE("a move that is told counts at once, and is not undone by an older reading",
          "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  (void)bench.news();
  CHECK(bench.sandbox.subscribed == kZones);
  bench.sandbox.at["ue1"] = "zone2-poa2";
  CHECK(bench.source.notify(notice("ue1", "zone2-poa2")));
  CHECK(bench.news() == " ue1=zone2-poa2");
  CHECK(bench.source.next_step_ms() <= 100);
  bench.pass(1000);
  CHECK(bench.news().empty());

  // Read before the move, answered after its notification.
  const auto older = json::dump(bench.sandbox.scenario());
  bench.sandbox.answer = older;
  bench.sandbox.poa_ms["zone3-poa1"] = 9;  // so that the answer is looked at
  bench.sandbox.during_reading = [&] {
    bench.sandbox.at["ue1"] = "zone3-poa2";
    CHECK(bench.source.notify(notice("ue1", "zone3-poa2", "Entering")));
  };
  CHECK(bench.source.notify(notice("ue5", "zone1-poa1", "Entering")));  // not true
  bench.clock.advance(500);
  (void)bench.source.step();
  CHECK(bench.news() == " ue1=zone3-poa2 ue5=zone3-poa1");
  bench.sandbox.answer.clear();
  bench.pass(500);
  CHECK(bench.news() == "*");
  CHECK(bench.source.take() == std::nullopt);
}

TEST_CASE("leaving counts where the UE is, and nonsense nowhere", "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  (void)bench.news();
  (void)bench.source.notify(notice("ue1", "zone1-poa1", "Leaving"));  // it is in zone2
  CHECK(bench.news().empty());
  (void)bench.source.notify(notice("ue1", "zone2-poa1", "Leaving"));
  CHECK(bench.news() == " ue1=disconnected");
  for (const auto& body :
       {std::string(), std::string("{"), std::string("null"), std::string("[1]"),
        std::string(R"({"a":1})"), std::string(100'000, 'x'), notice("nosuch", "zone1-poa1"),
        notice("ue1", "nosuch"), notice("ue1", "zone1-DEFAULT", "Bogus"),
        notice("mep1", "zone1-poa1"), notice("ue1", "zone3-poa1", "Entering", "forged")}) {
    (void)bench.source.notify(body);
    CHECK(bench.news().empty());
  }
}

TEST_CASE("what fails leaves the topology as it was", "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  (void)bench.news();
  const auto fails = [&](const char* why) {
    bench.sandbox.at["ue1"] = "zone1-poa2";
    bench.pass(1000);
    CHECK(bench.news().empty());
    CHECK_FALSE(bench.source.state().live);
    CHECK_THAT(bench.source.state().error, mx2::test::ContainsSubstring(why));
    bench.sandbox.at["ue1"] = "zone2-poa1";
    bench.sandbox.down = false;
    bench.sandbox.status = 200;
    bench.sandbox.answer.clear();
    bench.sandbox.active = true;
    bench.pass(1000);
    CHECK(bench.source.state().live);
    CHECK(bench.news().empty());
  };
  bench.sandbox.down = true;
  fails("no connection");
  bench.sandbox.status = 500;
  fails("500: injected");
  bench.sandbox.answer = "{";
  fails("no JSON");
  bench.sandbox.answer = "[]";
  fails("no scenario");
  bench.sandbox.active = false;
  fails("no scenario is active");
}

TEST_CASE("subscriptions that are lost are made again", "[advantedge]") {
  SourceBench bench;
  bench.pass(1000);
  CHECK(bench.source.state().subscribed);
  bench.sandbox.zone_of_subscription.clear();
  bench.pass(6000);
  CHECK(bench.sandbox.zone_of_subscription.size() == kZones);
  bench.sandbox.active = false;
  bench.sandbox.zone_of_subscription.clear();
  bench.pass(1000);
  CHECK_FALSE(bench.source.state().subscribed);
  bench.sandbox.active = true;
  bench.pass(600);
  CHECK(bench.sandbox.zone_of_subscription.size() == kZones);
  bench.source.unsubscribe();
  CHECK(bench.sandbox.zone_of_subscription.empty());
}

}  // namespace mx2::optimizer::advantedge
