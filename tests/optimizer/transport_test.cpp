// The solver by itself: the same problem with costs that fit into 64 bits and with costs that do
// not.
#include "optimizer/transport.h"

#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

Transport random_problem(std::uint64_t seed, std::int64_t cost_unit) {
  test::Dice dice(seed);
  Transport problem;
  const auto hosts = static_cast<std::size_t>(dice.roll(8, 20));
  for (std::size_t h = 0; h < hosts; ++h) {
    const auto first = dice.roll(0, 50);
    problem.hosts.push_back({{dice.roll(1, 5), first * cost_unit},
                             {dice.roll(1, 5), (first + dice.roll(0, 50)) * cost_unit}});
  }
  problem.refusals = {{{3, 400 * cost_unit}, {0, 900 * cost_unit}}};
  for (int s = 0; s < 12; ++s) {
    Transport::Source source;
    source.units = dice.roll(1, 9);
    source.refusal_cost = dice.roll(0, 30) * cost_unit;
    const auto stay = static_cast<Index>(dice.roll(0, static_cast<std::int64_t>(hosts) - 1));
    source.stays.push_back({stay, 1, dice.roll(0, 10) * cost_unit});
    source.stays.push_back({stay, dice.roll(1, 2), dice.roll(10, 40) * cost_unit});
    problem.sources.push_back(source);
    for (std::size_t h = 0; h < hosts; ++h) {
      const bool usable = !dice.one_in(4);
      problem.cost.push_back(usable ? dice.roll(0, 300) * cost_unit : Transport::kForbidden);
    }
  }
  return problem;
}

TEST_CASE("transport: 128 bits give the answer that 64 bits give", "[transport]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto narrow = solve(random_problem(seed, 1));
    const auto wide = solve(random_problem(seed, Transport::kCostMax / 1000));
    REQUIRE(narrow.ok());
    REQUIRE(wide.ok());
    CHECK_FALSE(narrow->wide);
    CHECK(wide->wide);
    REQUIRE(narrow->parts.size() == wide->parts.size());
    for (std::size_t s = 0; s < narrow->parts.size(); ++s) {
      const auto& a = narrow->parts[s];
      const auto& b = wide->parts[s];
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].host == b[i].host);
        CHECK(a[i].units == b[i].units);
      }
    }
  }
}

}  // namespace
}  // namespace mx2::optimizer
