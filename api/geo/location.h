// Matching of LocationConstraints (MEC 016 clause 6.5.2): does a requested location have a place in
// common with one that is offered (an application's appLocation, a host's service area)?
//
// Rules, all of which must hold:
//  * country: if both give a countryCode they must be equal;
//  * civic address: no element that both sides name may differ (letter case aside). "Victoria"
//    matches "Victoria, Melbourne" and the other way round;
//  * area: if both give a polygon they must intersect. If only one does, the other is a country or
//    an address in it, and both must give the same countryCode.
// Parts of a requested area outside its countryCode never match, as the offers there carry another
// country (clause 6.5.2, note). Geometry: GEOS, planar on longitude and latitude.
//
// Here because the orchestrator decides by it and the optimizer must foresee what it decides.
//
// Cost: a polygon of 2048 positions takes up to 15 ms to be made ready, and 0.5 ms to be compared
// with another one. What must not take that long has it compared before, elsewhere: compare().
//
// Threads: immutable once built and compared, shared freely.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/result.h"
#include "api/mx2/types.h"

namespace mx2 {

class Geometry;  // a GEOS polygon
class Comparison;

// A location ready to be compared many times.
class PreparedLocation {
 public:
  // Locations that are offered together, e.g. a host's service area. Never null.
  using Offer = std::shared_ptr<const std::vector<PreparedLocation>>;

  // invalid_argument when the area is no valid polygon (e.g. crosses itself).
  [[nodiscard]] static Result<PreparedLocation> make(const LocationConstraints& location);

  // This as the requested side, `offered` as the other.
  [[nodiscard]] bool matches(const PreparedLocation& offered) const;
  [[nodiscard]] bool matches_any(const std::vector<PreparedLocation>& offered) const;
  // Compares, and remembers it (and the offers), so that matches_offer() is a look-up for these;
  // others it compares when it is asked.
  void compare(const std::vector<Offer>& offers);
  [[nodiscard]] bool matches_offer(const Offer& offered) const;

  [[nodiscard]] const LocationConstraints& constraints() const { return location_; }
  // The centroid of the area; nothing without one.
  [[nodiscard]] std::optional<Position> centre() const;

 private:
  template <typename F>
  auto with_areas(F&& use) const;  // `use` gets what compares our area, null if there is none
  [[nodiscard]] bool matches(const PreparedLocation& offered, const Comparison* areas) const;
  [[nodiscard]] bool matches_any(const std::vector<PreparedLocation>& offered,
                                 const Comparison* areas) const;

  LocationConstraints location_;
  std::shared_ptr<const Geometry> area_;
  std::unordered_map<Offer, bool> compared_;
};

// All of a list; the error names the item by its position.
[[nodiscard]] Result<std::vector<PreparedLocation>> prepare(
    const std::vector<LocationConstraints>& locations);
[[nodiscard]] Result<PreparedLocation::Offer> prepare_offer(
    const std::vector<LocationConstraints>& locations);

}  // namespace mx2
