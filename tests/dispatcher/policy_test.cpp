// The selection policies, rule by rule (ServerlessOnEdge: edgerouter and edgedispatcher).
#include "dispatcher/policy.h"

#include <cmath>

#include "tests/catch.h"

namespace mx2::dispatcher {
namespace {

// Destinations whose response times the test says.
class Bench {
 public:
  Bench(const std::string& policy, std::size_t n, double alpha = 0)
      : policy_(make_policy(policy, {alpha, 10'000})), measured_(n) {
    for (auto& m : measured_) candidates_.push_back(&m);
  }

  void answers(std::size_t which, double seconds, std::int64_t now_ms, double bytes = 0,
               double load = 1) {
    policy_->observe(candidates_, which, {seconds, bytes, load, false}, now_ms);
  }
  void fails(std::size_t which, std::int64_t now_ms) {
    policy_->observe(candidates_, which, {0, 0, 1, true}, now_ms);
  }
  std::vector<Share> shares(std::int64_t now_ms = 0, double bytes = 0, double in_flight = 1) {
    return policy_->shares(candidates_, {bytes, in_flight, now_ms});
  }
  Measured& operator[](std::size_t i) { return measured_[i]; }

 private:
  std::unique_ptr<Policy> policy_;
  std::vector<Measured> measured_;
  Candidates candidates_;
};

TEST_CASE("A new response time counts by 1-α, or alone when the one before is old", "[policy]") {
  Measured m;
  take(m, {0.100, 0, 1, false}, 0.95, 0);
  CHECK(m.seconds == Approx(0.100));
  take(m, {0.200, 0, 1, false}, 0.95, 4999);
  CHECK(m.seconds == Approx(0.05 * 0.200 + 0.95 * 0.100));
  take(m, {0.300, 0, 1, false}, 0.95, 4999 + 5000);
  CHECK(m.seconds == Approx(0.300));
}

TEST_CASE("Who fails fast does not look good, and one failure is forgiven", "[policy]") {
  Measured m;
  take(m, {0.100, 0, 1, false}, 0.95, 0);
  take(m, {0.001, 0, 1, true}, 0.95, 1);
  CHECK(m.seconds == Approx(0.100));
  CHECK(m.impedance() == Approx(0.100 / 0.9));
  for (int i = 0; i < 100; ++i) take(m, {0.001, 0, 1, true}, 0.95, 2);
  CHECK(m.impedance() == Approx(10.0).epsilon(0.01));
  for (int i = 0; i < 30; ++i) take(m, {0.100, 0, 1, false}, 0.95, 3);
  CHECK(m.impedance() == Approx(0.100).epsilon(0.05));
}

TEST_CASE("least-impedance takes the least", "[policy]") {
  Bench bench("least-impedance", 3);
  bench.answers(0, 0.3, 0);
  bench.answers(1, 0.1, 0);
  bench.answers(2, 0.2, 0);
  CHECK(bench.shares()[1].share == 1);
  bench.answers(1, 0.5, 1);
  CHECK(bench.shares()[2].share == 1);
}

TEST_CASE("random-proportional gives shares by 1/w", "[policy]") {
  Bench bench("random-proportional", 2);
  bench.answers(0, 0.3, 0);
  bench.answers(1, 0.1, 0);
  CHECK(bench.shares()[0].share == Approx(0.25));
  CHECK(bench.shares()[1].share == Approx(0.75));
}

TEST_CASE("deficit-round-robin gives shares by 1/w in the long run", "[policy]") {
  Bench bench("deficit-round-robin", 3);
  bench.answers(0, 0.10, 0);
  bench.answers(1, 0.15, 0);
  bench.answers(2, 0.20, 0);
  const auto shares = bench.shares(1);
  CHECK(shares[0].share / shares[1].share == Approx(1.5));
  CHECK(shares[0].share / shares[2].share == Approx(2.0));
}

TEST_CASE("deficit-round-robin uses who takes at most twice the least", "[policy]") {
  Bench bench("deficit-round-robin", 3);
  bench.answers(0, 0.10, 0);
  bench.answers(1, 0.20, 0);
  bench.answers(2, 0.21, 0);
  CHECK(bench.shares(1)[1].share > 0);
  CHECK(bench.shares(1)[2].share == 0);
}

TEST_CASE("deficit-round-robin uses who was never used", "[policy]") {
  Bench bench("deficit-round-robin", 2);
  bench.answers(0, 0.01, 0);
  CHECK(bench[1].updated_ms == Measured::kNever);
  CHECK(bench.shares(0)[1].share > 0);
  bench.answers(1, 0.5, 1);
  CHECK(bench.shares(1)[1].share == 0);
}

TEST_CASE("deficit-round-robin probes after 1 s, 2 s, … 30 s, and after 1 s again", "[policy]") {
  Bench bench("deficit-round-robin", 2);
  bench.answers(0, 0.1, 0);
  bench.answers(1, 1.0, 0);
  std::int64_t now_ms = 0;
  for (const std::int64_t pause_ms : {1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    CAPTURE(pause_ms);
    CHECK_FALSE(bench.shares(now_ms + pause_ms - 1)[1].probe);
    now_ms += pause_ms;
    REQUIRE(bench.shares(now_ms)[1].probe);
    CHECK(bench.shares(now_ms)[1].share == 0);
    bench.answers(1, 1.0, now_ms);  // still bad
    bench.answers(0, 0.1, now_ms);
  }
  now_ms += 30'000;
  REQUIRE(bench.shares(now_ms)[1].probe);
  bench.answers(1, 0.1, now_ms);
  CHECK(bench.shares(now_ms)[1].share == Approx(0.5));
  bench.answers(1, 1.0, now_ms);
  CHECK(bench.shares(now_ms + 1000)[1].probe);
}

TEST_CASE("A straight line is fitted to the last 50 samples that are not stale", "[policy]") {
  LinearFit fit;
  CHECK(fit.line(0, 10'000).at(5) == 0);
  fit.add(3, 7, 0);
  CHECK(fit.line(0, 10'000).at(100) == Approx(7));  // one sample: the mean
  fit.add(3, 9, 0);
  CHECK(fit.line(0, 10'000).at(100) == Approx(8));  // equal x: the mean
  for (int x = 0; x < 50; ++x) fit.add(x, 2 + 0.5 * x, 100);
  CHECK(fit.line(100, 10'000).a == Approx(2));  // the first two are out of the window
  CHECK(fit.line(100, 10'000).b == Approx(0.5));
  fit.add(1, 100, 11'000);
  CHECK(fit.line(11'000, 10'000).at(1) == Approx(100));  // the others are stale
  CHECK(fit.is_empty(21'001, 10'000));
  CHECK_FALSE(fit.is_empty(21'000, 10'000));
}

TEST_CASE("predicted knows that size matters more to one than to the other", "[policy]") {
  Bench bench("predicted", 2);
  for (int i = 1; i <= 20; ++i) {
    bench.answers(0, 0.001 + 1e-6 * i * 1000, i, i * 1000);  // near and slow
    bench.answers(1, 0.020 + 1e-7 * i * 1000, i, i * 1000);  // far and fast
  }
  CHECK(bench.shares(20, 1000)[0].share > 0.99);
  CHECK(bench.shares(20, 100'000)[1].share > 0.99);
}

TEST_CASE("predicted takes whom nobody knows, and shares in balance", "[policy]") {
  Bench bench("predicted", 3);
  for (int i = 1; i <= 40; ++i) {
    const int load = 1 + i % 8;
    bench.answers(0, 0.010 * load, i, 0, load);
    bench.answers(1, 0.020 * load, i, 0, load);
  }
  const auto shares = bench.shares(40, 0, 12);
  CHECK(shares[2].probe);
  CHECK(shares[2].share == 0);
  // 8 calls at one take as long as 4 at the other.
  CHECK(shares[0].share == Approx(2.0 / 3).margin(0.02));
  CHECK(shares[1].share == Approx(1.0 / 3).margin(0.02));
}

TEST_CASE("two-choices leaves the choice to the data plane", "[policy]") {
  Bench bench("two-choices", 3);
  for (std::size_t i = 0; i < 3; ++i) bench[i].load = double(i);
  for (const auto& share : bench.shares()) CHECK(share.share == Approx(1.0 / 3));
}

TEST_CASE("There is no policy of another name", "[policy]") {
  CHECK(make_policy("round-robin", {}) == nullptr);
}

}  // namespace
}  // namespace mx2::dispatcher
