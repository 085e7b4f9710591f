// Which of several domains is called, and for how long one that fails is left alone.
#include "mx2-client/src/domain_ranking.h"

#include "tests/catch.h"

namespace mx2::test {
namespace {

using device::DomainRanking;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Order = std::vector<std::size_t>;

const DomainRanking::Time kStart{std::chrono::hours(1)};

TEST_CASE("ranking: the fastest confirmed domain, the earlier of equals", "[client][domains]") {
  DomainRanking ranking(3, 0.2);
  CHECK_FALSE(ranking.current());
  CHECK(ranking.order().empty());
  ranking.measured(2, microseconds(900), kStart);
  CHECK(ranking.current() == 2);
  ranking.measured(0, microseconds(800), kStart);  // not faster by a fifth
  CHECK(ranking.current() == 2);
  CHECK(ranking.order() == Order{2, 0});
  ranking.measured(1, microseconds(100), kStart);
  CHECK(ranking.current() == 1);
  CHECK(ranking.order() == Order{1, 0, 2});
  ranking.measured(1, std::nullopt, kStart);
  CHECK(ranking.order() == Order{0, 2});
  DomainRanking equals(2, 0);
  equals.measured(1, microseconds(5), kStart);
  equals.measured(0, microseconds(5), kStart);
  CHECK(equals.current() == 1);
  equals.measured(1, std::nullopt, kStart);
  equals.measured(1, microseconds(5), kStart);
  CHECK(equals.current() == 0);
}

TEST_CASE("ranking: latency is smoothed, one slow answer moves nobody", "[client][domains]") {
  DomainRanking ranking(2, 0.2);
  ranking.measured(0, microseconds(100), kStart);
  ranking.measured(1, microseconds(200), kStart);
  ranking.measured(0, microseconds(300), kStart);
  CHECK(ranking.latency(0) == microseconds(150));
  CHECK(ranking.current() == 0);
  for (int i = 0; i < 10; ++i) ranking.measured(0, microseconds(400), kStart);
  CHECK(ranking.current() == 1);
}

TEST_CASE("ranking: who fails a call is left alone, longer each time", "[client][domains]") {
  DomainRanking ranking(2, 0.2);
  const auto measure = [&](DomainRanking::Time now) {
    ranking.measured(0, microseconds(100), now);
    ranking.measured(1, microseconds(900), now);
  };
  auto now = kStart;
  measure(now);
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    CHECK(ranking.current() == 0);
    ranking.called(0, false, now, now);
    CHECK(ranking.current() == 1);
    measure(now + std::chrono::seconds(seconds) - milliseconds(1));
    CHECK(ranking.current() == 1);
    now += std::chrono::seconds(seconds);
    measure(now);
  }
  ranking.called(0, true, now, now);
  ranking.called(0, false, now, now);
  now += std::chrono::seconds(1);
  measure(now);
  CHECK(ranking.current() == 0);
  ranking.called(0, false, now, now);
  ranking.called(1, false, now, now);
  CHECK_FALSE(ranking.current());
}

TEST_CASE("ranking: calls that fail together are one failure", "[client][domains]") {
  DomainRanking ranking(1, 0.2);
  const std::chrono::seconds second(1);
  ranking.measured(0, microseconds(100), kStart);
  for (int i = 0; i < 6; ++i) ranking.called(0, false, kStart, kStart + milliseconds(i));
  ranking.measured(0, microseconds(100), kStart + second);
  CHECK(ranking.current() == 0);
  // It began with the others and took longer.
  ranking.called(0, false, kStart, kStart + 5 * second);
  CHECK(ranking.current() == 0);
  ranking.called(0, false, kStart + 5 * second, kStart + 5 * second);
  ranking.measured(0, microseconds(100), kStart + 7 * second - milliseconds(1));
  CHECK_FALSE(ranking.current());
  ranking.measured(0, microseconds(100), kStart + 7 * second);
  CHECK(ranking.current() == 0);
}

TEST_CASE("ranking: a good call ends the time for which a domain is left alone",
          "[client][domains]") {
  DomainRanking ranking(1, 0.2);
  ranking.measured(0, microseconds(100), kStart);
  ranking.called(0, false, kStart, kStart);
  ranking.called(0, true, kStart, kStart + milliseconds(1));
  ranking.measured(0, microseconds(100), kStart + milliseconds(2));
  CHECK(ranking.current() == 0);
}

}  // namespace
}  // namespace mx2::test
