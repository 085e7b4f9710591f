// What device applications are told, over HTTP from end to end.
#include <atomic>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/notified.h"

namespace mx2::test {
namespace {

using json::Value;

TEST_CASE("notification: an AddressChangeNotification for each context that a row moves",
          "[http][notification]") {
  for (const char* ue : {"dev:ue-1", "ip:127.0.0.0/8", "*"}) {
    CAPTURE(ue);
    Notified world;
    const auto id = world.create("ue-1", world.receiver.url("/deep/path"));
    const auto instance = world.instances(id)[0]["appInstanceId"];
    world.patch(Notified::row(ue, "host:south"));
    REQUIRE(world.receiver.hears(1));
    const auto heard = world.receiver.last();
    CHECK(heard.path == "/deep/path");
    CHECK(heard.header("Content-Type") == "application/json");
    CHECK(heard.header("Mx2-Sequence") == "2");
    CHECK(heard.json() == Value{{"notificationType", "AddressChangeNotification"},
                                {"contextId", id},
                                {"appInstanceId", instance},
                                {"referenceURI", kSouth}});
    CHECK(world.instances(id)[0]["referenceURI"] == kSouth);
    CHECK(world.instances(id)[0]["appInstanceId"] == instance);
    CHECK(world.client.get(kContexts + "/" + id).header("ETag") == "\"2\"");
    CHECK(world.nothing_owed());
  }
}

TEST_CASE("notification: nobody else is told, and nothing twice", "[http][notification]") {
  Notified world;
  const auto moved = world.create("ue-1", world.receiver.url("/1"));
  const auto other = world.create("ue-2", world.receiver.url("/2"));
  const auto silent = create_context(world.client, "ue-1");  // without a callback
  world.patch(Notified::row("dev:ue-1", "host:south"));
  world.patch(Notified::row("dev:ue-1", "host:south"));
  world.patch(Notified::row("dev:ue-2", "host:cloud"));  // where it is already
  world.patch(Notified::row("dev:ue-1", "host:north"));
  REQUIRE(eventually([&] { return world.instances(moved)[0]["referenceURI"] == kNorth; }));
  REQUIRE(world.nothing_owed());
  CHECK(world.receiver.heard("/2").empty());
  CHECK(world.receiver.heard().size() <= 2);
  CHECK(world.receiver.last().json()["referenceURI"] == kNorth);
  CHECK(world.instances(other)[0]["referenceURI"] == kCloud);
  CHECK(world.instances(silent)[0]["referenceURI"] == kNorth);
}

TEST_CASE("notification: a host that goes down, and one that moves its app",
          "[http][notification]") {
  Notified world;
  world.patch(Notified::row("dev:ue-1", "host:south"));
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  world.change_host("south",
                    [](Value& host) { host["instances"][0]["referenceURI"] = "http://new/"; });
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json()["referenceURI"] == "http://new/");
  world.change_host("south", [](Value& host) { host["state"] = "down"; });
  REQUIRE(world.receiver.hears(2));
  CHECK(world.receiver.last().json()["referenceURI"] == kCloud);
  world.change_host("south", [](Value& host) { host["state"] = "up"; });
  REQUIRE(world.receiver.hears(3));
  CHECK(world.receiver.last().json()["referenceURI"] == "http://new/");
  CHECK(world.receiver.last().header("Mx2-Sequence") == "4");
}

TEST_CASE("notification: who is on a cordoned host stays, who nobody can serve stays",
          "[http][notification]") {
  Notified world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  const auto sentinel = world.create("car-1", world.receiver.url("/sentinel"));
  REQUIRE(world.ops.request("POST", kOperator + "/hosts/cloud/cordon").status == 200);
  world.change_host("cloud", [](Value& host) { host["state"] = "down"; });
  world.patch(Notified::row("dev:car-1", "host:south"));
  REQUIRE(world.receiver.hears(1));
  REQUIRE(world.nothing_owed());
  CHECK(world.receiver.heard("/1").empty());
  CHECK(world.instances(id)[0]["referenceURI"] == kCloud);
  CHECK_THAT(world.ops.get(kOperator + "/metrics").body,
             ContainsSubstring("mx2_contexts_unserved_total 1"));
}

TEST_CASE("notification: contexts of strategy baseline keep what they have, until it changes",
          "[http][notification]") {
  Notified world;
  world.set_strategy("facedetect-1", "baseline");
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  auto other = minimal_context("ue-2");
  other["appInfo"]["appName"] = "objtrack";
  other["callbackReference"] = world.receiver.url("/sentinel");
  REQUIRE(world.client.post(kContexts, other).status == 201);
  world.patch(Notified::row("*", "endpoint:x:1", "objtrack-1"));  // follows the first
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.heard("/1").empty());
  CHECK(world.instances(id)[0]["referenceURI"] == kCloud);
  world.set_strategy("facedetect-1", "notification");
  REQUIRE(world.receiver.hears(2));
  CHECK(world.receiver.heard("/1").at(0).json()["referenceURI"] == kSouth);
}

