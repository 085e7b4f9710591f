// What a relay sends for one context, and in which order.
#include "notifier/relay.h"

#include <random>

#include "tests/catch.h"
#include "tests/support/scripted_notifier.h"

namespace mx2::notifier {
namespace {

using test::RelayWorld;

using Kind = Outcome::Kind;
RelayOptions one_at_a_time() {
  RelayOptions options;
  options.pace.max = 1;
  return options;
}

TEST_CASE("relay: an entry is POSTed to its callback and settled", "[relay]") {
  RelayWorld world;
  const auto entry = world.put("c");
  world.wake();
  REQUIRE(world.sent() == 1);
  const auto& request = world.client.requests.front();
  CHECK(request.method == "POST");
  CHECK(request.url == entry.callback_reference);
  CHECK(request.body == entry.body);
  CHECK(request.headers == http::Headers{{"Content-Type", "application/json"},
                                         {"Mx2-Sequence", std::to_string(entry.revision)}});
  CHECK(world.relay->status().in_flight == 1);
  world.reply("a", 204);
  REQUIRE(world.outbox.settled.size() == 1);
  CHECK(world.outbox.settled[0].kind == Kind::kDelivered);
  CHECK(world.outbox.settled[0].sequence == entry.sequence);
  CHECK(world.outbox.size() == 0);
  CHECK(world.relay->status().pending == 0);
  CHECK(world.relay->status().in_flight == 0);
}

TEST_CASE("relay: replaced before it is sent, only the newest is sent", "[relay]") {
  RelayWorld world;
  world.put("c");
  const auto newest = world.put("c").body;
  world.wake();
  CHECK(world.sent() == 1);
  CHECK(world.last_body() == newest);
}

TEST_CASE("relay: one of a context in flight, then the newest of those that came", "[relay]") {
  for (const int status : {204, 404, 503}) {
    CAPTURE(status);
    RelayWorld world;
    world.put_and_turn("c");
    for (int i = 0; i < 3; ++i) world.put_and_turn("c");
    CHECK(world.sent() == 1);
    world.reply("a", status);
    REQUIRE(world.sent() == 2);
    CHECK(world.last_body() == "4");
    CHECK(world.outbox.settled.empty());  // of the first, nothing is kept
    world.reply("a", 204);
    CHECK(world.sent() == 2);
    CHECK(world.outbox.size() == 0);
    CHECK(world.client.most_in_flight == 1);
  }
}

TEST_CASE("relay: an entry that is deleted is not sent", "[relay]") {
  RelayWorld world(one_at_a_time());
  world.put("first");
  world.put_and_turn("second");
  world.outbox.erase("second");
  world.reply("a", 204);
  CHECK(world.sent() == 1);
  CHECK(world.relay->status().pending == 0);
}

TEST_CASE("relay: an entry that is deleted in flight is not sent again", "[relay]") {
  for (const int status : {204, 503}) {
    RelayWorld world;
    world.put_and_turn("c");
    world.outbox.erase("c");
    world.reply("a", status);
    for (int i = 0; i < 20; ++i) world.later(60'000);
    CHECK(world.sent() == 1);
    CHECK(world.relay->status().pending == 0);
  }
}

TEST_CASE("relay: what waits is redirected", "[relay]") {
  RelayWorld world(one_at_a_time());
  world.put("first", "a");
  world.put_and_turn("second", "a");
  world.put_and_turn("second", "b");
  CHECK(world.client.in_flight(RelayWorld::url("b")) == 1);
  CHECK(world.sent() == 2);
}

TEST_CASE("relay: redirected in flight, it goes to the new destination afterwards", "[relay]") {
  for (const int status : {204, 410, 500}) {
    RelayWorld world;
    world.put_and_turn("c", "a");
    world.put_and_turn("c", "b");
    CHECK(world.client.in_flight(RelayWorld::url("b")) == 0);
    world.reply("a", status);
    CHECK(world.client.in_flight(RelayWorld::url("b")) == 1);
    world.reply("b", 204);
    CHECK(world.outbox.size() == 0);
    CHECK(world.relay->status().pending == 0);
  }
}

// Found at sending, not at reading: its retries waited for the old destination to answer.
TEST_CASE("relay: redirected between reading and sending, it belongs to the new destination",
          "[relay]") {
  RelayOptions options;
  options.failing_after = 1;
  RelayWorld world(options);
  world.put("x", "a");
  world.put_and_turn("y", "a");
  world.fail("a");
  world.fail("a");
  REQUIRE(world.relay->status().failing_destinations == 1);
  world.put("c", "c");
  world.outbox.after_read = [&] { world.put("c", "b"); };
  world.wake();
  REQUIRE(world.client.in_flight(RelayWorld::url("b")) == 1);
  world.reply("b", 429);
  world.later(600);
  CHECK(world.client.in_flight(RelayWorld::url("b")) == 1);
  world.reply("b", 500);  // b fails now, not c
  world.put_and_turn("d", "c");
  CHECK(world.client.in_flight(RelayWorld::url("c")) == 1);
  CHECK(world.relay->status().failing_destinations == 2);
}

// Its entry was read only after it had been sent, and was taken for one that is still owed.
TEST_CASE("relay: replaced between reading and sending, it is sent once", "[relay]") {
  RelayWorld world;
  world.put("c");
  world.outbox.after_read = [&] { world.put("c"); };
  world.client.on_poll = [&](int) { world.client.answer("", 204); };
  world.wake();
  REQUIRE(world.sent() == 1);
  CHECK(world.last_body() == "2");
  world.relay->wake();
  world.turns(3);
  CHECK(world.sent() == 1);
  CHECK(world.outbox.size() == 0);
  world.put_and_turn("c");
  CHECK(world.sent() == 2);
}

TEST_CASE("relay: replaced between reading and sending, a failure still backs off", "[relay]") {
  RelayWorld world;
  world.put("c");
  world.outbox.after_read = [&] { world.put("c"); };
  world.client.on_poll = [&](int) { world.client.answer("", 503); };
  world.wake();
  world.relay->wake();
  world.turns(3);
  CHECK(world.sent() == 1);
  world.later(500);
  CHECK(world.sent() == 2);
}

// Each newer entry went to the end of the queue, so a context that moved all the time was told last
// or never.
TEST_CASE("relay: a context that moves again and again keeps its place", "[relay]") {
  RelayWorld world(one_at_a_time());
  world.put("first");
  world.put("hot");
  world.put_and_turn("last");
  for (int i = 0; i < 5; ++i) world.put_and_turn("hot");
  world.reply("a", 204);
  CHECK(world.client.in_flight(RelayWorld::url("a") + "hot") == 1);
  CHECK(world.last_body() == "8");
}

TEST_CASE("relay: a retry waits for its time and counts", "[relay]") {
  RelayWorld world;
  world.put_and_turn("c");
  world.reply("a", 503);
  REQUIRE(world.outbox.settled.size() == 1);
  const auto retry = world.outbox.settled[0];
  CHECK(retry.kind == Kind::kRetry);
  CHECK(retry.attempts == 1);
  CHECK(retry.error == "answered 503");
  const auto wait = retry.due_ms - world.date.now_ms();
  REQUIRE(wait > 0);
  CHECK(world.client.last_timeout_ms <= wait);
  world.later(wait - 1);
  CHECK(world.sent() == 1);
  world.later(1);
  CHECK(world.sent() == 2);
  world.reply("a", 503);
  CHECK(world.outbox.settled.back().attempts == 2);
}

TEST_CASE("relay: an entry that is not due yet waits", "[relay]") {
  RelayWorld world;
  world.put("c").due_ms = world.date.now_ms() + 400;
  world.wake();
  world.later(399);
  CHECK(world.sent() == 0);
  world.later(1);
  CHECK(world.sent() == 1);
}

TEST_CASE("relay: a newer entry does not wait for the retry of the older", "[relay]") {
  RelayWorld world;
  world.put_and_turn("c");
  world.reply("a", 503);
  world.put_and_turn("c");
  CHECK(world.sent() == 2);
  world.reply("a", 204);
  for (int i = 0; i < 5; ++i) world.later(60'000);
  CHECK(world.sent() == 2);  // the timer of the first means nothing any more
}

TEST_CASE("relay: given up when it is too old, or refused", "[relay]") {
  RelayWorld world;
  world.put_and_turn("old");
  std::size_t attempts = 0;
  while (world.outbox.owed("old") != nullptr && !world.outbox.owed("old")->dead) {
    REQUIRE(++attempts < 200);
    world.reply("a", 429);
    world.later(60'000);
  }
  CHECK(world.outbox.owed("old")->last_error == "answered 429");
  CHECK(world.clock.now_ms() - 1'000'000 >= world.options.retry.give_up_after_ms);
  CHECK(world.sent() == attempts);
  world.put_and_turn("refused");
  world.reply("a", 403);
  CHECK(world.outbox.owed("refused")->dead);
  CHECK(world.relay->status().pending == 0);
  world.later(60'000);
  CHECK(world.sent() == attempts + 1);
}

TEST_CASE("relay: never two of one context in flight, and the last word arrives", "[relay]") {
  std::mt19937 random(7);
  const auto choose = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  RelayWorld world;
  for (int i = 0; i < 20'000; ++i) {
    const auto context = "c" + std::to_string(choose(6));
    const auto topic = choose(3) == 0 ? Topic::kLocations : Topic::kInstances;
    switch (choose(8)) {
      case 0: world.put(context, choose(4) == 0 ? "b" : "a", topic); break;
      case 1: world.outbox.erase(context, topic); break;
      case 2:
        world.outbox.after_read = [&world, context, topic] { world.put(context, "a", topic); };
        break;
      case 3: world.relay->wake(); break;
      case 4: static_cast<void>(world.client.answer(RelayWorld::url("a"), 204)); break;
      case 5: static_cast<void>(world.client.answer("", choose(2) == 0 ? 503 : 410)); break;
      case 6: world.advance(choose(700)); break;
      default: world.relay->turn();
    }
    REQUIRE_FALSE(world.client.twice);
  }
  for (int i = 0; i < 1000; ++i) {
    world.client.answer_all(204);
    world.later(1000);
  }
  for (unsigned i = 0; i < 6; ++i) {
    for (const auto topic : {Topic::kInstances, Topic::kLocations}) {
      const auto* owed = world.outbox.owed("c" + std::to_string(i), topic);
      CHECK((owed == nullptr || owed->dead));
    }
  }
  CHECK(world.relay->status().pending == 0);
}

TEST_CASE("relay: without the lease nothing is sent", "[relay]") {
  RelayWorld world;
  world.outbox.lease = false;
  world.put_and_turn("c");
  CHECK(world.outbox.reads == 0);
  CHECK(world.client.last_timeout_ms <= 500);
  world.outbox.lease = true;
  world.turns(1);
  CHECK(world.sent() == 1);
  world.outbox.lease = false;  // lost with one in flight
  world.put("d");
  world.relay->wake();
  world.reply("a", 204);
  CHECK(world.sent() == 1);
  world.outbox.lease = true;
  world.turns(2);
  CHECK(world.sent() == 2);
  CHECK(world.outbox.settled.size() == 1);
  CHECK(world.answered);
}

TEST_CASE("relay: storage that cannot be read is asked again", "[relay]") {
  RelayWorld world;
  world.outbox.read_fails = true;
  world.put_and_turn("c");
  CHECK(world.sent() == 0);
  CHECK(world.client.last_timeout_ms > 0);  // and not at once
  world.outbox.read_fails = false;
  world.later(world.options.look_every_ms);
  world.reply("a", 204);
  CHECK(world.outbox.size() == 0);
  world.outbox.find_fails = true;
  world.put_and_turn("d");
  world.turns(10);
  CHECK(world.sent() == 1);
  world.outbox.find_fails = false;
  world.later(500);
  CHECK(world.sent() == 2);
}

TEST_CASE("relay: outcomes are settled in batches, and never kept for long", "[relay]") {
  RelayWorld world;
  for (int i = 0; i < 60; ++i) world.put("c" + std::to_string(i));
  world.put_and_turn("slow", "b");
  for (int i = 0; i < 60; ++i) {
    world.client.answer(RelayWorld::url("a"), 204);
    world.relay->turn();
  }
  CHECK(world.outbox.batches.size() <= 2);
  CHECK(world.client.last_timeout_ms <= 10);
  world.later(10);
  CHECK(world.outbox.settled.size() == 60);
  CHECK(world.outbox.batches.size() <= 3);
}

TEST_CASE("relay: finish waits for what is in flight and begins nothing", "[relay]") {
  RelayWorld world;
  world.put_and_turn("c");
  world.put_and_turn("never", "b");
  world.put("later");
  world.relay->wake();
  world.client.on_poll = [&](int timeout_ms) { world.advance(timeout_ms); };
  world.client.answer(RelayWorld::url("a"), 204);
  const auto begun = world.clock.now_ms();
  world.relay->finish(1000);
  CHECK(world.clock.now_ms() - begun >= 1000);
  CHECK(world.clock.now_ms() - begun < 1100);
  CHECK(world.sent() == 2);
  CHECK(world.outbox.settled.size() == 1);
}

TEST_CASE("relay: a window smaller than the outbox moves on", "[relay]") {
  RelayOptions options;
  options.window_max = 1000;
  RelayWorld world(options);
  for (int i = 0; i < 5000; ++i) world.put("c" + std::to_string(i));
  world.wake();
  std::size_t most = 0;
  for (int i = 0; i < 1000 && world.outbox.size() > 0; ++i) {
    most = std::max(most, world.relay->status().pending);
    world.client.answer_all(204);
    world.turns(1);
  }
  CHECK(world.outbox.size() == 0);
  CHECK(world.sent() == 5000);
  CHECK(most <= 2000);
}

TEST_CASE("relay: wake ends the wait of its client", "[relay]") {
  RelayWorld world;
  world.turns(1);
  CHECK(world.client.last_timeout_ms == world.options.look_every_ms);
  const auto reads = world.outbox.reads;
  world.turns(3);
  CHECK(world.outbox.reads == reads);
  world.wake();
  CHECK(world.client.wakes == 1);
  CHECK(world.outbox.reads == reads + 1);
}

}  // namespace
}  // namespace mx2::notifier
