// Mp1, the service registry of a MEC platform: the data types of ETSI GS MEC 011 V2.1.1
// (mec_service_mgmt/v1) that a MEC application needs to offer one REST service, and their JSON.
// Bare objects; unknown attributes are ignored. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2 {

// Clause 8.1.5.2; all four are mandatory.
struct ServiceCategory {
  std::string href;
  std::string id;
  std::string name;
  std::string version;
};

// Clause 8.1.2.3, of a service with an HTTP API. An endpoint by addresses, or a transport that the
// platform provides, is read as one without `uris`.
struct TransportInfo {
  std::string id;
  std::string name;
  std::string type;      // REST_HTTP
  std::string protocol;  // HTTP
  std::string version;   // of the protocol
  std::vector<std::string> uris;
};

// Clause 8.1.2.2.
struct ServiceInfo {
  std::string ser_instance_id;  // the platform's to give
  std::string ser_name;
  std::optional<ServiceCategory> ser_category;
  std::string version;  // of the service
  std::string state = "ACTIVE";
  TransportInfo transport;
  std::string serializer = "JSON";
  std::string scope_of_locality = "MEC_HOST";
  bool consumed_local_only = true;
};

namespace codec {

inline constexpr const char* kServiceManagementPath = "/mec_service_mgmt/v1";
inline constexpr std::size_t kServicesMax = 1000;  // in one list

// What registers it: without serInstanceId.
[[nodiscard]] std::string encode_service(const ServiceInfo& service);
[[nodiscard]] Result<ServiceInfo> decode_service(std::string_view body);
// Those of an application.
[[nodiscard]] Result<std::vector<ServiceInfo>> decode_services(std::string_view body);

}  // namespace codec
}  // namespace mx2
