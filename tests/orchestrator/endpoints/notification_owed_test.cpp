// One entry of the outbox for each context and topic: what a newer notification must tell when the
// older has not arrived.
#include <atomic>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/notified.h"

namespace mx2::test {
namespace {

using json::Value;

constexpr const char* kUpdate = "ApplicationContextUpdateNotification";

// A receiver that can be switched on.
struct Switched {
  std::atomic<int> status{503};
  std::atomic<int> taken{0};
  Receiver receiver{[this](const Heard&, std::size_t) {
    const int answer = status;
    if (answer != 204) return http::json_reply(answer, "{}");
    ++taken;
    return http::no_content();
  }};
};

struct Owing : Notified {
  Switched ue;

  // A context of NZ, where nobody serves yet.
  std::string create_waiting(bool updates = false) {
    change_host("south", [](Value& host) { host["state"] = "down"; });
    auto body = minimal_context("ue-1");
    body["callbackReference"] = ue.receiver.url("/1");
    body["appAutoInstantiation"] = !updates;
    body["appLocationUpdates"] = updates;
    body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", "NZ"}};
    const auto made = client.post(kContexts, body);
    if (made.status != 201) throw std::runtime_error(made.body);
    return made.json()["contextId"];
  }
  void serve_nz(const char* host, bool serves = true) {
    change_host(host, [serves](Value& document) {
      document["state"] = "up";
      document["serviceArea"][0] = {{"countryCode", serves ? "NZ" : "FJ"}};
    });
  }
  bool owes(const std::string& type) {
    return eventually([&] {
      const auto all = outbox();
      return all["pending"] == 1 && all["items"][0]["notificationType"] == type &&
             all["items"][0]["attempts"] != 0;
    });
  }
  // What the receiver takes when it is back: at the next attempt, or after the one that is under
  // way.
  Value heard_at_last() {
    const int before = ue.taken;
    ue.status = 204;
    const bool heard = eventually([&] {
      server.advance(1000);
      return ue.taken > before;
    });
    return heard ? ue.receiver.last().json() : Value{{"notificationType", "none"}};
  }
};

TEST_CASE("owed: a first address that has not been told and a move are the whole list",
          "[http][notification][owed]") {
  Owing world;
  const auto id = world.create_waiting();
  world.serve_nz("south");
  REQUIRE(world.owes(kUpdate));
  world.change_host("south",
                    [](Value& host) { host["instances"][0]["referenceURI"] = "http://b/"; });
  REQUIRE(eventually([&] { return world.instances(id)[0]["referenceURI"] == "http://b/"; }));
  const auto heard = world.heard_at_last();
  REQUIRE(heard["notificationType"] == kUpdate);
  CHECK(heard["userAppInstanceInfo"] == world.instances(id));
  REQUIRE(world.nothing_owed());
  // It knows the instance now.
  world.change_host("south",
                    [](Value& host) { host["instances"][0]["referenceURI"] = "http://c/"; });
  const auto before = world.ue.receiver.heard().size();
  REQUIRE(world.ue.receiver.hears(before + 1));
  REQUIRE(world.ue.receiver.last().json()["notificationType"] == "AddressChangeNotification");
}

TEST_CASE("owed: what was given up counts as not told", "[http][notification][owed]") {
  Owing world;
  world.ue.status = 410;
  const auto id = world.create_waiting();
  world.serve_nz("south");
  REQUIRE(world.dead()["notificationType"] == kUpdate);
  world.ue.status = 204;
  world.change_host("south",
                    [](Value& host) { host["instances"][0]["referenceURI"] = "http://b/"; });
  REQUIRE(world.ue.receiver.hears(2));
  REQUIRE(world.ue.receiver.last().json()["notificationType"] == kUpdate);
  CHECK(world.ue.receiver.last().json()["userAppInstanceInfo"] == world.instances(id));
}

TEST_CASE("owed: a list that became one item and a move are the list",
          "[http][notification][owed]") {
  Owing world;
  world.set_strategy("facedetect-1", "multiple");
  const auto id = world.create("car-1", world.ue.receiver.url("/1"));
  world.set_strategy("facedetect-1", "notification");
  REQUIRE(world.owes(kUpdate));
  world.patch(Notified::row("dev:car-1", "host:south"));
  REQUIRE(eventually([&] { return world.instances(id)[0]["referenceURI"] == kSouth; }));
  const auto heard = world.heard_at_last();
  REQUIRE(heard["notificationType"] == kUpdate);
  CHECK(heard["userAppInstanceInfo"] == world.instances(id));
}

TEST_CASE("owed: a move and another move are the last", "[http][notification][owed]") {
  Owing world;
  const auto id = world.create("ue-1", world.ue.receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.owes("AddressChangeNotification"));
  world.patch(Notified::row("*", "host:north"));
  REQUIRE(eventually([&] { return world.instances(id)[0]["referenceURI"] == kNorth; }));
  const auto heard = world.heard_at_last();
  REQUIRE(heard["notificationType"] == "AddressChangeNotification");
  CHECK(heard["referenceURI"] == kNorth);
}

TEST_CASE("owed: a move and a list are the list", "[http][notification][owed]") {
  Owing world;
  const auto id = world.create("ue-1", world.ue.receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.owes("AddressChangeNotification"));
  world.set_strategy("facedetect-1", "multiple");
  world.patch(json::dump(
      {{"ue", "*"}, {"app", "facedetect-1"}, {"targets", {"host:north", "host:south"}}}));
  REQUIRE(eventually([&] { return world.instances(id).size() > 1; }));
  const auto heard = world.heard_at_last();
  REQUIRE(heard["notificationType"] == kUpdate);
  CHECK(heard["userAppInstanceInfo"] == world.instances(id));
}

TEST_CASE("owed: a location that is offered no more is not told", "[http][notification][owed]") {
  Owing world;
  world.create_waiting(true);
  world.serve_nz("south");
  REQUIRE(world.owes("ApplicationLocationAvailabilityNotification"));
  world.serve_nz("south", false);
  CHECK(world.nothing_owed());
  world.serve_nz("south");
  REQUIRE(world.heard_at_last()["notificationType"] ==
          "ApplicationLocationAvailabilityNotification");
}

TEST_CASE("owed: a callback that comes late is told what has changed before it came",
          "[http][notification][owed]") {
  Owing world;
  world.ue.status = 204;
  auto waiting = minimal_context("ue-1");
  const auto id = world.client.post(kContexts, waiting).json()["contextId"].get<std::string>();
  auto update = minimal_context("ue-1");
  update["callbackReference"] = world.ue.receiver.url("/1");
  SECTION("moved") {
    world.patch(Notified::row("*", "host:south"));
    REQUIRE(eventually([&] { return world.instances(id)[0]["referenceURI"] == kSouth; }));
    REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
    REQUIRE(world.ue.receiver.hears(1));
    REQUIRE(world.ue.receiver.last().json()["notificationType"] == kUpdate);
    CHECK(world.ue.receiver.last().json()["userAppInstanceInfo"] == world.instances(id));
  }
  SECTION("nothing has changed") {
    REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
    REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
    CHECK(world.outbox()["pending"] == 0);
    world.patch(Notified::row("*", "host:south"));
    REQUIRE(world.ue.receiver.hears(1));
    REQUIRE(world.ue.receiver.last().json()["notificationType"] == "AddressChangeNotification");
  }
}

TEST_CASE("owed: a late callback of the V1.1.1 dialect is told what its client understands",
          "[http][notification][owed][legacy]") {
  Owing world;
  world.ue.status = 204;
  const std::string contexts = kLegacy + "/app_contexts";
  const auto made = world.client.post(contexts, minimal_legacy_context("ue-1"));
  REQUIRE(made.status == 201);
  const auto id = made.json()["contextId"].get<std::string>();
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(eventually([&] { return world.instances(id)[0]["referenceURI"] == kSouth; }));
  auto update = minimal_legacy_context("ue-1");
  update["callbackReference"] = world.ue.receiver.url("/1");
  REQUIRE(world.client.put(contexts + "/" + id, update).status == 204);
  REQUIRE(world.ue.receiver.hears(1));
  REQUIRE(world.ue.receiver.last().json()["notificationType"] == "AddressChangeNotification");
  CHECK(world.ue.receiver.last().json()["referenceURI"] == kSouth);
}

TEST_CASE("owed: a callback whose name does not exist is given up at once, with the cause",
          "[http][notification][owed]") {
  Owing world;
  world.create("ue-1", "http://nobody.invalid/1");
  world.patch(Notified::row("*", "host:south"));
  const auto dead = world.dead();
  CHECK(dead["attempts"] == 1);
  CHECK(dead["lastError"] == "the name 'nobody.invalid' does not exist");
}

}  // namespace
}  // namespace mx2::test
