#include "api/geo/location.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

using test::in_area;
using test::in_country;
using test::square;

LocationConstraints civic(const std::string& code, std::vector<CivicAddressElement> elements) {
  auto location = in_country(code);
  location.civic_address_element = std::move(elements);
  return location;
}

bool matches(const LocationConstraints& requested, const LocationConstraints& offered) {
  const auto a = PreparedLocation::make(requested);
  const auto b = PreparedLocation::make(offered);
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  return a->matches(*b);
}

TEST_CASE("location: country codes must be equal", "[location]") {
  CHECK(matches(in_country("AU"), in_country("AU")));
  CHECK_FALSE(matches(in_country("AU"), in_country("NZ")));
  CHECK_FALSE(matches(in_country("AU"), in_area(square(0, 0, 1))));
}

TEST_CASE("location: polygons that overlap, touch, contain or stay apart", "[location]") {
  const auto offered = in_area(square(0, 0, 10));
  CHECK(matches(in_area(square(5, 5, 10)), offered));
  CHECK(matches(in_area(square(2, 2, 1)), offered));
  CHECK(matches(in_area(square(-5, -5, 30)), offered));
  CHECK(matches(in_area(square(10, 10, 1)), offered));
  CHECK_FALSE(matches(in_area(square(10.001, 0, 1)), offered));
}

TEST_CASE("location: a hole is outside", "[location]") {
  auto ring = square(0, 0, 10);
  ring.rings.push_back(square(2, 2, 6).rings[0]);
  CHECK_FALSE(matches(in_area(square(4, 4, 1)), in_area(ring)));
  CHECK(matches(in_area(square(1, 4, 3)), in_area(ring)));
}

TEST_CASE("item 26: a requested area with a country does not match another country's offer",
          "[location]") {
  CHECK(matches(in_area(square(0, 0, 1), "AU"), in_area(square(0, 0, 1), "AU")));
  CHECK_FALSE(matches(in_area(square(0, 0, 1), "AU"), in_area(square(0, 0, 1), "NZ")));
  CHECK(matches(in_area(square(0, 0, 1)), in_area(square(0, 0, 1), "NZ")));
}

TEST_CASE("location: an offer of a whole country covers every area in it", "[location]") {
  CHECK(matches(in_area(square(0, 0, 1), "AU"), in_country("AU")));
  CHECK_FALSE(matches(in_area(square(0, 0, 1)), in_country("AU")));
  CHECK(matches(in_country("AU"), in_area(square(0, 0, 1), "AU")));
}

TEST_CASE("location: civic addresses agree unless they contradict", "[location]") {
  const auto victoria = civic("AU", {{1, "Victoria"}});
  const auto melbourne = civic("AU", {{1, "VICTORIA"}, {3, "Melbourne"}});
  const auto sydney = civic("AU", {{1, "New South Wales"}, {3, "Sydney"}});
  CHECK(matches(victoria, melbourne));
  CHECK(matches(melbourne, victoria));
  CHECK_FALSE(matches(sydney, melbourne));
  CHECK(matches(in_country("AU"), melbourne));
  CHECK_FALSE(matches(civic("NZ", {{1, "Victoria"}}), victoria));
}

TEST_CASE("location: matches_any needs one, and none is in an empty list", "[location]") {
  const auto requested = PreparedLocation::make(in_country("AU")).value();
  const auto offers = prepare({in_country("NZ"), in_country("AU")}).value();
  CHECK(requested.matches_any(offers));
  CHECK_FALSE(requested.matches_any({}));
}

TEST_CASE("location: the centre is that of the area; nothing without one", "[location]") {
  const auto centre = PreparedLocation::make(in_area(square(144, -38, 2))).value().centre();
  REQUIRE(centre);
  CHECK(std::abs(centre->longitude - 145) < 1e-9);
  CHECK(std::abs(centre->latitude + 37) < 1e-9);
  CHECK_FALSE(PreparedLocation::make(in_country("AU")).value().centre());
}

TEST_CASE("location: an area that is no polygon is refused, whatever it is",
          "[location][hostile]") {
  const Polygon bow_tie{{{{0, 0, {}}, {1, 1, {}}, {1, 0, {}}, {0, 1, {}}, {0, 0, {}}}}};
  const Polygon open{{{{0, 0, {}}, {1, 0, {}}, {1, 1, {}}, {0, 1, {}}}}};
  const Polygon two{{{{0, 0, {}}, {1, 1, {}}}}};
  const Polygon one{{{{0, 0, {}}}}};
  const Polygon hole_outside{{square(0, 0, 1).rings[0], square(5, 5, 1).rings[0]}};
  for (const auto& bad : {bow_tie, open, two, one, hole_outside, Polygon{}}) {
    CHECK_FALSE(PreparedLocation::make(in_area(bad)).ok());
  }
  CHECK(prepare({in_country("AU"), in_area(bow_tie)}).error().pointer == "location 1");
}

TEST_CASE("location: an empty outline matches nothing and does not crash", "[location][hostile]") {
  const auto empty = PreparedLocation::make(in_area(Polygon{{{}}}));
  if (!empty) return;
  CHECK_FALSE(empty->matches(PreparedLocation::make(in_area(square(0, 0, 1))).value()));
}

}  // namespace
}  // namespace mx2
