// What the items of one context ask for (MEC 016 clause 6.5.2), and how far each has got with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "api/mx2/types.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// The locations of the items, ready to be compared with what hosts offer. Polygons take
// milliseconds: whoever decides on the store writer's thread has them made and compared elsewhere,
// and then only looks up.
class AskedLocations {
 public:
  // Of all items that ask for one. One that cannot be compared is left out: an update is only
  // checked by the schema.
  [[nodiscard]] static AskedLocations of(const std::vector<UserAppInstance>& items);
  // invalid_argument when its area is no polygon.
  Result<void> add(const LocationConstraints& location);
  void compare(const std::vector<PreparedLocation::Offer>& offers);

  [[nodiscard]] bool empty() const { return locations_.empty(); }
  // Null: none that is known here.
  [[nodiscard]] const PreparedLocation* find(const UserAppInstance& item) const;

 private:
  std::vector<PreparedLocation> locations_;
};

// Whether a context's document asks for an area, without reading it: true also for few that do not.
[[nodiscard]] bool may_ask_for_area(std::string_view document);

// What an item without an address waits for. In a record two bits for each item, by position.
enum class Wait : std::uint8_t {
  kNone,       // it has an address
  kAnything,   // an address, or with appLocationUpdates that its location becomes available
  kOffered,    // its device application was told that it is
  kRequested,  // its device application asked for it then, and an instance is being started
};
[[nodiscard]] Wait wait_of(const ContextRecord& record, std::size_t item);
void set_wait(ContextRecord& record, std::size_t item, Wait wait);
// Of new items.
void set_waits(ContextRecord& record, const std::vector<UserAppInstance>& items);

}  // namespace mx2
