// What the relay makes of two notifications of one context: of its instances, and of locations.
#include "notifier/relay.h"
#include "tests/catch.h"
#include "tests/support/scripted_notifier.h"

namespace mx2::notifier {
namespace {

using test::RelayWorld;

constexpr auto kBothTopics = {Topic::kInstances, Topic::kLocations};

Topic other_topic(Topic topic) {
  return topic == Topic::kInstances ? Topic::kLocations : Topic::kInstances;
}

TEST_CASE("relay: of two topics both are sent, one after the other, in the order of writing",
          "[relay][topics]") {
  for (const auto first : kBothTopics) {
    RelayWorld world;
    world.put("c", "a", first);
    world.put("c", "a", other_topic(first));
    world.wake();
    world.turns(3);
    REQUIRE(world.sent() == 1);
    CHECK(world.last_body() == "1");
    world.reply("a", 204);
    REQUIRE(world.sent() == 2);
    CHECK(world.last_body() == "2");
    world.reply("a", 204);
    CHECK(world.outbox.size() == 0);
    CHECK(world.relay->status().pending == 0);
    CHECK_FALSE(world.client.twice);
  }
}

TEST_CASE("relay: of two topics one that is given up, refused or deleted leaves the other",
          "[relay][topics]") {
  for (const auto first : kBothTopics) {
    for (const int status : {403, 503, 0}) {
      CAPTURE(status);
      RelayWorld world;
      world.put("c", "a", first);
      world.put("c", "a", other_topic(first));
      if (status == 0) {
        world.outbox.after_read = [&] { world.outbox.erase("c", first); };
        world.wake();
        world.turns(1);
      } else {
        world.wake();
        world.reply("a", status);
      }
      REQUIRE(world.client.in_flight() == 1);
      CHECK(world.last_body() == "2");
      world.reply("a", 204);
      CHECK(world.outbox.owed("c", other_topic(first)) == nullptr);
    }
  }
}

// A receiver that does not understand offers must hear of moves all the same.
TEST_CASE("relay: of two topics one that is tried again does not hold up the other",
          "[relay][topics]") {
  for (const auto first : kBothTopics) {
    RelayWorld world;
    world.put("c", "a", first);
    world.wake();
    world.reply("a", 503);
    world.put("c", "a", other_topic(first));
    world.wake();
    REQUIRE(world.sent() == 2);
    CHECK(world.last_body() == "2");
    world.later(600);  // the retry is due now, and waits for the other
    CHECK(world.sent() == 2);
    world.reply("a", 204);
    REQUIRE(world.sent() == 3);
    CHECK(world.last_body() == "1");
    world.reply("a", 204);
    CHECK(world.outbox.size() == 0);
    CHECK_FALSE(world.client.twice);
  }
}

TEST_CASE("relay: of two topics both are given up when their destination does not answer",
          "[relay][topics]") {
  RelayOptions options;
  options.failing_after = 1;
  RelayWorld world(options);
  world.put("c", "a", Topic::kLocations);
  world.put("c", "a", Topic::kInstances);
  world.put("d");
  world.wake();
  for (int i = 0; i < 200; ++i) {
    world.client.break_off("");
    world.later(60'000);
  }
  for (const auto topic : kBothTopics) {
    REQUIRE(world.outbox.owed("c", topic) != nullptr);
    CHECK(world.outbox.owed("c", topic)->dead);
  }
  CHECK(world.relay->status().pending == 0);
  CHECK_FALSE(world.client.twice);
}

// To operators' systems: no revision of a context, and no guard. The newest waits for the other.
TEST_CASE("relay: news of packages go anywhere, without a sequence", "[relay][topics]") {
  RelayWorld world;
  world.put("s/p", "a", Topic::kPackages);
  world.wake();
  REQUIRE(world.sent() == 1);
  CHECK(world.client.requests[0].may_go_anywhere);
  CHECK(world.client.requests[0].headers.size() == 1);
  world.put("s/p", "a", Topic::kPackages);
  world.put("c");
  world.wake();
  world.turns(2);
  REQUIRE(world.sent() == 2);
  CHECK_FALSE(world.client.requests[1].may_go_anywhere);
  CHECK(world.client.requests[1].headers.size() == 2);
  world.client.answer_all(204);
  world.turns(3);
  CHECK(world.sent() == 3);
  CHECK(world.last_body() == "2");
  CHECK_FALSE(world.client.twice);
  world.reply("a", 204);
  CHECK(world.outbox.size() == 0);
}

}  // namespace
}  // namespace mx2::notifier
