#include "api/mec/service_management.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;

constexpr std::size_t kUrisMax = 16;

constexpr auto kServiceCategory = [](auto& io, auto& category) {
  io.required("href", category.href, json::kUri);
  io.required("id", category.id, json::kIdentifier);
  io.required("name", category.name, json::kIdentifier);
  io.required("version", category.version, json::kIdentifier);
};

constexpr auto kTransportInfo = [](auto& io, auto& transport) {
  io.required("id", transport.id, json::kIdentifier);
  io.required("name", transport.name, json::kIdentifier);
  io.required("type", transport.type, json::kIdentifier);
  io.required("protocol", transport.protocol, json::kIdentifier);
  io.required("version", transport.version, json::kIdentifier);
  io.optional_object("endpoint", [&](auto& endpoint) {
    endpoint.optional("uris", transport.uris, json::kUri, kUrisMax);
  });
};

constexpr auto kServiceInfo = [](auto& io, auto& service) {
  io.required("serName", service.ser_name, json::kIdentifier);
  io.optional_object("serCategory", service.ser_category, kServiceCategory);
  io.required("version", service.version, json::kIdentifier);
  io.required("state", service.state, json::kIdentifier);
  io.optional_object("transportInfo",
                     [&](auto& transport) { kTransportInfo(transport, service.transport); });
  io.optional("serializer", service.serializer, json::kIdentifier);
  io.optional("scopeOfLocality", service.scope_of_locality, json::kIdentifier);
  io.optional("consumedLocalOnly", service.consumed_local_only);
};

void read_service(ObjectReader& reader, ServiceInfo& service) {
  reader.required_line("serInstanceId", service.ser_instance_id, json::kIdentifier);
  kServiceInfo(reader, service);
}

}  // namespace

std::string encode_service(const ServiceInfo& service) {
  auto out = json::object_of(service, kServiceInfo);
  out["transportInfo"]["security"] = json::Value::object();
  return json::dump(out);
}

Result<ServiceInfo> decode_service(std::string_view body) {
  return json::decode_text<ServiceInfo>(body, read_service);
}

Result<std::vector<ServiceInfo>> decode_services(std::string_view body) {
  return json::decode_list<ServiceInfo>(body, kServicesMax, read_service);
}

}  // namespace mx2::codec
