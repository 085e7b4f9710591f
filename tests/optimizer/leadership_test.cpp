#include "optimizer/leadership.h"

#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"
#include "tests/support/manual_clock.h"

namespace mx2::optimizer {
namespace {

constexpr int kLeaseMs = 900;

struct Pair {
  test::FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  Leadership first{{orchestrator, {}}, "first", kLeaseMs, clock};
  Leadership second{{orchestrator, {}}, "second", kLeaseMs, clock};
};

TEST_CASE("leadership: one leads, the other stands by and knows who does", "[leadership]") {
  Pair pair;
  CHECK_FALSE(pair.first.state().leads);
  CHECK(pair.first.step() == kLeaseMs / 3);
  CHECK(pair.first.state().leads);
  CHECK(pair.second.step() == kLeaseMs / 3);
  CHECK_FALSE(pair.second.state().leads);
  CHECK(pair.second.state().holder == "first");
  CHECK(pair.second.state().url == "http://first");
}

TEST_CASE("leadership: the other takes over when the lease ends or is released", "[leadership]") {
  Pair pair;
  (void)pair.first.step();
  (void)pair.second.step();
  pair.first.release();
  CHECK_FALSE(pair.first.state().leads);
  (void)pair.second.step();
  CHECK(pair.second.state().leads);
  pair.orchestrator.holder = "third";
  (void)pair.second.step();
  CHECK_FALSE(pair.second.state().leads);
}

TEST_CASE("leadership: a lease that cannot be renewed ends by itself", "[leadership]") {
  Pair pair;
  (void)pair.first.step();
  pair.orchestrator.down = true;
  pair.clock.advance(kLeaseMs - 1);
  (void)pair.first.step();
  CHECK(pair.first.state().leads);
  pair.clock.advance(1);
  CHECK_FALSE(pair.first.state().leads);
  (void)pair.first.step();
  pair.orchestrator.down = false;
  (void)pair.first.step();
  CHECK(pair.first.state().leads);
}

TEST_CASE("leadership: a pause is learned with the lease, by who stands by as well",
          "[leadership]") {
  Pair pair;
  pair.orchestrator.paused = true;
  (void)pair.first.step();
  (void)pair.second.step();
  CHECK(pair.first.paused());
  CHECK(pair.second.paused());
  pair.first.release();
  CHECK(pair.first.paused());  // also while nothing is known of leases
}

}  // namespace
}  // namespace mx2::optimizer
