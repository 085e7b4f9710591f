#include "api/geo/location.h"

#include <geos_c.h>

#include <algorithm>

#include "api/base/text.h"

namespace mx2 {
namespace {

// GEOS wants a context per thread; ours says nothing, as every call's result is checked.
GEOSContextHandle_t geos() {
  struct Context {
    GEOSContextHandle_t handle = GEOS_init_r();
    ~Context() { GEOS_finish_r(handle); }
  };
  thread_local const Context kContext;
  return kContext.handle;
}

GEOSGeometry* make_ring(const std::vector<Position>& ring) {
  auto* sequence = GEOSCoordSeq_create_r(geos(), static_cast<unsigned>(ring.size()), 2);
  if (sequence == nullptr) return nullptr;
  for (unsigned i = 0; i < ring.size(); ++i) {
    GEOSCoordSeq_setXY_r(geos(), sequence, i, ring[i].longitude, ring[i].latitude);
  }
  return GEOSGeom_createLinearRing_r(geos(), sequence);  // owns the sequence, also when it fails
}

}  // namespace

class Geometry {
 public:
  static std::shared_ptr<const Geometry> make(const Polygon& polygon) {
    std::vector<GEOSGeometry*> rings;
    for (const auto& ring : polygon.rings) rings.push_back(make_ring(ring));
    const bool complete =
        !rings.empty() && std::find(rings.begin(), rings.end(), nullptr) == rings.end();
    if (!complete) {
      for (auto* ring : rings) GEOSGeom_destroy_r(geos(), ring);
      return nullptr;
    }
    auto* holes = rings.size() > 1 ? rings.data() + 1 : nullptr;
    auto* raw =
        GEOSGeom_createPolygon_r(geos(), rings[0], holes, static_cast<unsigned>(rings.size() - 1));
    if (raw == nullptr) return nullptr;
    const auto geometry = std::shared_ptr<Geometry>(new Geometry(raw));
    if (GEOSisValid_r(geos(), raw) != 1) return nullptr;
    geometry->fill_envelopes();
    return geometry;
  }
  ~Geometry() { GEOSGeom_destroy_r(geos(), raw_); }
  Geometry(const Geometry&) = delete;
  Geometry& operator=(const Geometry&) = delete;

  [[nodiscard]] std::optional<Position> centre() const {
    auto* point = GEOSGetCentroid_r(geos(), raw_);
    if (point == nullptr) return std::nullopt;
    Position position;
    const bool known = GEOSGeomGetX_r(geos(), point, &position.longitude) == 1 &&
                       GEOSGeomGetY_r(geos(), point, &position.latitude) == 1;
    GEOSGeom_destroy_r(geos(), point);
    return known ? std::optional(position) : std::nullopt;
  }

 private:
  friend class Comparison;
  explicit Geometry(GEOSGeometry* raw) : raw_(raw) {}

  // GEOS caches them inside a geometry: before threads share it.
  void fill_envelopes() const {
    double unused = 0;
    GEOSGeom_getXMin_r(geos(), raw_, &unused);
    GEOSGeom_getXMin_r(geos(), GEOSGetExteriorRing_r(geos(), raw_), &unused);
    const int holes = GEOSGetNumInteriorRings_r(geos(), raw_);
    for (int i = 0; i < holes; ++i) {
      GEOSGeom_getXMin_r(geos(), GEOSGetInteriorRingN_r(geos(), raw_, i), &unused);
    }
  }

  GEOSGeometry* raw_;
};

// One area with many. GEOS's index of the one makes each of them up to a hundred times cheaper; it
// is built by use, so it is no part of what threads share.
class Comparison {
 public:
  explicit Comparison(const Geometry& area) : index_(GEOSPrepare_r(geos(), area.raw_)) {}
  ~Comparison() { GEOSPreparedGeom_destroy_r(geos(), index_); }
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  [[nodiscard]] bool intersects(const Geometry& other) const {
    return index_ != nullptr && GEOSPreparedIntersects_r(geos(), index_, other.raw_) == 1;
  }

 private:
  const GEOSPreparedGeometry* index_;
};

namespace {

bool civic_addresses_agree(const std::vector<CivicAddressElement>& a,
                           const std::vector<CivicAddressElement>& b) {
  return std::all_of(a.begin(), a.end(), [&](const CivicAddressElement& x) {
    return std::none_of(b.begin(), b.end(), [&](const CivicAddressElement& y) {
      return x.ca_type == y.ca_type && !equals_ignoring_case(x.ca_value, y.ca_value);
    });
  });
}

}  // namespace

Result<PreparedLocation> PreparedLocation::make(const LocationConstraints& location) {
  PreparedLocation prepared;
  prepared.location_ = location;
  if (location.area) {
    prepared.area_ = Geometry::make(*location.area);
    if (!prepared.area_) {
      return invalid_argument("the area is no valid polygon: a ring is open or crosses itself");
    }
  }
  return prepared;
}

bool PreparedLocation::matches(const PreparedLocation& offered, const Comparison* areas) const {
  const auto& country = location_.country_code;
  const auto& offered_country = offered.location_.country_code;
  if (country && offered_country && country != offered_country) return false;
  if (!civic_addresses_agree(location_.civic_address_element,
                             offered.location_.civic_address_element)) {
    return false;
  }
  if (areas != nullptr && offered.area_) return areas->intersects(*offered.area_);
  // One side is a whole country, or an address in it: then the country must be the same.
  return country && country == offered_country;
}

template <typename F>
auto PreparedLocation::with_areas(F&& use) const {
  if (!area_) return use(nullptr);
  const Comparison areas(*area_);
  return use(&areas);
}

bool PreparedLocation::matches(const PreparedLocation& offered) const {
  return with_areas([&](const Comparison* areas) { return matches(offered, areas); });
}

bool PreparedLocation::matches_any(const std::vector<PreparedLocation>& offered,
                                   const Comparison* areas) const {
  return std::any_of(offered.begin(), offered.end(),
                     [&](const PreparedLocation& one) { return matches(one, areas); });
}

bool PreparedLocation::matches_any(const std::vector<PreparedLocation>& offered) const {
  return with_areas([&](const Comparison* areas) { return matches_any(offered, areas); });
}

void PreparedLocation::compare(const std::vector<Offer>& offers) {
  with_areas([&](const Comparison* areas) {
    for (const auto& offer : offers) {
      if (!compared_.contains(offer)) compared_.emplace(offer, matches_any(*offer, areas));
    }
    return 0;
  });
}

bool PreparedLocation::matches_offer(const Offer& offered) const {
  const auto known = compared_.find(offered);
  return known == compared_.end() ? matches_any(*offered) : known->second;
}

std::optional<Position> PreparedLocation::centre() const {
  return area_ ? area_->centre() : std::nullopt;
}

Result<std::vector<PreparedLocation>> prepare(const std::vector<LocationConstraints>& locations) {
  std::vector<PreparedLocation> prepared;
  for (std::size_t i = 0; i < locations.size(); ++i) {
    auto one = PreparedLocation::make(locations[i]);
    if (!one) return invalid_argument(one.error().detail, "location " + std::to_string(i));
    prepared.push_back(std::move(*one));
  }
  return prepared;
}

Result<PreparedLocation::Offer> prepare_offer(const std::vector<LocationConstraints>& locations) {
  auto prepared = prepare(locations);
  if (!prepared) return prepared.error();
  return std::make_shared<const std::vector<PreparedLocation>>(std::move(*prepared));
}

}  // namespace mx2
