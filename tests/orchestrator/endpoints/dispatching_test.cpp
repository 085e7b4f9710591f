// Strategy `dispatching`: device applications are sent to a dispatcher, and follow that one.
#include "tests/catch.h"
#include "tests/orchestrator/endpoints/notified.h"

namespace mx2::test {
namespace {

using json::Value;

constexpr const char* kNorthDispatcher = "http://north:8070/facedetect-1";
constexpr const char* kSouthDispatcher = "http://south:8070/facedetect-1";

// facedetect-1 is dispatched; north and south have dispatchers.
struct Dispatched : Notified {
  Dispatched() {
    auto app = ops.get(kOperator + "/apps/facedetect-1").json();
    app["appDId"] = app["appName"] = "dispatcher-1";
    app["enabled"] = false;  // not for device applications
    REQUIRE(ops.put(kOperator + "/apps/dispatcher-1", app).status == 201);
    for (const std::string host : {"north", "south"}) {
      change_host(host, [&](Value& document) {
        document["instances"].push_back(
            {{"appDId", "dispatcher-1"}, {"referenceURI", "http://" + host + ":8070"}});
      });
    }
    patch(row("*", "host:north", "dispatcher-1"));
    set_strategy("facedetect-1", "dispatching");
  }
  std::string uri(const std::string& id) { return instances(id)[0]["referenceURI"]; }
};

}  // namespace

TEST_CASE("dispatching: a context leads to a dispatcher, below it the app", "[http][dispatching]") {
  Dispatched world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  CHECK(world.uri(id) == kNorthDispatcher);
  const auto told = world.ops.get(kOperator + "/explain?app=facedetect-1&ue=dev:ue-1").json();
  CHECK(told["referenceURI"] == kNorthDispatcher);
  CHECK(told["host"] == "north");
}

TEST_CASE("dispatching: contexts follow the dispatchers' rows, not the app's",
          "[http][dispatching]") {
  Dispatched world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  world.patch(Notified::row("dev:ue-1", "host:south"));  // of facedetect-1: says nothing here
  world.patch(Notified::row("dev:ue-1", "host:south", "dispatcher-1"));
  REQUIRE(world.receiver.hears(1));
  CHECK(world.receiver.last().json()["referenceURI"] == kSouthDispatcher);
  CHECK(world.uri(id) == kSouthDispatcher);
  CHECK(world.receiver.last().header("Mx2-Sequence") == "2");

  world.change_host("south", [](Value& host) { host["state"] = "down"; });
  REQUIRE(world.receiver.hears(2));
  CHECK(world.uri(id) == kNorthDispatcher);
  // A cordoned host keeps those who are there.
  const auto other = world.create("ue-2", world.receiver.url("/2"));
  REQUIRE(world.ops.request("POST", kOperator + "/hosts/north/cordon").status == 200);
  world.change_host("south", [](Value& host) { host["state"] = "up"; });
  REQUIRE(eventually([&] { return world.uri(id) == kSouthDispatcher; }));
  CHECK(world.uri(other) == kNorthDispatcher);
}

TEST_CASE("dispatching: contexts follow when the strategy changes, both ways",
          "[http][dispatching]") {
  Dispatched world;
  const auto id = world.create("ue-1", world.receiver.url("/1"));
  world.set_strategy("facedetect-1", "notification");
  REQUIRE(world.receiver.hears(1));
  CHECK(world.uri(id) == kCloud);
  world.set_strategy("facedetect-1", "dispatching");
  REQUIRE(world.receiver.hears(2));
  CHECK(world.uri(id) == kNorthDispatcher);
}

TEST_CASE("dispatching: no dispatcher is no host", "[http][dispatching]") {
  Dispatched world;
  for (const char* host : {"north", "south"}) {
    world.change_host(host, [](Value& document) { document["state"] = "down"; });
  }
  const auto refused = world.client.post(kContexts, minimal_context("ue-1"));
  CHECK(refused.status == 403);
}

TEST_CASE("dispatching: who follows the orchestrator is told the strategy", "[http][dispatching]") {
  Dispatched world;
  const auto snapshot = world.ops.get(kOperator + "/snapshot").json();
  CHECK(snapshot["strategy"] ==
        Value{{"standard", "notification"}, {"dispatcher", "dispatcher-1"}});
}

}  // namespace mx2::test
