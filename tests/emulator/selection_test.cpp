#include "emulator/selection.h"

#include <array>

#include "tests/catch.h"

namespace mx2::emulator {
namespace {

constexpr Time kSecond = 1'000'000'000;
constexpr double kBytes = 1000;

Sample sample(double response_s, double load = 0) {
  return {response_s, response_s / 2, load, kBytes};
}

// Shares of 1000 picks, a millisecond apart, each answered as `response_s` says.
template <std::size_t N>
std::array<int, N> picks(Selection& selection, Time from, const std::array<double, N>& response_s) {
  std::array<int, N> count{};
  for (int i = 0; i < 1000; ++i) {
    const auto now = from + i * kSecond / 1000;
    const auto picked = selection.pick(now, kBytes);
    ++count[picked];
    selection.answered(now, picked, sample(response_s[picked]));
  }
  return count;
}

}  // namespace

TEST_CASE("Least impedance tries everybody once, then takes the fastest") {
  const auto selection = make_selection(SelectionKind::kLeastImpedance, std::vector<bool>(3));
  CHECK(picks<3>(*selection, 0, {0.3, 0.1, 0.2}) == std::array<int, 3>{1, 998, 1});
}

TEST_CASE("Least impedance smooths: one slow answer does not drive anybody away") {
  const auto selection = make_selection(SelectionKind::kLeastImpedance, std::vector<bool>(2));
  (void)picks<2>(*selection, 0, {0.1, 0.2});
  selection->answered(kSecond, 0, sample(1));  // weight 0.145
  CHECK(selection->pick(kSecond, kBytes) == 0);
}

TEST_CASE("Least impedance looks again at what it has not measured for ten seconds") {
  const auto selection = make_selection(SelectionKind::kLeastImpedance, std::vector<bool>(2));
  (void)picks<2>(*selection, 0, {0.1, 0.2});
  CHECK(picks<2>(*selection, 21 * kSecond / 2, {0.1, 0.05})[1] > 900);
}

TEST_CASE("Round robin shares in proportion to the inverse of response times") {
  const auto selection = make_selection(SelectionKind::kDeficitRoundRobin, std::vector<bool>(2));
  const auto count = picks<2>(*selection, 0, {0.1, 0.15});
  CHECK(count[0] == Approx(600).margin(10));
  CHECK(count[1] == Approx(400).margin(10));
}

TEST_CASE("Round robin probes who is more than twice as slow, ever more rarely") {
  const auto selection = make_selection(SelectionKind::kDeficitRoundRobin, std::vector<bool>(2));
  int probes = 0;
  for (int second = 0; second < 64; ++second) {
    probes += picks<2>(*selection, second * kSecond, {0.1, 0.3})[1];
  }
  CHECK(probes >= 5);  // at 0, 1, 3, 7, 15, 31 and 61 s, about
  CHECK(probes <= 9);
}

TEST_CASE("Round robin takes back who has become fast") {
  const auto selection = make_selection(SelectionKind::kDeficitRoundRobin, std::vector<bool>(2));
  (void)picks<2>(*selection, 0, {0.1, 0.3});
  (void)picks<2>(*selection, 2 * kSecond, {0.1, 0.1});
  CHECK(picks<2>(*selection, 3 * kSecond, {0.1, 0.1})[1] == Approx(500).margin(10));
}

TEST_CASE("Prediction takes load into account") {
  const auto selection = make_selection(SelectionKind::kPredicted, std::vector<bool>(2));
  for (int i = 0; i < 10; ++i) {
    selection->answered(i, 0, {0.1 + 0.01 * i, 0.1 + 0.01 * i, 0.1 * i, kBytes});
    selection->answered(i, 1, {0.15, 0.15, 0.5, kBytes});
  }
  CHECK(selection->pick(10, kBytes) == 1);  // 0 was told to be loaded: 0.19 s
  selection->answered(11, 0, {0.1, 0.1, 0, kBytes});
  CHECK(selection->pick(12, kBytes) == 0);
}

TEST_CASE("Prediction looks again at what it has not measured for ten seconds") {
  const auto selection = make_selection(SelectionKind::kPredicted, std::vector<bool>(2));
  CHECK(selection->pick(0, kBytes) == 0);
  selection->answered(0, 0, {0.1, 0, 0, kBytes});
  CHECK(selection->pick(0, kBytes) == 1);
  selection->answered(0, 1, {0.5, 0, 0, kBytes});
  CHECK(selection->pick(kSecond, kBytes) == 0);
  selection->answered(5 * kSecond, 0, {0.1, 0, 0, kBytes});
  CHECK(selection->pick(11 * kSecond, kBytes) == 1);
}

TEST_CASE("As shipped, calls stay in the dispatcher's cell as long as that is not slow") {
  const auto selection = make_selection(SelectionKind::kShipped, {false, true, false});
  const std::array<double, 3> fast = {0.12, 0.1, 0.12};
  (void)picks<3>(*selection, 0, fast);
  CHECK(picks<3>(*selection, kSecond, fast)[1] > 950);
  const std::array<double, 3> slow = {0.12, 0.6, 0.12};
  for (int second = 2; second < 10; ++second) (void)picks<3>(*selection, second * kSecond, slow);
  CHECK(picks<3>(*selection, 10 * kSecond, slow)[1] < 100);
}

}  // namespace mx2::emulator
