// JSON of ETSI GS MEC 016 V2.2.1: bare objects, absent attributes omitted, unknown ones ignored.
// Every decoding error is invalid_argument with the JSON pointer of the attribute. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/form.h"
#include "api/mx2/types.h"

namespace mx2::codec {

// How far a LocationConstraints is checked: a new one in full (clause 6.5.2 and RFC 7946), the one
// of an update by the schema alone, because ETSI's own test bodies break the finer rules there.
// What was accepted once is stored and must be read for ever, whatever the bounds are by then.
enum class Strictness { kFull, kSchemaOnly, kStored };

inline constexpr std::size_t kInstancesMax = 16;    // userAppInstanceInfo items in one context
inline constexpr std::size_t kLocationsMax = 256;   // appLocation items of an app or a host
inline constexpr std::size_t kPositionsMax = 2048;  // positions in one polygon
// Positions of all items in one request: what they cost to be compared is counted together.
inline constexpr std::size_t kPositionsOfRequestMax = 4096;

// A create request: contextId must be absent; appInstanceId and referenceURI are ignored (they are
// the server's to give). Also reads the wrapped form {"appContext": {…}} of early drafts.
[[nodiscard]] Result<AppContext> decode_create_request(std::string_view body);
// An update: mandatory attributes must be there, contextId may be anything (the URI decides).
[[nodiscard]] Result<AppContext> decode_update_request(std::string_view body);
// A representation as a server answers it.
[[nodiscard]] Result<AppContext> decode_app_context(std::string_view body);
// What the store kept: without bounds.
[[nodiscard]] Result<AppContext> decode_stored_context(std::string_view body);
[[nodiscard]] std::string encode(const AppContext& context);

[[nodiscard]] Result<ApplicationLocationAvailability> decode_location_availability(
    std::string_view body);
[[nodiscard]] std::string encode(const ApplicationLocationAvailability& availability);

[[nodiscard]] std::string encode_application_list(const std::vector<const AppInfo*>& apps);
[[nodiscard]] Result<std::vector<AppInfo>> decode_application_list(std::string_view body);

// Bare objects with their notificationType. The first carries all that clients of the V1.1.1
// dialect look for, too.
[[nodiscard]] std::string encode(const Notification& notification);
[[nodiscard]] Result<Notification> decode_notification(std::string_view body);
// The value of notificationType.
[[nodiscard]] std::string_view type_of(const Notification& notification);

// Building blocks shared with the operator codec. What has two forms is read and written.
void location_members(json::ObjectReader& reader, LocationConstraints& location,
                      Strictness strictness);
void location_members(json::ObjectWriter& writer, const LocationConstraints& location,
                      Strictness strictness);
void read_app_info(json::ObjectReader& reader, AppInfo& app,
                   Strictness strictness = Strictness::kFull);
// How long a text and a list may be: as long as they are, once they are stored.
[[nodiscard]] constexpr json::Chars chars(json::Chars limit, Strictness strictness) {
  return strictness == Strictness::kStored ? json::kAnyLength : limit;
}
[[nodiscard]] constexpr std::size_t at_most(std::size_t limit, Strictness strictness) {
  return strictness == Strictness::kStored ? json::kNoLimit : limit;
}
template <typename Io, typename Locations>
void location_items(Io& io, const char* name, Locations& locations, Strictness strictness) {
  io.optional_items(
      name, locations, at_most(kLocationsMax, strictness),
      [&](auto& item, auto& location) { location_members(item, location, strictness); });
}
[[nodiscard]] json::Value to_json(const LocationConstraints& location);
[[nodiscard]] json::Value to_json(const AppInfo& app);

// An absolute http or https URI with a host; nothing else may be called back or fetched.
[[nodiscard]] bool is_http_uri(std::string_view text);
// host[:port] of a URI or a Host header, without user information.
[[nodiscard]] bool is_authority(std::string_view text);

}  // namespace mx2::codec
