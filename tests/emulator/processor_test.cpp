#include "emulator/processor.h"

#include <map>

#include "tests/catch.h"

namespace mx2::emulator {
namespace {

// The prototype's "raspberry" and its λ with 10 000 bytes.
constexpr double kOps = 4e6 + 1e6 * 10'000;
constexpr double kAloneMs = 100.04;

Task task(std::uint32_t id, double ops = kOps, double memory = 0) { return {id, ops, memory}; }

// When each task is complete, in ms.
std::map<std::uint32_t, double> run(Processor& processor) {
  std::map<std::uint32_t, double> ends;
  std::vector<std::uint32_t> done;
  while (processor.next_completion() != kNever) {
    const auto now = processor.next_completion();
    done.clear();
    processor.complete(now, done);
    for (const auto id : done) ends[id] = to_seconds(now) * 1e3;
  }
  return ends;
}

}  // namespace

TEST_CASE("A call alone takes its operations divided by the speed") {
  Processor processor({1e11, 4, 1e9}, {4});
  REQUIRE(processor.submit(0, 0, task(1)));
  CHECK(run(processor).at(1) == Approx(kAloneMs));
}

TEST_CASE("Of eight calls at once with four workers, four wait for the others") {
  Processor processor({1e11, 4, 1e9}, {4});
  for (std::uint32_t id = 0; id < 8; ++id) REQUIRE(processor.submit(0, 0, task(id)));
  CHECK(processor.running() == 4);
  CHECK(processor.waiting() == 4);
  const auto ends = run(processor);
  for (std::uint32_t id = 0; id < 4; ++id) CHECK(ends.at(id) == Approx(kAloneMs));
  for (std::uint32_t id = 4; id < 8; ++id) CHECK(ends.at(id) == Approx(2 * kAloneMs));
}

TEST_CASE("More calls than cores share them, whatever their container") {
  Processor processor({1e11, 4, 1e9}, {4, 4});
  for (std::uint32_t id = 0; id < 8; ++id) REQUIRE(processor.submit(0, id % 2, task(id)));
  CHECK(processor.running() == 8);
  for (const auto& [id, end] : run(processor)) CHECK(end == Approx(2 * kAloneMs));
}

TEST_CASE("One call cannot use two cores") {
  Processor one({1e11, 1, 1e9}, {4});
  Processor four({1e11, 4, 1e9}, {4});
  REQUIRE(one.submit(0, 0, task(1)));
  REQUIRE(four.submit(0, 0, task(1)));
  CHECK(run(one).at(1) == run(four).at(1));
}

TEST_CASE("A newcomer slows those who are there from then on") {
  Processor processor({1e9, 1, 1e9}, {4});
  REQUIRE(processor.submit(0, 0, task(1, 1e9)));                  // 1 s alone
  REQUIRE(processor.submit(from_seconds(0.5), 0, task(2, 1e9)));  // when half of it is done
  const auto ends = run(processor);
  CHECK(ends.at(1) == Approx(1500));  // the other half at half the speed
  CHECK(ends.at(2) == Approx(2000));
}

TEST_CASE("Who needs more memory than is free waits, and those behind him too") {
  Processor processor({1e9, 4, 100}, {4, 4});
  REQUIRE(processor.submit(0, 0, task(1, 1e9, 60)));
  REQUIRE(processor.submit(0, 0, task(2, 1e9, 60)));
  REQUIRE(processor.submit(0, 0, task(3, 1e9, 10)));  // would fit, but is behind 2
  REQUIRE(processor.submit(0, 1, task(4, 1e9, 40)));  // another container's queue
  CHECK(processor.running() == 2);
  const auto ends = run(processor);
  CHECK(ends.at(4) == Approx(1000));
  CHECK(ends.at(2) == Approx(2000));
  CHECK(ends.at(3) == Approx(2000));
}

TEST_CASE("A call that needs more memory than there is is refused") {
  Processor processor({1e9, 1, 100}, {1});
  CHECK_FALSE(processor.submit(0, 0, task(1, 1e9, 101)));
  CHECK(processor.next_completion() == kNever);
}

TEST_CASE("Utilisation is the share of the cores that was in use") {
  Processor processor({1e9, 2, 1e9}, {4});
  REQUIRE(processor.submit(0, 0, task(1, 1e9)));
  (void)run(processor);
  CHECK(processor.take_utilisation(from_seconds(2)) == Approx(0.25));
  CHECK(processor.take_utilisation(from_seconds(3)) == Approx(0));
}

}  // namespace mx2::emulator
