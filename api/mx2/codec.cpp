#include "api/mx2/codec.h"

#include <algorithm>

#include "api/base/ip.h"
#include "api/base/text.h"
#include "api/json/form.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr json::Chars kDescription{0, 128};
constexpr json::Chars kUri{1, 2048};
constexpr std::int64_t kUint32Max = 4294967295;
constexpr std::size_t kVendorDepthMax = 16;  // lists of apps are read with json::parse(), too

enum class Direction { kCreate, kUpdate, kRepresentation, kStored };

template <typename T>
void set_if(Value& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

void set_if(Value& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

// Levels of objects and arrays; parse() bounds them.
std::size_t depth(const Value& value) {
  if (!value.is_structured()) return 0;
  std::size_t deepest = 0;
  for (const auto& item : value) deepest = std::max(deepest, depth(item));
  return deepest + 1;
}

Strictness strictness_of(Direction direction) {
  switch (direction) {
    case Direction::kCreate: return Strictness::kFull;
    case Direction::kStored: return Strictness::kStored;
    default: return Strictness::kSchemaOnly;
  }
}

void read_http_uri(ObjectReader& reader, const char* name, std::optional<std::string>& out) {
  reader.optional(name, out, kUri);
  if (out && reader.ok() && !is_http_uri(*out)) {
    reader.fail("must be an absolute http or https URI", name);
  }
}

UserAppInstance read_instance(const Value& value, const std::string& pointer, Direction direction,
                              std::optional<Error>& error) {
  UserAppInstance instance;
  ObjectReader reader(value, pointer, error);
  const auto strictness = strictness_of(direction);
  if (direction != Direction::kCreate) {
    const auto text = chars(json::kAnyText, strictness);
    reader.optional("appInstanceId", instance.app_instance_id, text);
    reader.optional("referenceURI", instance.reference_uri, text);
  }
  if (const auto* location = reader.object("appLocation")) {
    instance.app_location = read_location(*location, reader.at("appLocation"), strictness, error);
  }
  return instance;
}

std::size_t positions_of(const std::vector<UserAppInstance>& items) {
  std::size_t positions = 0;
  for (const auto& item : items) {
    if (!item.app_location || !item.app_location->area) continue;
    for (const auto& ring : item.app_location->area->rings) positions += ring.size();
  }
  return positions;
}

void read_instances(ObjectReader& reader, Direction direction, ContextAppInfo& info) {
  const auto* items = reader.need("userAppInstanceInfo", Value::value_t::array);
  if (items == nullptr) return;
  if (items->empty()) reader.fail("must have at least one item", "userAppInstanceInfo");
  if (items->size() > kInstancesMax && direction != Direction::kStored) {
    reader.fail("has more than " + std::to_string(kInstancesMax) + " items", "userAppInstanceInfo");
  }
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    info.user_app_instance_info.push_back(
        read_instance((*items)[i], reader.at("userAppInstanceInfo") + "/" + std::to_string(i),
                      direction, reader.error()));
  }
  const bool request = direction != Direction::kRepresentation;
  if (request && positions_of(info.user_app_instance_info) > kPositionsOfRequestMax) {
    reader.fail(
        "polygons have more than " + std::to_string(kPositionsOfRequestMax) + " positions together",
        "userAppInstanceInfo");
  }
}

void read_context_app_info(const Value& value, Direction direction, ContextAppInfo& info,
                           std::optional<Error>& error) {
  ObjectReader reader(value, "/appInfo", error);
  const auto strictness = strictness_of(direction);
  const auto name = chars(json::kName32, strictness);
  reader.optional("appDId", info.app_d_id, chars(json::kIdentifier, strictness));
  reader.required("appName", info.app_name, name);
  reader.required("appProvider", info.app_provider, name);
  reader.optional("appSoftVersion", info.app_soft_version, chars({0, 32}, strictness));
  reader.required("appDVersion", info.app_d_version, chars({0, 256}, strictness));
  reader.optional("appDescription", info.app_description, chars(kDescription, strictness));
  if (direction == Direction::kCreate) {
    read_http_uri(reader, "appPackageSource", info.app_package_source);
  } else {  // not acted upon
    reader.optional("appPackageSource", info.app_package_source, chars(kUri, strictness));
  }
  read_instances(reader, direction, info);
}

// The retired name of associateDevAppId: the one unknown attribute that is refused, because a
// client that sends it speaks another version.
void refuse_legacy_name(ObjectReader& reader) {
  if (reader.find("associateUeAppId") == nullptr) return;
  reader.fail("belongs to V1.1.1 and V2.1.1; use associateDevAppId", "associateUeAppId");
}

void check_create_rules(ObjectReader& reader, const AppContext& context) {
  const bool updates = context.app_location_updates.value_or(false);
  if (updates && context.app_auto_instantiation.value_or(false)) {
    reader.fail("appLocationUpdates and appAutoInstantiation shall not both be true");
  }
  if (updates && !context.callback_reference) {
    reader.fail("needs a callbackReference to notify", "appLocationUpdates");
  }
}

Result<AppContext> decode_context(const Value& document, Direction direction) {
  std::optional<Error> error;
  AppContext context;
  ObjectReader reader(document, "", error);
  const bool request = direction == Direction::kCreate || direction == Direction::kUpdate;
  const auto strictness = strictness_of(direction);
  if (request) refuse_legacy_name(reader);
  if (direction == Direction::kCreate && reader.find("contextId") != nullptr) {
    reader.fail("is given by the server, not by a create request", "contextId");
  }
  reader.optional("contextId", context.context_id, chars(json::kAnyText, strictness));
  // Contexts of the V1.1.1 dialect share the store, and their identifiers may be longer.
  reader.required("associateDevAppId", context.associate_dev_app_id,
                  request ? json::kName32 : chars(json::kIdentifier, strictness));
  if (direction == Direction::kStored) {
    reader.optional("callbackReference", context.callback_reference, json::Chars{});
  } else {
    read_http_uri(reader, "callbackReference", context.callback_reference);
  }
  reader.optional("appLocationUpdates", context.app_location_updates);
  reader.optional("appAutoInstantiation", context.app_auto_instantiation);
  if (const auto* info = reader.need("appInfo", Value::value_t::object)) {
    read_context_app_info(*info, direction, context.app_info, error);
  }
  if (direction == Direction::kCreate && !error) check_create_rules(reader, context);
  if (error) return *error;
  return context;
}

// {"appContext": {…}} and {"AppContext": {…}}, as an early draft of V2.2.1 had it.
const Value& unwrapped(const Value& document, const char* draft_name, const char* type_name) {
  if (!document.is_object() || document.size() != 1) return document;
  for (const char* name : {draft_name, type_name}) {
    const auto it = document.find(name);
    if (it != document.end()) return *it;
  }
  return document;
}

Result<AppContext> decode_wrapped(std::string_view body, Direction direction) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  return decode_context(unwrapped(*document, "appContext", "AppContext"), direction);
}

