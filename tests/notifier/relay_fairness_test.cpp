// How a relay shares itself between destinations, and how it treats those that fail.
#include "notifier/relay.h"
#include "tests/catch.h"
#include "tests/support/scripted_notifier.h"

namespace mx2::notifier {
namespace {

using test::RelayWorld;

void put_many(RelayWorld& world, int count, const std::string& name) {
  for (int i = 0; i < count; ++i) world.put(name + std::to_string(i), name);
}

TEST_CASE("relay: at most so many in flight to one destination", "[relay]") {
  RelayOptions options;
  options.pace.max = 4;
  RelayWorld world(options);
  put_many(world, 100, "a");
  world.wake();
  CHECK(world.client.in_flight() == 4);
  for (int i = 0; i < 100; ++i) world.reply("a", 204);
  CHECK(world.answered);
  CHECK(world.outbox.size() == 0);
  CHECK(world.client.most_in_flight == 4);
}

TEST_CASE("relay: at most so many in flight, and destinations take turns", "[relay]") {
  RelayOptions options;
  options.in_flight_max = 10;
  RelayWorld world(options);
  put_many(world, 100, "a");
  put_many(world, 100, "b");
  world.wake();
  CHECK(world.client.in_flight(RelayWorld::url("a")) == 5);
  CHECK(world.client.in_flight(RelayWorld::url("b")) == 5);
  while (world.client.answer_all(204) > 0) world.turns(2);
  CHECK(world.outbox.size() == 0);
  CHECK(world.client.most_in_flight == 10);
}

TEST_CASE("relay: 10 000 entries of one that never answers delay nobody else", "[relay]") {
  RelayWorld world;
  put_many(world, 10'000, "slow");
  world.wake();
  while (world.relay->status().pending < 10'000) world.turns(1);
  CHECK(world.client.in_flight(RelayWorld::url("slow")) == 16);
  for (int i = 0; i < 100; ++i) {
    world.put_and_turn("c" + std::to_string(i), "good");
    REQUIRE(world.client.in_flight(RelayWorld::url("good")) == 1);
    world.reply("good", 204);
  }
  CHECK(world.client.in_flight(RelayWorld::url("slow")) == 16);
}

// Answers what has come 5 ms later; with more than `bears` at once it hangs for good, as a cpprest
// server with as many threads does. True when it has heard of all.
bool weak_receiver_hears(RelayWorld& world, std::size_t bears) {
  world.wake();
  while (world.client.in_flight() > 0 && world.client.most_in_flight <= bears) {
    world.advance(5);
    world.client.answer_all(204);
    world.turns(2);
  }
  return world.outbox.size() == 0;
}

TEST_CASE("relay: a receiver that hangs for good with 41 at once hears of everything", "[relay]") {
  for (const int moves : {40, 200, 1000}) {
    CAPTURE(moves);
    RelayWorld world;
    for (int burst = 0; burst < 3; ++burst) {
      put_many(world, moves, "a");
      CHECK(weak_receiver_hears(world, 40));
    }
    CHECK(world.client.most_in_flight >= 16);
  }
}

TEST_CASE("relay: a receiver that keeps up with very much soon gets as many as allowed",
          "[relay]") {
  RelayWorld world;
  put_many(world, 10'000, "a");
  CHECK(weak_receiver_hears(world, 64));
  CHECK(world.client.most_in_flight == 64);
}

TEST_CASE("relay: a receiver that becomes slow, or fails, gets fewer", "[relay]") {
  RelayWorld world;
  put_many(world, 10'000, "a");
  world.wake();
  while (world.client.in_flight() < 64) {
    REQUIRE(world.client.answer_all(204) > 0);
    world.turns(2);
  }
  for (int round = 0; round < 3; ++round) {
    world.advance(world.options.pace.prompt_ms + 1);
    world.client.answer_all(204);
    world.turns(2);
  }
  CHECK(world.client.in_flight() == 16);
  world.reply("a", 429);
  CHECK(world.client.in_flight() == 15);  // those that are on their way; at most 8 from now on
  world.client.answer_all(429);
  world.turns(2);
  CHECK(world.client.in_flight() == 1);
}

// Five entries and a destination that has just been found to fail.
struct FailingWorld : RelayWorld {
  explicit FailingWorld(const RelayOptions& with = {}, int entries = 200) : RelayWorld(with) {
    put_many(*this, entries, "a");
    wake();
    while (client.in_flight() > 0) fail("a");
  }
};

RelayOptions one_by_one() {
  RelayOptions options;
  options.pace.max = 1;
  return options;
}

TEST_CASE("relay: a destination that fails is asked about one entry now and then", "[relay]") {
  FailingWorld world(one_by_one());
  REQUIRE(world.relay->status().failing_destinations == 1);
  CHECK(world.sent() == 5);
  world.later(499);
  CHECK(world.client.in_flight() == 1);
  std::int64_t gap = 0;
  for (int i = 0; i < 12; ++i) {
    world.fail("a");
    const auto begun = world.clock.now_ms();
    while (world.client.in_flight() == 0) world.later(10);
    CHECK(world.client.in_flight() == 1);
    CHECK(world.clock.now_ms() - begun >= gap);
    gap = world.clock.now_ms() - begun;
    REQUIRE(gap <= world.options.retry.delay_max_ms);
  }
  CHECK(gap > world.options.retry.delay_max_ms / 2);
  CHECK(world.answered);
}

TEST_CASE("relay: a failing destination that answers gets more and more", "[relay]") {
  FailingWorld world;
  while (world.client.in_flight() == 0) world.later(10);
  CHECK(world.client.in_flight() == 1);
  world.reply("a", 204);
  CHECK(world.relay->status().failing_destinations == 0);
  CHECK(world.client.in_flight() == 2);
  for (int round = 0; round < 3; ++round) {
    world.client.answer_all(204);
    world.turns(2);
  }
  CHECK(world.client.in_flight() == 16);
}

TEST_CASE("relay: a refusal shows that the destination works", "[relay]") {
  FailingWorld world;
  while (world.client.in_flight() == 0) world.later(10);
  world.reply("a", 410);
  CHECK(world.relay->status().failing_destinations == 0);
}

// Each of the requests that were in flight together doubled the wait: a receiver that restarted was
// left alone for a minute.
TEST_CASE("relay: failures that come together are one step of backoff", "[relay]") {
  RelayWorld world;
  put_many(world, 200, "a");
  world.wake();
  REQUIRE(world.client.in_flight() == 16);
  while (world.client.break_off("")) continue;
  world.turns(2);
  CHECK(world.sent() == 16);
  CHECK(world.relay->status().failing_destinations == 1);
  world.later(world.options.retry.first_delay_ms);
  CHECK(world.client.in_flight() == 1);
}

TEST_CASE("relay: two destinations of one host fail apart", "[relay]") {
  RelayWorld world;
  for (int i = 0; i < 5; ++i) world.outbox.put("x" + std::to_string(i), "http://h.example/1");
  world.outbox.put("y", "http://h.example:81/1");
  world.wake();
  for (int i = 0; i < 5; ++i) world.client.break_off("http://h.example/");
  world.turns(2);
  CHECK(world.relay->status().failing_destinations == 1);
  world.outbox.put("z", "http://H.example:81/2");
  world.wake();
  CHECK(world.client.in_flight("http://H.example:81/") == 1);
}

TEST_CASE("relay: entries of a failing destination grow old unasked", "[relay]") {
  auto options = one_by_one();
  options.retry.give_up_after_ms = 60'000;
  FailingWorld world(options);
  for (int i = 0; i < 20 && world.relay->status().pending > 0; ++i) {
    world.client.break_off("");
    world.later(60'000);
  }
  CHECK(world.relay->status().pending == 0);
  CHECK(world.sent() < 30);
  CHECK(world.outbox.settled.back().kind == Outcome::Kind::kDead);
  CHECK(world.outbox.owed("a199")->last_error == "its destination did not answer");
  world.turns(2);
  CHECK(world.relay->status().failing_destinations == 0);  // nobody waits for it any more
}

TEST_CASE("relay: what is replaced while its destination fails goes when it answers", "[relay]") {
  FailingWorld world(one_by_one(), 20);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) world.put("a" + std::to_string(i), "a");
    world.relay->wake();
    world.turns(1);
  }
  for (int i = 0; i < 10'000 && world.outbox.size() > 0; ++i) {
    world.client.answer("", 204);
    world.later(10);
  }
  CHECK(world.outbox.size() == 0);
  CHECK(world.relay->status().pending == 0);
  CHECK(world.sent() <= 5 + 20 + 5);  // the newest of each, and a few probes
}

}  // namespace
}  // namespace mx2::notifier
