// A scenario that is live: what is told, what is read, and what fails. The sandbox is a scripted
// HTTP client.
#include "optimizer/advantedge/live_source.h"

#include "tests/catch.h"
#include "tests/optimizer/advantedge_files.h"
#include "tests/optimizer/fake_sandbox.h"
#include "tests/support/manual_clock.h"

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
  LiveSource source{{sandbox, sandbox, sandbox},
                    {{"http://s", "http://s", {}}, {}, 500, "http://me", "tag"},
                    clock,
                    wall,
                    [this] { ++woken; }};

  void pass(int ms) {
    for (const auto end = clock.now_ms() + ms; clock.now_ms() < end; clock.advance(50)) {
      (void)source.step();
      (void)source.subscriptions().step();
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

TEST_CASE("positions are read where the emulator has them: in the whole document", "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  const auto news = bench.source.take();
  REQUIRE(news);
  const auto& topology = *news->topology;
  REQUIRE(topology.hosts.at("mep2").position);
  CHECK(topology.hosts.at("mep2").position->longitude == 8);
  CHECK(topology.attachments.back().position.has_value());
}

TEST_CASE("headers that are new go with the next request", "[advantedge]") {
  SourceBench bench;
  bench.pass(50);
  bench.source.set_headers({{"Cookie", "session=2"}});
  bench.clock.advance(1000);
  (void)bench.source.step();
  REQUIRE(bench.sandbox.sent_headers.size() == 1);
  CHECK(bench.sandbox.sent_headers[0].second == "session=2");
  bench.sandbox.sent_headers.clear();
  (void)bench.source.subscriptions().step();
  CHECK(bench.sandbox.sent_headers.size() == 1);
}

TEST_CASE("reading the scenario asks nothing of the location service", "[advantedge]") {
  SourceBench bench;
  bench.sandbox.during_location = [] { FAIL("the location service was asked"); };
  for (int i = 0; i < 100; ++i) {
    (void)bench.source.step();
    bench.clock.advance(100);
  }
  CHECK(bench.source.state().live);
}

TEST_CASE("subscriptions that are lost are made again", "[advantedge]") {
  SourceBench bench;
  bench.pass(1000);
  CHECK(bench.source.state().subscribed);
  bench.sandbox.kept.clear();
  bench.pass(1100);
  CHECK(bench.sandbox.kept.size() == kZones);
  bench.sandbox.active = false;
  bench.sandbox.kept.clear();
  bench.pass(1000);
  CHECK_FALSE(bench.source.state().subscribed);
  CHECK(bench.sandbox.kept.empty());
  bench.sandbox.active = true;
  bench.pass(600);
  CHECK(bench.sandbox.kept.size() == kZones);
  bench.source.subscriptions().end(bench.sandbox);
  CHECK(bench.sandbox.kept.empty());
}

TEST_CASE("moves are told only while there are subscriptions", "[advantedge]") {
  SourceBench bench;
  bench.sandbox.location_down = true;
  bench.pass(5000);
  CHECK(bench.source.state().live);
  CHECK_FALSE(bench.source.state().subscribed);
  bench.sandbox.location_down = false;
  bench.pass(1100);
  CHECK(bench.source.state().subscribed);
  SECTION("the service refuses") {
    bench.sandbox.location_down = true;
    bench.pass(1100);
    CHECK_FALSE(bench.source.state().subscribed);
  }
  SECTION("the service is silent: what was seen is believed for a while") {
    bench.clock.advance(3100);
    (void)bench.source.step();
    CHECK(bench.source.state().live);
    CHECK_FALSE(bench.source.state().subscribed);
  }
  SECTION("there is no zone to subscribe to") {
    bench.sandbox.answer = R"({"name":"s","deployment":{"domains":[]}})";
    bench.pass(2000);
    CHECK(bench.source.state().live);
    CHECK(bench.sandbox.kept.empty());
    CHECK_FALSE(bench.source.state().subscribed);
  }
}

TEST_CASE("subscriptions of an optimizer that is gone are ended, wherever it was", "[advantedge]") {
  const auto at = [](const char* root) { return std::string(root) + kNotificationsPath; };
  SourceBench bench;
  auto& kept = bench.sandbox.kept;
  kept = {{101, {"zone1", at("http://me"), "before", "mx2-optimizer:zone1"}},
          {102, {"zone1", at("http://killed"), "x", "mx2-optimizer:zone1"}},
          {103, {"zone2", at("http://killed"), "x", "mx2-optimizer"}},
          {104, {"zone1", at("http://stands-by"), "y", "mx2-optimizer:zone1"}},
          {105, {"zone1", at("http://taken-over"), "z", "mx2-optimizer:zone1"}},
          {106, {"zone1", "http://somebody/else", "", "theirs"}},
          {107, {"nowhere", at("http://me"), "tag", "mx2-optimizer:nowhere"}},
          {108, {"zone3", at("http://me"), "tag", "mx2-optimizer:zone3"}},
          {109, {"zone3", at("http://me"), "tag", "mx2-optimizer:zone3"}},
          {110, {"zone3", "http://stands-by/elsewhere", "", "mx2-optimizer:zone3"}}};
  bench.sandbox.at_url = {{"http://stands-by", R"({"status":"standby","topology":{}})"},
                          {"http://taken-over", R"({"service":"another"})"}};
  bench.sandbox.next_id = 201;
  bench.pass(1000);
  std::vector<int> ids;
  for (const auto& [id, one] : kept) ids.push_back(id);
  CHECK(ids == std::vector<int>{102, 103, 104, 105, 106, 108, 110, 201, 202});
  CHECK(bench.source.state().subscribed);
  bench.pass(5000);  // who does not answer is asked once more
  ids.clear();
  for (const auto& [id, one] : kept) ids.push_back(id);
  CHECK(ids == std::vector<int>{104, 106, 108, 201, 202});
  CHECK(bench.source.state().subscribed);

  bench.sandbox.at_url.clear();  // it is killed as well
  bench.pass(11'000);
  CHECK_FALSE(kept.contains(104));
  bench.source.subscriptions().end(bench.sandbox);
  CHECK(kept.size() == 1);
  CHECK(kept.contains(106));
}

TEST_CASE("ending subscriptions is given up when the service does not keep up", "[advantedge]") {
  SourceBench bench;
  bench.pass(1000);
  int asked = 0;
  bench.sandbox.during_location = [&] {
    ++asked;
    bench.clock.advance(300);
  };
  bench.source.subscriptions().end(bench.sandbox);
  CHECK(asked == 2);
  CHECK(bench.sandbox.kept.size() == kZones - 1);
}

TEST_CASE("who never subscribed asks nothing when it stops", "[advantedge]") {
  SourceBench bench;
  bench.sandbox.during_location = [] { FAIL("the location service was asked"); };
  bench.source.subscriptions().end(bench.sandbox);
}

}  // namespace mx2::optimizer::advantedge
