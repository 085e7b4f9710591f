// The data types of the device application interface, named as in ETSI GS MEC 016 V2.2.1.
// Plain values; JSON spelling lives in codec.h. Optional members are absent, never null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mx2 {

// IETF RFC 7946 position: longitude and latitude in degrees (WGS 84), optional altitude in metres.
struct Position {
  double longitude = 0;
  double latitude = 0;
  std::optional<double> altitude;
  bool operator==(const Position&) const = default;
};

// IETF RFC 7946 Polygon: the first ring is the outline, the others are holes.
struct Polygon {
  std::vector<std::vector<Position>> rings;
  bool operator==(const Polygon&) const = default;
};

// IETF RFC 4776 section 3.4: caType 1 is a state, 3 a city, 6 a street, …
struct CivicAddressElement {
  std::int64_t ca_type = 0;
  std::string ca_value;
  bool operator==(const CivicAddressElement&) const = default;
};

// Clause 6.5.2.
struct LocationConstraints {
  std::optional<std::string> country_code;  // ISO 3166, two capitals
  std::vector<CivicAddressElement> civic_address_element;
  std::optional<Polygon> area;
  bool operator==(const LocationConstraints&) const = default;
};

// appCharcs of clause 6.2.2: MByte, MByte, ms, kbit/s, 0 | 1.
struct AppCharcs {
  std::optional<std::int64_t> memory;
  std::optional<std::int64_t> storage;
  std::optional<std::int64_t> latency;
  std::optional<std::int64_t> bandwidth;
  std::optional<std::int64_t> service_cont;
  bool operator==(const AppCharcs&) const = default;
};

// One user application (λ) of an ApplicationList, clause 6.2.2.
struct AppInfo {
  std::string app_d_id;
  std::string app_name;  // at most 32 characters, as the next two
  std::string app_provider;
  std::string app_soft_version;
  std::string app_d_version;
  std::string app_description;  // at most 128 characters
  std::vector<LocationConstraints> app_location;
  std::optional<AppCharcs> app_charcs;
  std::optional<std::string> vendor_id;
  std::string vendor_specific_ext;  // JSON object that holds vendorId; empty when there is none
};

// One element of userAppInstanceInfo, clause 6.2.3.
struct UserAppInstance {
  std::string app_instance_id;  // empty: not instantiated
  std::string reference_uri;    // empty: not instantiated
  std::optional<LocationConstraints> app_location;
};

// appInfo of an AppContext, clause 6.2.3.
struct ContextAppInfo {
  std::optional<std::string> app_d_id;
  std::string app_name;
  std::string app_provider;
  std::optional<std::string> app_soft_version;
  std::string app_d_version;
  std::optional<std::string> app_description;
  std::optional<std::string> app_package_source;
  std::vector<UserAppInstance> user_app_instance_info;  // at least one
};

// Clause 6.2.3.
struct AppContext {
  std::string context_id;  // empty in a create request; at most 32 characters
  std::string associate_dev_app_id;
  std::optional<std::string> callback_reference;
  std::optional<bool> app_location_updates;
  std::optional<bool> app_auto_instantiation;
  ContextAppInfo app_info;
};

// Clause 6.2.4.
struct ApplicationLocationAvailability {
  std::string associate_dev_app_id;
  std::string app_name;
  std::string app_provider;
  std::optional<std::string> app_soft_version;
  std::string app_d_version;
  std::optional<std::string> app_description;
  std::optional<std::string> app_package_source;
  std::vector<LocationConstraints> available_locations;  // response only
};

// The notifications to a callbackReference. `context_id` is mandatory but in the last.

// Clause 6.4.2: an app instance of the context has another address.
struct AddressChangeNotification {
  std::string context_id;
  std::string app_instance_id;
  std::string reference_uri;
};

// Clause 6.4.3: the MEC system has ended the context.
struct ApplicationContextDeleteNotification {
  std::string context_id;
};

// Clause 6.4.4: the whole list of instances, as it is now; only those that have an address.
struct ApplicationContextUpdateNotification {
  std::string context_id;
  std::vector<UserAppInstance> user_app_instance_info;
};

// Clause 6.4.5: locations asked for at creation that have become available.
struct ApplicationLocationAvailabilityNotification {
  std::string context_id;  // empty: absent
  std::vector<LocationConstraints> available_locations;
};

using Notification =
    std::variant<AddressChangeNotification, ApplicationContextDeleteNotification,
                 ApplicationContextUpdateNotification, ApplicationLocationAvailabilityNotification>;

}  // namespace mx2
