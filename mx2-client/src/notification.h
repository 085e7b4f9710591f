// What a notification says, in whichever form it came: the four of MEC 016 V2.2.1 clause 6.4, or
// the bare {"referenceURI": …} of V1.1.1 clients' servers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/result.h"
#include "api/mx2/types.h"

namespace mx2::device {

struct Told {
  // V1.1.1: empty contextId and appInstanceId in an AddressChangeNotification.
  Notification what;
  std::optional<std::uint64_t> number;  // greater is newer; absent: unknown
};

[[nodiscard]] Result<Notification> read_notification(std::string_view body);
// The contextId in it; empty: it names none.
[[nodiscard]] const std::string& context_id_of(const Notification& notification);

// "17" and the entity tag "\"17\"" are 17; nothing for anything else.
[[nodiscard]] std::optional<std::uint64_t> read_number(std::optional<std::string_view> text);

}  // namespace mx2::device