Value to_json(const AppCharcs& charcs) {
  auto out = Value::object();
  set_if(out, "memory", charcs.memory);
  set_if(out, "storage", charcs.storage);
  set_if(out, "latency", charcs.latency);
  set_if(out, "bandwidth", charcs.bandwidth);
  set_if(out, "serviceCont", charcs.service_cont);
  return out;
}

}  // namespace

Value to_json(const UserAppInstance& instance) {
  auto out = Value::object();
  set_if(out, "appInstanceId", instance.app_instance_id);
  set_if(out, "referenceURI", instance.reference_uri);
  if (instance.app_location) out["appLocation"] = codec::to_json(*instance.app_location);
  return out;
}

bool is_http_uri(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const auto scheme = to_lower(text.substr(0, scheme_end));
  const auto rest = text.substr(scheme_end + 3);
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
  return (scheme == "http" || scheme == "https") && visible &&
         is_authority(rest.substr(0, rest.find_first_of("/?#")));
}

bool is_authority(std::string_view text) {
  const bool v6 = !text.empty() && text[0] == '[';
  const auto host_end = v6 ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  if (host_end == 0) return false;
  const auto host = text.substr(0, host_end);
  const bool name =
      !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '.' || c == '_';
      });
  if (v6 ? !IpAddress::parse(host.substr(1, host_end - 2)) : !name) return false;
  if (host_end == text.size()) return true;
  const auto port = text[host_end] == ':' ? parse_uint(text.substr(host_end + 1)).value_or(0) : 0;
  return port >= 1 && port <= 65535;
}

