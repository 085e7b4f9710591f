#include <array>

#include "api/mx2/codec.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::string_view kAddressChange = "AddressChangeNotification";
constexpr std::string_view kContextDelete = "ApplicationContextDeleteNotification";
constexpr std::string_view kContextUpdate = "ApplicationContextUpdateNotification";
constexpr std::string_view kLocationAvailability = "ApplicationLocationAvailabilityNotification";
constexpr json::Chars kSome{1, 4096};

constexpr auto kAddressChangeMembers = [](auto& io, auto& n) {
  io.required("contextId", n.context_id, kSome);
  io.required("appInstanceId", n.app_instance_id, kSome);
  io.required("referenceURI", n.reference_uri, kSome);
};

constexpr auto kContextDeleteMembers = [](auto& io, auto& n) {
  io.required("contextId", n.context_id, kSome);
};

// Unlike that of a context, it has an address.
constexpr auto kRunningInstance = [](auto& io, auto& instance) {
  io.required("appInstanceId", instance.app_instance_id, kSome);
  io.required("referenceURI", instance.reference_uri, kSome);
  io.optional_object("appLocation", instance.app_location, [](auto& members, auto& location) {
    location_members(members, location, Strictness::kSchemaOnly);
  });
};

constexpr auto kContextUpdateMembers = [](auto& io, auto& n) {
  io.required("contextId", n.context_id, kSome);
  io.required_items("userAppInstanceInfo", n.user_app_instance_info, kInstancesMax,
                    kRunningInstance);
};

constexpr auto kAvailableLocation = [](auto& io, auto& location) {
  io.required_object("appLocation", [&](auto& members) {
    location_members(members, location, Strictness::kSchemaOnly);
  });
};

constexpr auto kLocationAvailabilityMembers = [](auto& io, auto& n) {
  io.optional("contextId", n.context_id, json::kAnyText);
  io.required_items("availableLocations", n.available_locations, kLocationsMax, kAvailableLocation);
};

Value to_json(const AddressChangeNotification& n) {
  return json::object_of(n, kAddressChangeMembers);
}
Value to_json(const ApplicationContextDeleteNotification& n) {
  return json::object_of(n, kContextDeleteMembers);
}
Value to_json(const ApplicationContextUpdateNotification& n) {
  return json::object_of(n, kContextUpdateMembers);
}
Value to_json(const ApplicationLocationAvailabilityNotification& n) {
  return json::object_of(n, kLocationAvailabilityMembers);
}

}  // namespace

std::string_view type_of(const Notification& notification) {
  constexpr std::array kNames{kAddressChange, kContextDelete, kContextUpdate,
                              kLocationAvailability};
  return kNames.at(notification.index());
}

std::string encode(const Notification& notification) {
  auto out = std::visit([](const auto& n) { return to_json(n); }, notification);
  out["notificationType"] = type_of(notification);
  return json::dump(out);
}

Result<Notification> decode_notification(std::string_view body) {
  return json::decode_text<Notification>(body, [](ObjectReader& reader, Notification& out) {
    std::string type;
    reader.required("notificationType", type, kSome);
    if (!reader.ok()) return;
    if (type == kAddressChange) {
      kAddressChangeMembers(reader, out.emplace<AddressChangeNotification>());
    } else if (type == kContextDelete) {
      kContextDeleteMembers(reader, out.emplace<ApplicationContextDeleteNotification>());
    } else if (type == kContextUpdate) {
      kContextUpdateMembers(reader, out.emplace<ApplicationContextUpdateNotification>());
    } else if (type == kLocationAvailability) {
      kLocationAvailabilityMembers(reader,
                                   out.emplace<ApplicationLocationAvailabilityNotification>());
    } else {
      reader.fail("is none of the notifications of MEC 016", "notificationType");
    }
  });
}

}  // namespace mx2::codec
