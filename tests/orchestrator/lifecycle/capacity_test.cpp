// The capacity function: what makes it add and remove, and what must not.
#include "orchestrator/lifecycle/capacity.h"

#include <random>
#include <set>

#include "tests/catch.h"

namespace mx2::capacity {
namespace {

constexpr std::int64_t kRoundMs = 10'000;

// One app on one host, round after round; what is decided is there at the next round.
struct Loop {
  Options options;
  Inputs in;
  std::optional<State> state;
  std::int64_t now_ms = 1'000'000;
  int changes = 0;
  Reason reason = Reason::kSteady;

  explicit Loop(Options with = {}) : options(with) {
    in.in_flight = 0;
    in.request_rate = 0;
  }
  std::int64_t step(std::int64_t passed_ms = kRoundMs) {
    now_ms += passed_ms;
    const auto decision = decide(in, options, state, now_ms);
    if (decision.desired != in.ready) ++changes;
    in.ready = decision.desired;
    state = decision.state;
    reason = decision.reason;
    return decision.desired;
  }
  std::int64_t steps(int count) {
    while (--count > 0) step();
    return step();
  }
};

TEST_CASE("capacity: clients that do nothing yet have an instance", "[capacity]") {
  Loop loop;
  CHECK(loop.step() == 0);
  loop.in.clients = 1;
  CHECK(loop.step() == 1);
  CHECK(loop.reason == Reason::kClients);
  CHECK(loop.steps(100) == 1);
  CHECK(loop.reason == Reason::kSteady);
}

TEST_CASE("capacity: more clients, more instances; fewer only well below", "[capacity]") {
  Loop loop;
  loop.in.clients = 250;
  CHECK(loop.step() == 3);
  CHECK(loop.reason == Reason::kClients);
  loop.in.clients = 190;
  CHECK(loop.steps(20) == 3);
  CHECK(loop.reason == Reason::kSteady);
  loop.in.clients = 120;
  CHECK(loop.steps(20) == 2);
  loop.in.clients = 5000;
  CHECK(loop.step() == 16);
  CHECK(loop.reason == Reason::kMaximum);
}

TEST_CASE("capacity: requests at the same time", "[capacity]") {
  Loop loop({.average_half_life_ms = 1, .peak_half_life_ms = 30'000});
  loop.in.clients = 10;
  loop.in.ready = 1;
  loop.in.in_flight = 3.2;
  CHECK(loop.step() == 1);
  loop.in.in_flight = 3.3;
  CHECK(loop.step() == 2);
  CHECK(loop.reason == Reason::kInFlight);
  loop.in.in_flight = 0;
  loop.in.request_rate = 200;
  loop.in.p50_ms = 50;  // Little: ten at the same time
  CHECK(loop.step() == 4);
  loop.in.request_rate = 1;
  CHECK(loop.step() == 4);
  CHECK(loop.steps(30) == 1);
}

TEST_CASE("capacity: a rise is averaged, a burst is not", "[capacity]") {
  Loop loop;
  loop.in.clients = 10;
  CHECK(loop.steps(10) == 1);
  loop.in.in_flight = 6;
  CHECK(loop.step() == 1);
  CHECK(loop.steps(10) == 2);
  loop.in.in_flight = 40;
  CHECK(loop.step() == 7);
}

TEST_CASE("capacity: latency counts when requests wait for each other", "[capacity]") {
  Loop loop({.average_half_life_ms = 1, .peak_half_life_ms = 30'000});
  loop.in.clients = 10;
  loop.in.ready = 2;
  loop.in.in_flight = 1;
  loop.in.request_rate = 5;
  loop.in.required_ms = 50;
  loop.in.p95_ms = 500;
  CHECK(loop.step() == 2);  // one request alone takes too long: more would not help
  loop.in.in_flight = 2.5;
  CHECK(loop.step() == 4);  // at most twice as many
  CHECK(loop.reason == Reason::kLatency);
  loop.in.in_flight = 4.5;
  loop.in.p95_ms = 60;
  loop.in.ready = 3;  // one is still to come
  loop.in.starting = 1;
  const auto waiting = decide(loop.in, loop.options, loop.state, loop.now_ms + kRoundMs);
  CHECK(waiting.desired == 4);
  loop.in.starting = 0;
  loop.in.ready = 4;
  CHECK(loop.step() == 5);
  loop.in.in_flight = 0.1;
  loop.in.p95_ms = 40;  // not far below what is required
  CHECK(loop.steps(30) == 5);
  loop.in.p95_ms = 20;
  CHECK(loop.steps(30) == 1);
  CHECK(loop.state->desired == 1);
}

TEST_CASE("capacity: unknown is not zero", "[capacity]") {
  Loop loop;
  loop.in.clients = 10;
  loop.in.in_flight = 12;
  CHECK(loop.step() == 4);
  loop.in.in_flight.reset();
  loop.in.request_rate.reset();
  CHECK(loop.steps(50) == 4);
  CHECK(loop.reason == Reason::kSteady);
  loop.in.clients = 0;
  CHECK(loop.steps(59) == 4);
  CHECK(loop.steps(3) == 0);
  CHECK(loop.reason == Reason::kIdle);
}

TEST_CASE("capacity: the last context gone starts a timer", "[capacity]") {
  Loop loop;
  loop.in.clients = 1;
  CHECK(loop.steps(30) == 1);
  loop.in.clients = 0;
  CHECK(loop.steps(6) == 1);
  CHECK(loop.step() == 0);
  CHECK(loop.reason == Reason::kIdle);
  loop.in.clients = 1;
  CHECK(loop.step(1) == 1);  // nobody waits for a cool-down
  loop.in.clients = 0;
  loop.steps(4);
  loop.in.in_flight = 1;  // somebody calls it without a context
  loop.step();
  loop.in.in_flight = 0;
  CHECK(loop.steps(6) == 1);
  CHECK(loop.steps(2) == 0);
}

TEST_CASE("capacity: where scale to zero is not allowed", "[capacity]") {
  Loop loop({.scale_to_zero = false});
  CHECK(loop.steps(30) == 0);  // none without a reason
  loop.in.clients = 300;
  CHECK(loop.step() == 3);
  loop.in.clients = 0;
  CHECK(loop.steps(30) == 1);
}

TEST_CASE("capacity: minimum, maximum and spare", "[capacity]") {
  Loop least({.instances_min = 2});
  CHECK(least.step() == 2);
  CHECK(least.reason == Reason::kMinimum);
  CHECK(least.steps(30) == 2);
  Loop most({.instances_max = 2});
  most.in.ready = 7;
  most.in.in_flight = 40;
  CHECK(most.step() == 2);
  CHECK(most.reason == Reason::kMaximum);
  Loop spare({.warm_spare = 1});
  CHECK(spare.step() == 0);
  spare.in.clients = 101;
  CHECK(spare.step() == 3);
  CHECK(spare.reason == Reason::kWarmSpare);
  spare.in.clients = 0;
  CHECK(spare.steps(30) == 0);
}

TEST_CASE("capacity: cool-down", "[capacity]") {
  Loop loop;
  loop.in.clients = 150;
  CHECK(loop.step(1000) == 2);
  loop.in.clients = 450;
  CHECK(loop.step(9999) == 2);
  CHECK(loop.reason == Reason::kCoolDown);
  CHECK(loop.step(1) == 5);
  loop.in.clients = 1;
  CHECK(loop.step(59'999) == 5);
  CHECK(loop.reason == Reason::kCoolDown);
  CHECK(loop.step(1) == 1);
  CHECK(loop.reason == Reason::kLowLoad);
}

TEST_CASE("capacity: a host that accepts nothing more", "[capacity]") {
  Loop loop({.instances_min = 1});
  loop.in.clients = 150;
  CHECK(loop.step() == 2);
  loop.in.accepts = false;
  loop.in.clients = 900;
  CHECK(loop.step() == 2);
  CHECK(loop.reason == Reason::kClosed);
  loop.in.clients = 0;
  CHECK(loop.steps(10) == 0);  // the minimum does not hold
}

TEST_CASE("capacity: an instance that died is wanted still", "[capacity]") {
  Loop loop;
  loop.in.clients = 250;
  CHECK(loop.step() == 3);
  loop.in.clients = 190;
  loop.in.ready = 1;
  CHECK(loop.step() == 3);
}

TEST_CASE("capacity: noise does not make it flap", "[capacity]") {
  std::mt19937 random(1);
  for (const double mean : {0.5, 1.6, 3.2, 6.4, 9.6, 20.0, 40.0}) {
    CAPTURE(mean);
    Loop loop;
    loop.in.clients = 20;
    std::poisson_distribution<int> in_flight(mean);
    for (int i = 0; i < 100; ++i) {
      loop.in.in_flight = in_flight(random);
      loop.step();
    }
    loop.changes = 0;
    for (int i = 0; i < 8640; ++i) {  // a day
      loop.in.in_flight = in_flight(random);
      loop.step();
      CHECK(loop.in.ready * loop.options.in_flight_per_instance >= mean);
    }
    CHECK(loop.changes <= 60);
  }
}

TEST_CASE("capacity: clients that come and go at a threshold", "[capacity]") {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> clients(95, 105);
  Loop loop;
  for (int i = 0; i < 1000; ++i) {
    loop.in.clients = clients(random);
    loop.step();
  }
  CHECK(loop.changes == 2);  // the first, and the second for ever
  std::uniform_int_distribution<int> few(0, 1);
  Loop rare;
  for (int i = 0; i < 1000; ++i) {
    rare.in.clients = few(random);
    rare.step();
  }
  CHECK(rare.changes <= 24);  // seven rounds in a row without a client are rare
}

TEST_CASE("capacity: noisy latency about what is required", "[capacity]") {
  std::mt19937 random(3);
  std::lognormal_distribution<double> noise(0, 0.3);
  Loop loop;
  loop.in.clients = 10;
  loop.in.required_ms = 50;
  loop.in.request_rate = 40;
  int later = 0;
  for (int i = 0; i < 2000; ++i) {
    // What 6 requests at the same time cost when instances share them.
    const double each = 6.0 / std::max<double>(1.0, static_cast<double>(loop.in.ready));
    loop.in.in_flight = 6;
    loop.in.p95_ms = 12 * each * noise(random);
    const auto before = loop.in.ready;
    loop.step();
    if (i > 200 && loop.in.ready != before) ++later;
  }
  CHECK(later <= 20);
  CHECK(loop.in.ready >= 2);
  CHECK(loop.in.ready <= 6);
}

TEST_CASE("capacity: a ramp is followed up and down without a step back", "[capacity]") {
  Loop loop;
  std::int64_t last = 0;
  for (int clients = 0; clients <= 1000; clients += 10) {
    loop.in.clients = clients;
    CHECK(loop.step() >= last);
    last = loop.in.ready;
    CHECK(last * 100 >= clients);
  }
  for (int clients = 1000; clients >= 0; clients -= 5) {
    loop.in.clients = clients;
    CHECK(loop.step() <= last);
    last = loop.in.ready;
    CHECK(last * 100 >= clients);
  }
  CHECK(loop.steps(10) == 0);
}

TEST_CASE("capacity: absurd numbers stay within the limits", "[capacity][hostile]") {
  for (const double number : {0.0, 1e-300, 1e9, 1e300}) {
    Loop loop;
    loop.in.clients = 1'000'000'000;
    loop.in.in_flight = number;
    loop.in.request_rate = number;
    loop.in.p50_ms = number;
    loop.in.p95_ms = number;
    loop.in.required_ms = number;
    for (int i = 0; i < 10; ++i) {
      CHECK(loop.step() <= loop.options.instances_max);
      CHECK(loop.in.ready >= 1);
    }
  }
}

TEST_CASE("capacity: many pairs, each by its own options, forgotten when gone", "[capacity]") {
  Policy policy;
  policy.of_app["big"].clients_per_instance = 1000;
  std::vector<Inputs> inputs(3);
  inputs[0].app_d_id = "big";
  inputs[1].app_d_id = inputs[2].app_d_id = "small";
  inputs[0].host_id = inputs[1].host_id = "a";
  inputs[2].host_id = "b";
  inputs[0].clients = inputs[1].clients = 500;
  const auto plan = desired_instances(inputs, policy, {}, 1000);
  REQUIRE(plan.decisions.size() == 3);
  CHECK(plan.decisions[0].desired == 1);
  CHECK(plan.decisions[1].desired == 5);
  CHECK(plan.decisions[2].desired == 0);
  CHECK(plan.states.at("a").size() == 2);
  const auto again = desired_instances(inputs, policy, plan.states, 2000);
  CHECK(again.decisions[1].desired == 5);
  CHECK(again.decisions[1].reason == Reason::kSteady);
  inputs.resize(1);
  const auto fewer = desired_instances(inputs, policy, again.states, 3000);
  CHECK(fewer.states.size() == 1);
  CHECK(fewer.states.at("a").count("small") == 0);
}

TEST_CASE("capacity: reasons have names", "[capacity]") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Reason::kClosed); ++i) {
    names.insert(to_text(static_cast<Reason>(i)));
  }
  CHECK(names.size() == static_cast<std::size_t>(Reason::kClosed) + 1);
}

}  // namespace
}  // namespace mx2::capacity