// When one endpoint was left, an AddressChangeNotification came that named an instance whose
// address had not changed, and nothing said that the others were gone.
TEST_CASE("notification: strategy multiple sends the list, however short", "[http][notification]") {
  Notified world;
  world.set_strategy("facedetect-1", "multiple");
  const auto id = world.create("car-1", world.receiver.url("/1"));
  REQUIRE(world.instances(id).size() == 2);  // north, cloud
  const auto check_last = [&](std::size_t count, const std::vector<std::string>& uris) {
    REQUIRE(world.receiver.hears(count));
    const auto heard = world.receiver.last().json();
    CHECK(heard["notificationType"] == "ApplicationContextUpdateNotification");
    CHECK(heard["contextId"] == id);
    auto told = std::vector<std::string>();
    for (const auto& item : heard["userAppInstanceInfo"]) told.push_back(item["referenceURI"]);
    CHECK(told == uris);
    CHECK(heard["userAppInstanceInfo"] == world.instances(id));
  };
  world.patch(json::dump(
      {{"ue", "dev:car-1"}, {"app", "facedetect-1"}, {"targets", {"host:south", "host:north"}}}));
  check_last(1, {kSouth, kNorth, kCloud});
  world.change_host("north", [](Value& host) { host["state"] = "down"; });
  check_last(2, {kSouth, kCloud});
  world.change_host("cloud", [](Value& host) { host["state"] = "down"; });
  check_last(3, {kSouth});
}

// Each item of the list was given the same first choice.
TEST_CASE("notification: from multiple to notification, a list becomes one item",
          "[http][notification]") {
  Notified world;
  world.set_strategy("facedetect-1", "multiple");
  const auto id = world.create("car-1", world.receiver.url("/1"));
  REQUIRE(world.instances(id).size() == 2);
  world.set_strategy("facedetect-1", "notification");
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json()["notificationType"] == "ApplicationContextUpdateNotification");
  REQUIRE(world.instances(id).size() == 1);
  CHECK(world.instances(id)[0]["referenceURI"] == kNorth);
  REQUIRE(world.nothing_owed());  // heard, and known to be heard
  world.patch(Notified::row("dev:car-1", "host:south"));
  REQUIRE(world.receiver.hears(2));
  CHECK(world.receiver.last().json()["notificationType"] == "AddressChangeNotification");
  world.set_strategy("facedetect-1", "multiple");
  REQUIRE(world.receiver.hears(3));
  CHECK(world.instances(id).size() == 2);  // south, cloud
}

TEST_CASE("notification: the last word when operators end a context", "[http][notification]") {
  Notified world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  REQUIRE(world.ops.erase(kOperator + "/contexts/" + id).status == 204);
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json() ==
        Value{{"notificationType", "ApplicationContextDeleteNotification"}, {"contextId", id}});
  CHECK(world.receiver.last().header("Mx2-Sequence") == "2");
  CHECK(world.client.get(kContexts + "/" + id).status == 404);
}

TEST_CASE("notification: what its owner has deleted is not told, and what is owed is dropped",
          "[http][notification]") {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  Notified world([](OrchestratorOptions& options) { options.notifier.relay.pace.max = 1; });
  world.create("ue-0", silent.url("/0"));  // holds the only place
  const auto id = world.create("ue-1", silent.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(eventually([&] { return world.outbox()["pending"] == 2; }));
  CHECK(world.client.erase(kContexts + "/" + id).status == 204);
  CHECK(world.outbox()["pending"] == 1);
  const auto other = world.create("ue-2", world.receiver.url("/2"));
  CHECK(world.client.erase(kContexts + "/" + other).status == 204);
  CHECK(world.receiver.heard().empty());
}

TEST_CASE("notification: PUT of a new callback brings what is owed there", "[http][notification]") {
  Receiver broken([](const Heard&, std::size_t) { return http::json_reply(503, "{}"); });
  Notified world;
  const auto id = world.create("ue-1", broken.url("/old"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.tried_once());
  auto update = minimal_context("ue-1");
  update["callbackReference"] = world.receiver.url("/new");
  REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().path == "/new");
  CHECK(world.receiver.last().json()["referenceURI"] == kSouth);
  CHECK(world.nothing_owed());
  CHECK(broken.heard().size() == 1);
}

TEST_CASE("notification: PUT of a new callback revives what was given up there",
          "[http][notification]") {
  Receiver gone([](const Heard&, std::size_t) { return http::json_reply(410, "{}"); });
  Notified world;
  const auto id = world.create("ue-1", gone.url("/old"));
  world.patch(Notified::row("*", "host:south"));
  CHECK(world.dead()["lastError"] == "answered 410");
  CHECK(world.client.get(kContexts + "/" + id).status == 200);  // never deleted for it
  auto update = minimal_context("ue-1");
  update["callbackReference"] = world.receiver.url("/new");
  REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json()["referenceURI"] == kSouth);
}

TEST_CASE("notification: PUT of a location that moves the context", "[http][notification]") {
  Notified world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  auto update = minimal_context("ue-1");
  update["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", "NZ"}};
  REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json()["referenceURI"] == kSouth);
  CHECK(world.receiver.last().header("Mx2-Sequence") == "2");
  REQUIRE(world.client.put(kContexts + "/" + id, update).status == 204);  // nothing new
  CHECK(world.nothing_owed());
  CHECK(world.receiver.heard().size() == 1);
}

TEST_CASE("notification: what is owed outlives a restart", "[http][notification]") {
  std::atomic<bool> works{false};
  Receiver receiver([&](const Heard&, std::size_t) {
    return works ? http::no_content() : http::json_reply(503, "{}");
  });
  Notified world;
  const auto id = world.create("ue-1", receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.tried_once());
  works = true;
  world.server.restart();  // nothing is due yet: the clock stands still
  const auto before = receiver.heard().size();
  world.server.advance(1000);
  REQUIRE(receiver.hears(before + 1));
  CHECK(receiver.last().header("Mx2-Sequence") == "2");
  CHECK(receiver.last().json()["referenceURI"] == kSouth);
  auto ops = world.server.ops();
  CHECK(eventually([&] { return ops.get(kOperator + "/outbox").json()["pending"] == 0; }));
}

}  // namespace
}  // namespace mx2::test
