// A relay while the date is set, and over restarts.
#include "notifier/relay.h"
#include "tests/catch.h"
#include "tests/support/scripted_notifier.h"

namespace mx2::notifier {
namespace {

using test::RelayWorld;
using Kind = Outcome::Kind;

// What waits, and for how long, follows the clock that nobody sets.
TEST_CASE("relay: a date that steps changes nothing for what waits", "[relay][clock]") {
  constexpr std::int64_t kHour = 3'600'000;
  for (const auto step_ms : {-kHour, 2 * kHour, -1'700'000'000'000 + 24 * kHour}) {
    CAPTURE(step_ms);
    RelayWorld world;
    world.put_and_turn("c");
    world.reply("a", 503);
    world.date.advance(step_ms);
    world.later(world.options.retry.first_delay_ms);
    REQUIRE(world.sent() == 2);
    world.reply("a", 503);
    CHECK(world.outbox.settled.back().kind == Kind::kRetry);  // it is not two hours old
    world.put_and_turn("d");
    CHECK(world.client.in_flight(RelayWorld::url("a") + "d") == 1);
    world.later(world.options.retry.delay_max_ms);
    world.reply("a", 204);
    world.reply("a", 204);
    CHECK(world.answered);
    CHECK(world.outbox.size() == 0);
  }
}

TEST_CASE("relay: what is owed at a start with a wrong date is sent, and not given up",
          "[relay][clock]") {
  constexpr std::int64_t kHour = 3'600'000;
  for (const auto step_ms : {-kHour, 2 * kHour, -1'700'000'000'000 + 24 * kHour}) {
    CAPTURE(step_ms);
    RelayWorld world;
    world.put_and_turn("c");
    world.reply("a", 503);
    world.date.advance(step_ms);
    world.restart();
    world.wake();
    REQUIRE(world.sent() == 2);
    world.reply("a", 503);
    CHECK(world.outbox.settled.back().kind == Kind::kRetry);
  }
}

TEST_CASE("relay: a start keeps the pause of the one before", "[relay][clock]") {
  RelayWorld world;
  world.put_and_turn("c");
  world.reply("a", 503);
  world.restart();
  world.wake();
  CHECK(world.sent() == 1);
  world.later(world.options.retry.first_delay_ms);
  CHECK(world.sent() == 2);
}

// Hours without a relay do not count, nor do restarts begin anew.
TEST_CASE("relay: given up after so much waiting while relays ran", "[relay][clock]") {
  RelayWorld world;
  const auto give_up_ms = world.options.retry.give_up_after_ms;
  const auto until = [&](std::int64_t waited_ms) {
    const auto end = world.clock.now_ms() + waited_ms;
    while (world.clock.now_ms() < end) {
      static_cast<void>(world.client.answer("", 503));
      world.later(1000);
    }
  };
  world.put_and_turn("c");
  until(give_up_ms * 2 / 3);
  world.date.advance(48 * give_up_ms);  // nobody ran
  world.restart();
  world.wake();
  until(give_up_ms / 4);
  CHECK_FALSE(world.outbox.owed("c")->dead);
  until(give_up_ms / 4);
  CHECK(world.outbox.owed("c")->dead);
}

TEST_CASE("relay: what replaces an old entry at the last moment is new", "[relay][clock]") {
  RelayWorld world;
  world.put("c").waited_ms = world.options.retry.give_up_after_ms - 1;
  world.outbox.after_read = [&] { world.put("c"); };
  world.wake();
  REQUIRE(world.sent() == 1);
  world.reply("a", 503);
  CHECK(world.outbox.settled.back().kind == Kind::kRetry);
}

TEST_CASE("relay: a context from the future is young, but not until then", "[relay][clock]") {
  RelayWorld world;
  world.put("c").created_ms = world.date.now_ms() + 3'600'000;
  world.wake();
  world.reply("a", 404);
  CHECK(world.outbox.settled.back().kind == Kind::kRetry);
  world.later(world.options.retry.young_context_ms);
  world.reply("a", 404);
  CHECK(world.outbox.settled.back().kind == Kind::kDead);
}

}  // namespace
}  // namespace mx2::notifier
