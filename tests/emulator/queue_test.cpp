// The processor model against what queueing theory says of it.
#include <cmath>
#include <vector>

#include "emulator/processor.h"
#include "emulator/random.h"
#include "tests/catch.h"

namespace mx2::emulator {
namespace {

struct Station {
  ProcessorSpec processor;
  int workers = 1;
  double rate = 1;       // Poisson arrivals a second
  double service_s = 1;  // mean, on an idle core
  bool exponential = true;
};

struct Interval {
  double mean = 0;
  double half = 0;
  [[nodiscard]] bool contains(double value) const { return std::abs(value - mean) <= half; }
};

constexpr int kReplicas = 30;
constexpr double kStudent999 = 3.659;  // 99.9 %, 29 degrees of freedom

// Mean time in the station of the customers after a warm-up.
double mean_response(const Station& station, std::uint64_t seed) {
  constexpr std::uint32_t kCustomers = 40'000;
  constexpr std::uint32_t kWarmup = 4'000;
  Processor processor(station.processor, {station.workers});
  Stream arrivals(seed, Purpose::kTraffic, 0);
  Stream sizes(seed, Purpose::kSize, 0);
  std::vector<Time> begun(kCustomers);
  std::vector<std::uint32_t> done;
  double sum = 0;
  const auto complete = [&](Time now) {
    done.clear();
    processor.complete(now, done);
    for (const auto id : done) sum += id < kWarmup ? 0 : to_seconds(now - begun[id]);
  };
  double at = 0;
  for (std::uint32_t id = 0; id < kCustomers; ++id) {
    at += arrivals.exponential(1 / station.rate);
    const auto now = from_seconds(at);
    while (processor.next_completion() <= now) complete(processor.next_completion());
    begun[id] = now;
    const auto seconds =
        station.exponential ? sizes.exponential(station.service_s) : station.service_s;
    REQUIRE(processor.submit(now, 0, {id, seconds * station.processor.speed, 0}));
  }
  while (processor.next_completion() != kNever) complete(processor.next_completion());
  return sum / (kCustomers - kWarmup);
}

Interval measure(const Station& station) {
  double sum = 0;
  double squares = 0;
  for (int seed = 1; seed <= kReplicas; ++seed) {
    const auto mean = mean_response(station, static_cast<std::uint64_t>(seed));
    sum += mean;
    squares += mean * mean;
  }
  const auto mean = sum / kReplicas;
  const auto variance = (squares - sum * mean) / (kReplicas - 1);
  const auto half = kStudent999 * std::sqrt(variance / kReplicas);
  INFO("mean " << mean << " ± " << half);
  CHECK(half < 0.05 * mean);  // else agreement would mean little
  return {mean, half};
}

// Erlang's C: the share of customers that must wait with c servers and offered load a.
double erlang_c(int c, double a) {
  double term = 1;
  double sum = 0;
  for (int k = 0; k < c; ++k) {
    sum += term;
    term *= a / (k + 1);
  }
  const auto waiting = term * c / (c - a);
  return waiting / (sum + waiting);
}

}  // namespace

TEST_CASE("M/M/1 with processor sharing takes s / (1 - rho)") {
  for (const double rho : {0.3, 0.6, 0.8}) {
    INFO("rho " << rho);
    CHECK(measure({{1e9, 1, 1e9}, 1'000'000, rho, 1, true}).contains(1 / (1 - rho)));
  }
}

TEST_CASE("With processor sharing the distribution of sizes does not matter") {
  CHECK(measure({{1e9, 1, 1e9}, 1'000'000, 0.7, 1, false}).contains(1 / (1 - 0.7)));
}

TEST_CASE("M/M/1 and M/D/1, one worker, are as Pollaczek and Khinchine say") {
  const double rho = 0.7;
  CHECK(measure({{1e9, 1, 1e9}, 1, rho, 1, true}).contains(1 + rho / (1 - rho)));
  CHECK(measure({{1e9, 1, 1e9}, 1, rho, 1, false}).contains(1 + rho / (2 * (1 - rho))));
}

TEST_CASE("M/M/4, a core for each worker, is as Erlang says") {
  const double load = 2.8;  // of 4
  const auto expected = 1 + erlang_c(4, load) / (4 - load);
  CHECK(measure({{1e9, 4, 1e9}, 4, load, 1, true}).contains(expected));
}

}  // namespace mx2::emulator
