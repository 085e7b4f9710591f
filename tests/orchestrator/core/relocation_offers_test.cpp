// Items that wait for a location: what they are offered, and told, and when not.
#include "tests/support/area_city.h"

namespace mx2 {
namespace {

using test::AreaCity;
using test::in_area;
using test::kNorthInstance;
using test::kSouthInstance;
using test::sample_row;
using test::square;

TEST_CASE("relocation: an item that waits for its location does not stop the others",
          "[relocation][location]") {
  AreaCity city;
  const bool waits_first = GENERATE(true, false);
  const auto far = square(100, 50, 1);
  auto request =
      waits_first ? city.request({far, std::nullopt}) : city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  const auto expected = [&](const char* uri) {
    return waits_first ? std::vector<std::string>{"", uri} : std::vector<std::string>{uri, ""};
  };
  CHECK(city.addresses(id) == expected(kNorthInstance));
  city.move_all_to("south");
  CHECK(city.addresses(id) == expected(kSouthInstance));
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  // Its location becomes available: it is offered, not taken.
  city.set_area("south", far);
  city.rest();
  CHECK(city.addresses(id) == expected(kSouthInstance));
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  CHECK(city.offered(id).size() == 1);
  city.update(id, request);
  CHECK(city.addresses(id) == std::vector<std::string>{kSouthInstance, kSouthInstance});
}

TEST_CASE("relocation: each item that waits is told of its own location, once",
          "[relocation][location]") {
  AreaCity city;
  const auto east = square(100, 50, 1);
  const auto west = square(-100, 50, 1);
  auto request = city.request({east, west});
  request.app_location_updates = true;
  const auto id = city.create(request);
  using Corners = std::vector<std::pair<double, double>>;
  city.set_area("north", east);
  city.rest();
  CHECK(city.offered(id) == Corners{{100, 50}});
  const auto revision = city.program.record(id).revision;
  city.move_all_to("south");
  CHECK(city.program.record(id).revision == revision);
  city.set_area("south", west);
  city.rest();
  // The first one is not delivered yet: the second does not take its place.
  CHECK(city.offered(id) == Corners{{100, 50}, {-100, 50}});
  CHECK(city.program.record(id).revision == revision + 1);
  // One is asked for, the other waits on.
  auto asked = city.request({east});
  city.update(id, asked);
  CHECK(city.addresses(id) == std::vector<std::string>{kNorthInstance, ""});
  CHECK(city.offered(id) == Corners{{-100, 50}});
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  city.program.stop();
  city.program.start();
  city.move_all_to("south");
  CHECK(city.addresses(id) == std::vector<std::string>{kNorthInstance, ""});
}

TEST_CASE("relocation: an offer and a move of one change are both told", "[relocation][location]") {
  AreaCity city;
  const auto far = square(100, 50, 1);
  auto south = city.host("south");
  const auto instances = std::exchange(south.instances, {});
  city.put(south);
  REQUIRE(city.program.rewrite({sample_row("*", "a", {"host:south", "host:north"})}).ok());
  auto request = city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  REQUIRE(city.addresses(id) == std::vector<std::string>{kNorthInstance, ""});
  const auto revision = city.program.record(id).revision;
  south.instances = instances;
  south.service_area = {in_area(far)};
  city.put(south);
  city.rest();
  CHECK(city.addresses(id) == std::vector<std::string>{kSouthInstance, ""});
  CHECK(city.program.record(id).revision == revision + 1);
  CHECK(city.offered(id).size() == 1);
  const auto [type, body] = city.owed(id);
  CHECK(type == "ApplicationContextUpdateNotification");
  CHECK(body["userAppInstanceInfo"][0]["referenceURI"] == kSouthInstance);
}

TEST_CASE("relocation: an offer that is not true any more is not told", "[relocation][location]") {
  AreaCity city;
  const auto east = square(100, 50, 1);
  const auto west = square(-100, 50, 1);
  auto request = city.request({east, west});
  request.app_location_updates = true;
  const auto id = city.create(request);
  city.set_area("north", east);
  city.set_area("south", west);
  city.rest();
  REQUIRE(city.offered(id).size() == 2);
  city.set_area("north", square(0, 0, 1));
  city.rest();
  using Corners = std::vector<std::pair<double, double>>;
  CHECK(city.offered(id) == Corners{{-100, 50}});
  city.set_area("south", square(0, 0, 1));
  city.rest();
  CHECK(city.offered(id).empty());
  CHECK(city.owed(id).first.empty());
}

TEST_CASE(
    "relocation: what is owed of both topics goes to a new callback and ends with the context",
    "[relocation][location]") {
  AreaCity city;
  const auto far = square(100, 50, 1);
  auto request = city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  city.set_area("south", far);
  city.rest();
  city.move_all_to("south");
  auto& store = city.program.running->store;
  REQUIRE(store.notifications(0, 10)->size() == 2);
  auto moved = city.request({});
  moved.callback_reference = "http://elsewhere.example/";
  moved.app_info.user_app_instance_info.resize(1);
  city.update(id, moved);
  const auto owed = store.notifications(0, 10).value();
  REQUIRE(owed.size() == 2);
  for (const auto& entry : owed) CHECK(entry.callback_reference == *moved.callback_reference);
  REQUIRE(city.program
              .wait<void>([&](auto answer) {
                delete_app_context(city.program.running->core, city.program.running->ledger, id,
                                   Caller{}, {}, EndedBy::kSystem, std::move(answer));
              })
              .ok());
  const auto last = store.notifications(0, 10).value();
  REQUIRE(last.size() == 1);
  CHECK(last[0].type == "ApplicationContextDeleteNotification");
}

}  // namespace
}  // namespace mx2