Result<AppContext> decode_create_request(std::string_view body) {
  return decode_wrapped(body, Direction::kCreate);
}

Result<AppContext> decode_update_request(std::string_view body) {
  return decode_wrapped(body, Direction::kUpdate);
}

Result<AppContext> decode_app_context(std::string_view body) {
  return decode_wrapped(body, Direction::kRepresentation);
}

Result<AppContext> decode_stored_context(std::string_view body) {
  return decode_wrapped(body, Direction::kStored);
}

std::string encode(const AppContext& context) {
  Value info{{"appName", context.app_info.app_name},
             {"appProvider", context.app_info.app_provider},
             {"appDVersion", context.app_info.app_d_version}};
  set_if(info, "appDId", context.app_info.app_d_id);
  set_if(info, "appSoftVersion", context.app_info.app_soft_version);
  set_if(info, "appDescription", context.app_info.app_description);
  set_if(info, "appPackageSource", context.app_info.app_package_source);
  auto& instances = info["userAppInstanceInfo"] = Value::array();
  for (const auto& instance : context.app_info.user_app_instance_info) {
    instances.push_back(to_json(instance));
  }
  Value out{{"associateDevAppId", context.associate_dev_app_id}, {"appInfo", std::move(info)}};
  set_if(out, "contextId", context.context_id);
  set_if(out, "callbackReference", context.callback_reference);
  set_if(out, "appLocationUpdates", context.app_location_updates);
  set_if(out, "appAutoInstantiation", context.app_auto_instantiation);
  return json::dump(out);
}

Result<ApplicationLocationAvailability> decode_location_availability(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  const auto& value =
      unwrapped(*document, "applicationLocationAvailability", "ApplicationLocationAvailability");
  std::optional<Error> error;
  ApplicationLocationAvailability out;
  ObjectReader reader(value, "", error);
  refuse_legacy_name(reader);
  reader.required("associateDevAppId", out.associate_dev_app_id, json::kName32);
  const auto* info = reader.need("appInfo", Value::value_t::object);
  if (info != nullptr) {
    ObjectReader app(*info, "/appInfo", error);
    app.required("appName", out.app_name, json::kName32);
    app.required("appProvider", out.app_provider, json::kName32);
    app.optional("appSoftVersion", out.app_soft_version, {0, 32});
    app.required("appDVersion", out.app_d_version, {0, 256});
    app.optional("appDescription", out.app_description, kDescription);
    read_http_uri(app, "appPackageSource", out.app_package_source);
  }
  if (error) return *error;
  return out;
}

std::string encode(const ApplicationLocationAvailability& availability) {
  Value info{{"appName", availability.app_name},
             {"appProvider", availability.app_provider},
             {"appDVersion", availability.app_d_version}};
  set_if(info, "appSoftVersion", availability.app_soft_version);
  set_if(info, "appDescription", availability.app_description);
  set_if(info, "appPackageSource", availability.app_package_source);
  auto& locations = info["availableLocations"] = Value::array();
  for (const auto& location : availability.available_locations) {
    locations.push_back({{"appLocation", to_json(location)}});
  }
  return json::dump(
      {{"associateDevAppId", availability.associate_dev_app_id}, {"appInfo", std::move(info)}});
}

