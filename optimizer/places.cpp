#include "optimizer/places.h"

#include <algorithm>

#include "api/mx2/codec.h"

namespace mx2::optimizer {
namespace {

constexpr std::size_t kLeast = 1024;

PlacePtr make_place(const LocationConstraints& location) {
  auto place = std::make_shared<Place>();
  if (auto prepared = PreparedLocation::make(location)) {
    place->centre = prepared->centre();
    place->location = std::move(*prepared);
  }
  return place;
}

}  // namespace

PlacePtr Places::get(const LocationConstraints& location) {
  if (known_.size() >= look_at_) forget_unused();
  auto& known = known_[json::dump(codec::to_json(location))];
  if (auto place = known.lock()) return place;
  auto place = make_place(location);
  known = place;
  return place;
}

void Places::forget_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  look_at_ = std::max(kLeast, 2 * known_.size());
}

}  // namespace mx2::optimizer
