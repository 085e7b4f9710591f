// Where device applications ask to be served (appLocation of MEC 016, clause 6.5.2). Contexts that
// ask for the same place share one, so that each is compared with hosts and attachments once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/geo/location.h"

namespace mx2::optimizer {

struct Place {
  std::optional<PreparedLocation>
      location;                    // nothing: its area is no polygon, so nothing matches it
  std::optional<Position> centre;  // of its area
};

using PlacePtr = std::shared_ptr<const Place>;

// Forgets places that nobody holds any more.
class Places {
 public:
  [[nodiscard]] PlacePtr get(const LocationConstraints& location);

 private:
  void forget_unused();

  std::unordered_map<std::string, std::weak_ptr<const Place>> known_;  // by JSON text
  std::size_t look_at_ = 1024;                                         // so many, for unused ones
};

}  // namespace mx2::optimizer
