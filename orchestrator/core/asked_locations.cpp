#include "orchestrator/core/asked_locations.h"

#include <algorithm>

#include "api/mx2/codec.h"

namespace mx2 {
namespace {

constexpr std::size_t kBitsOfItem = 2;
constexpr std::uint32_t kMaskOfItem = 3;
static_assert(kBitsOfItem * codec::kInstancesMax <= 32);

}  // namespace

AskedLocations AskedLocations::of(const std::vector<UserAppInstance>& items) {
  AskedLocations asked;
  for (const auto& item : items) {
    if (item.app_location) static_cast<void>(asked.add(*item.app_location));
  }
  return asked;
}

Result<void> AskedLocations::add(const LocationConstraints& location) {
  const bool known = std::any_of(locations_.begin(), locations_.end(),
                                 [&](const auto& one) { return one.constraints() == location; });
  if (known) return {};
  auto prepared = PreparedLocation::make(location);
  if (!prepared) return prepared.error();
  locations_.push_back(std::move(*prepared));
  return {};
}

void AskedLocations::compare(const std::vector<PreparedLocation::Offer>& offers) {
  for (auto& location : locations_) location.compare(offers);
}

const PreparedLocation* AskedLocations::find(const UserAppInstance& item) const {
  if (!item.app_location) return nullptr;
  const auto it = std::find_if(locations_.begin(), locations_.end(), [&](const auto& one) {
    return one.constraints() == *item.app_location;
  });
  return it == locations_.end() ? nullptr : &*it;
}

bool may_ask_for_area(std::string_view document) {
  const auto location = document.find("\"appLocation\"");
  return location != std::string_view::npos &&
         document.find("\"area\"", location) != std::string_view::npos;
}

Wait wait_of(const ContextRecord& record, std::size_t item) {
  return static_cast<Wait>((record.waits >> (kBitsOfItem * item)) & kMaskOfItem);
}

void set_wait(ContextRecord& record, std::size_t item, Wait wait) {
  const auto shift = kBitsOfItem * item;
  record.waits &= ~(kMaskOfItem << shift);
  record.waits |= static_cast<std::uint32_t>(wait) << shift;
}

void set_waits(ContextRecord& record, const std::vector<UserAppInstance>& items) {
  record.waits = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].reference_uri.empty()) set_wait(record, i, Wait::kAnything);
  }
}

}  // namespace mx2
