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

Value to_json(const AddressChangeNotification& n) {
  return {{"contextId", n.context_id},
          {"appInstanceId", n.app_instance_id},
          {"referenceURI", n.reference_uri}};
}

Value to_json(const ApplicationContextDeleteNotification& n) {
  return {{"contextId", n.context_id}};
}

Value to_json(const ApplicationContextUpdateNotification& n) {
  auto instances = Value::array();
  for (const auto& instance : n.user_app_instance_info) {
    instances.push_back(codec::to_json(instance));
  }
  return {{"contextId", n.context_id}, {"userAppInstanceInfo", std::move(instances)}};
}

Value to_json(const ApplicationLocationAvailabilityNotification& n) {
  auto locations = Value::array();
  for (const auto& location : n.available_locations) {
    locations.push_back({{"appLocation", codec::to_json(location)}});
  }
  Value out{{"availableLocations", std::move(locations)}};
  if (!n.context_id.empty()) out["contextId"] = n.context_id;
  return out;
}

// Items of a member that must have at least one and at most `most`.
template <typename Read>
void read_items(ObjectReader& reader, const char* name, std::size_t most, const Read& read) {
  const auto* items = reader.need(name, Value::value_t::array);
  if (items == nullptr) return;
  if (items->empty()) reader.fail("must have at least one item", name);
  if (items->size() > most) {
    reader.fail("has more than " + std::to_string(most) + " items", name);
  }
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    read((*items)[i], reader.at(name) + "/" + std::to_string(i));
  }
}

Notification read_address_change(ObjectReader& reader) {
  AddressChangeNotification n;
  reader.required("contextId", n.context_id, kSome);
  reader.required("appInstanceId", n.app_instance_id, kSome);
  reader.required("referenceURI", n.reference_uri, kSome);
  return n;
}

Notification read_context_delete(ObjectReader& reader) {
  ApplicationContextDeleteNotification n;
  reader.required("contextId", n.context_id, kSome);
  return n;
}

Notification read_context_update(ObjectReader& reader) {
  ApplicationContextUpdateNotification n;
  reader.required("contextId", n.context_id, kSome);
  read_items(reader, "userAppInstanceInfo", kInstancesMax,
             [&](const Value& value, const std::string& pointer) {
               auto& item = n.user_app_instance_info.emplace_back();
               ObjectReader sub(value, pointer, reader.error());
               sub.required("appInstanceId", item.app_instance_id, kSome);
               sub.required("referenceURI", item.reference_uri, kSome);
               if (const auto* location = sub.object("appLocation")) {
                 item.app_location = read_location(*location, sub.at("appLocation"),
                                                   Strictness::kSchemaOnly, reader.error());
               }
             });
  return n;
}

Notification read_location_availability(ObjectReader& reader) {
  ApplicationLocationAvailabilityNotification n;
  reader.optional("contextId", n.context_id, json::kAnyText);
  read_items(reader, "availableLocations", kLocationsMax,
             [&](const Value& value, const std::string& pointer) {
               ObjectReader sub(value, pointer, reader.error());
               const auto* location = sub.need("appLocation", Value::value_t::object);
               if (location == nullptr) return;
               n.available_locations.push_back(read_location(
                   *location, sub.at("appLocation"), Strictness::kSchemaOnly, reader.error()));
             });
  return n;
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
  const auto document = json::parse(body);
  if (!document) return document.error();
  std::optional<Error> error;
  ObjectReader reader(*document, "", error);
  std::string type;
  reader.required("notificationType", type, kSome);
  if (error) return *error;
  Notification notification;
  if (type == kAddressChange) {
    notification = read_address_change(reader);
  } else if (type == kContextDelete) {
    notification = read_context_delete(reader);
  } else if (type == kContextUpdate) {
    notification = read_context_update(reader);
  } else if (type == kLocationAvailability) {
    notification = read_location_availability(reader);
  } else {
    reader.fail("is none of the notifications of MEC 016", "notificationType");
  }
  if (error) return *error;
  return notification;
}

}  // namespace mx2::codec
