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
// Threads: immutable once built, shared freely.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/mx2/types.h"

namespace mx2 {

class Geometry;  // a GEOS polygon

// A location ready to be compared many times.
class PreparedLocation {
 public:
  // invalid_argument when the area is no valid polygon (e.g. crosses itself).
  [[nodiscard]] static Result<PreparedLocation> make(const LocationConstraints& location);

  // This as the requested side, `offered` as the other.
  [[nodiscard]] bool matches(const PreparedLocation& offered) const;
  [[nodiscard]] bool matches_any(const std::vector<PreparedLocation>& offered) const;
  // The centroid of the area; nothing without one.
  [[nodiscard]] std::optional<Position> centre() const;

 private:
  LocationConstraints location_;
  std::shared_ptr<const Geometry> area_;
};

// All of a list; the error names the item by its position.
[[nodiscard]] Result<std::vector<PreparedLocation>> prepare(
    const std::vector<LocationConstraints>& locations);

}  // namespace mx2