std::vector<LocationConstraints> read_locations(ObjectReader& reader, const char* name,
                                                Strictness strictness) {
  std::vector<LocationConstraints> locations;
  const bool stored = strictness == Strictness::kStored;
  const auto* items = reader.array(name, stored ? json::kNoLimit : kLocationsMax);
  if (items == nullptr) return locations;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    locations.push_back(read_location((*items)[i], reader.at(name) + "/" + std::to_string(i),
                                      strictness, reader.error()));
  }
  return locations;
}

void read_app_info(ObjectReader& reader, AppInfo& app, Strictness strictness) {
  const auto name = chars(json::kName32, strictness);
  reader.required("appDId", app.app_d_id, chars(json::kIdentifier, strictness));
  reader.required("appName", app.app_name, name);
  reader.required("appProvider", app.app_provider, name);
  reader.required("appSoftVersion", app.app_soft_version, chars({0, 32}, strictness));
  reader.required("appDVersion", app.app_d_version, chars({0, 256}, strictness));
  reader.required("appDescription", app.app_description, chars(kDescription, strictness));
  app.app_location = read_locations(reader, "appLocation", strictness);
  if (const auto* charcs = reader.object("appCharcs")) {
    ObjectReader sub(*charcs, reader.at("appCharcs"), reader.error());
    auto& out = app.app_charcs.emplace();
    sub.optional("memory", out.memory, 0, kUint32Max);
    sub.optional("storage", out.storage, 0, kUint32Max);
    sub.optional("latency", out.latency, 0, kUint32Max);
    sub.optional("bandwidth", out.bandwidth, 0, kUint32Max);
    sub.optional("serviceCont", out.service_cont, 0, 1);
  }
  if (const auto* vendor = reader.object("vendorSpecificExt")) {
    ObjectReader sub(*vendor, reader.at("vendorSpecificExt"), reader.error());
    sub.required("vendorId", app.vendor_id.emplace(), name);
    if (strictness == Strictness::kFull && depth(*vendor) > kVendorDepthMax) {
      reader.fail("is nested deeper than " + std::to_string(kVendorDepthMax) + " levels",
                  "vendorSpecificExt");
    }
    app.vendor_specific_ext = json::dump(*vendor);
  }
}

Value to_json(const AppInfo& app) {
  Value out{{"appDId", app.app_d_id},           {"appName", app.app_name},
            {"appProvider", app.app_provider},  {"appSoftVersion", app.app_soft_version},
            {"appDVersion", app.app_d_version}, {"appDescription", app.app_description}};
  for (const auto& location : app.app_location) out["appLocation"].push_back(to_json(location));
  if (app.app_charcs) out["appCharcs"] = to_json(*app.app_charcs);
  return out;
}

std::string encode_application_list(const std::vector<const AppInfo*>& apps) {
  auto list = Value::array();
  for (const auto* app : apps) {
    Value item{{"appInfo", to_json(*app)}};
    if (!app->vendor_specific_ext.empty()) {
      item["vendorSpecificExt"] = Value::parse(app->vendor_specific_ext);
    }
    list.push_back(std::move(item));
  }
  return json::dump({{"appList", std::move(list)}});
}

Result<std::vector<AppInfo>> decode_application_list(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  std::optional<Error> error;
  ObjectReader reader(*document, "", error);
  std::vector<AppInfo> apps;
  const auto* list = reader.need("appList", Value::value_t::array);
  for (std::size_t i = 0; list != nullptr && i < list->size() && !error; ++i) {
    ObjectReader item((*list)[i], reader.at("appList") + "/" + std::to_string(i), error);
    const auto* info = item.need("appInfo", Value::value_t::object);
    if (info == nullptr) break;
    ObjectReader app(*info, item.at("appInfo"), error);
    read_app_info(app, apps.emplace_back());
  }
  if (error) return *error;
  return apps;
}

}  // namespace mx2::codec
