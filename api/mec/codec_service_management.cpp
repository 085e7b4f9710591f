#include "api/mec/codec_support.h"
#include "api/mec/service_management.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::size_t kUrisMax = 16;

void read_category(ObjectReader& reader, ServiceInfo& service) {
  const auto* category = reader.object("serCategory");
  if (category == nullptr) return;
  ObjectReader sub(*category, reader.at("serCategory"), reader.error());
  auto& out = service.ser_category.emplace();
  sub.required("href", out.href, kUri);
  sub.required("id", out.id, json::kIdentifier);
  sub.required("name", out.name, json::kIdentifier);
  sub.required("version", out.version, json::kIdentifier);
}

void read_transport(ObjectReader& reader, TransportInfo& out) {
  const auto* transport = reader.object("transportInfo");
  if (transport == nullptr) return;
  ObjectReader sub(*transport, reader.at("transportInfo"), reader.error());
  sub.required("id", out.id, json::kIdentifier);
  sub.required("name", out.name, json::kIdentifier);
  sub.required("type", out.type, json::kIdentifier);
  sub.required("protocol", out.protocol, json::kIdentifier);
  sub.required("version", out.version, json::kIdentifier);
  if (const auto* endpoint = sub.object("endpoint")) {
    ObjectReader(*endpoint, sub.at("endpoint"), sub.error())
        .optional("uris", out.uris, kUri, kUrisMax);
  }
}

void read_service(ObjectReader& reader, ServiceInfo& out) {
  reader.required_line("serInstanceId", out.ser_instance_id, json::kIdentifier);
  reader.required("serName", out.ser_name, json::kIdentifier);
  read_category(reader, out);
  reader.required("version", out.version, json::kIdentifier);
  reader.required("state", out.state, json::kIdentifier);
  read_transport(reader, out.transport);
  reader.optional("serializer", out.serializer, json::kIdentifier);
  reader.optional("scopeOfLocality", out.scope_of_locality, json::kIdentifier);
  reader.optional("consumedLocalOnly", out.consumed_local_only);
}

}  // namespace

std::string encode_service(const ServiceInfo& service) {
  const auto& transport = service.transport;
  Value out{{"serName", service.ser_name},
            {"version", service.version},
            {"state", service.state},
            {"serializer", service.serializer},
            {"scopeOfLocality", service.scope_of_locality},
            {"consumedLocalOnly", service.consumed_local_only},
            {"transportInfo",
             {{"id", transport.id},
              {"name", transport.name},
              {"type", transport.type},
              {"protocol", transport.protocol},
              {"version", transport.version},
              {"endpoint", {{"uris", transport.uris}}},
              {"security", Value::object()}}}};
  if (const auto& category = service.ser_category) {
    out["serCategory"] = {{"href", category->href},
                          {"id", category->id},
                          {"name", category->name},
                          {"version", category->version}};
  }
  return json::dump(out);
}

Result<ServiceInfo> decode_service(std::string_view body) {
  return decode_text<ServiceInfo>(body, read_service);
}

Result<std::vector<ServiceInfo>> decode_services(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  if (!document->is_array()) return invalid_argument("must be a list");
  if (document->size() > kServicesMax) return invalid_argument("has too many items");
  std::vector<ServiceInfo> services;
  for (std::size_t i = 0; i < document->size(); ++i) {
    auto service = decode_object<ServiceInfo>((*document)[i], read_service);
    if (!service) {
      auto error = service.error();
      error.pointer.insert(0, "/" + std::to_string(i));
      return error;
    }
    services.push_back(std::move(*service));
  }
  return services;
}

}  // namespace mx2::codec
