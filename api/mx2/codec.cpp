#include "api/mx2/codec.h"

#include <algorithm>

#include "api/base/ip.h"
#include "api/base/text.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr json::Chars kDescription{0, 128};
constexpr std::int64_t kUint32Max = 4294967295;
constexpr std::size_t kVendorDepthMax = 16;  // lists of apps are read with json::parse(), too

enum class Direction { kCreate, kUpdate, kRepresentation, kStored };

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

void check_http_uri(ObjectReader& reader, const char* name, const std::optional<std::string>& uri) {
  if (uri && !is_http_uri(*uri)) reader.fail("must be an absolute http or https URI", name);
}

// What contexts and questions about availability say of an app.
constexpr auto kNamedApp = [](auto& io, auto& app, Strictness strictness) {
  io.required("appName", app.app_name, chars(json::kName32, strictness));
  io.required("appProvider", app.app_provider, chars(json::kName32, strictness));
  io.optional("appSoftVersion", app.app_soft_version, chars({0, 32}, strictness));
  io.required("appDVersion", app.app_d_version, chars({0, 256}, strictness));
  io.optional("appDescription", app.app_description, chars(kDescription, strictness));
  io.optional("appPackageSource", app.app_package_source, chars(json::kUri, strictness));
};

constexpr auto kUserAppInstance = [](auto& io, auto& instance, Direction direction) {
  const auto strictness = strictness_of(direction);
  if (direction != Direction::kCreate) {
    io.optional("appInstanceId", instance.app_instance_id, chars(json::kAnyText, strictness));
    io.optional("referenceURI", instance.reference_uri, chars(json::kAnyText, strictness));
  }
  io.optional_object("appLocation", instance.app_location, [&](auto& members, auto& location) {
    location_members(members, location, strictness);
  });
};

constexpr auto kAppContext = [](auto& io, auto& context, Direction direction) {
  const auto strictness = strictness_of(direction);
  const bool request = direction == Direction::kCreate || direction == Direction::kUpdate;
  io.optional("contextId", context.context_id, chars(json::kAnyText, strictness));
  // Contexts of the V1.1.1 dialect share the store, and their identifiers may be longer.
  io.required("associateDevAppId", context.associate_dev_app_id,
              request ? json::kName32 : chars(json::kIdentifier, strictness));
  io.optional("callbackReference", context.callback_reference, chars(json::kUri, strictness));
  io.optional("appLocationUpdates", context.app_location_updates);
  io.optional("appAutoInstantiation", context.app_auto_instantiation);
  io.required_object("appInfo", [&](auto& app) {
    auto& info = context.app_info;
    app.optional("appDId", info.app_d_id, chars(json::kIdentifier, strictness));
    kNamedApp(app, info, strictness);
    app.required_items(
        "userAppInstanceInfo", info.user_app_instance_info, at_most(kInstancesMax, strictness),
        [&](auto& item, auto& instance) { kUserAppInstance(item, instance, direction); });
  });
};

constexpr auto kAppInfo = [](auto& io, auto& app, Strictness strictness) {
  io.required("appDId", app.app_d_id, chars(json::kIdentifier, strictness));
  io.required("appName", app.app_name, chars(json::kName32, strictness));
  io.required("appProvider", app.app_provider, chars(json::kName32, strictness));
  io.required("appSoftVersion", app.app_soft_version, chars({0, 32}, strictness));
  io.required("appDVersion", app.app_d_version, chars({0, 256}, strictness));
  io.required("appDescription", app.app_description, chars(kDescription, strictness));
  location_items(io, "appLocation", app.app_location, strictness);
  io.optional_object("appCharcs", app.app_charcs, [](auto& members, auto& charcs) {
    members.optional("memory", charcs.memory, 0, kUint32Max);
    members.optional("storage", charcs.storage, 0, kUint32Max);
    members.optional("latency", charcs.latency, 0, kUint32Max);
    members.optional("bandwidth", charcs.bandwidth, 0, kUint32Max);
    members.optional("serviceCont", charcs.service_cont, 0, 1);
  });
};

std::size_t positions_of(const std::vector<UserAppInstance>& items) {
  std::size_t positions = 0;
  for (const auto& item : items) {
    if (!item.app_location || !item.app_location->area) continue;
    for (const auto& ring : item.app_location->area->rings) positions += ring.size();
  }
  return positions;
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

void check_context(ObjectReader& reader, const AppContext& context, Direction direction) {
  if (direction == Direction::kStored) return;
  check_http_uri(reader, "callbackReference", context.callback_reference);
  if (direction == Direction::kRepresentation) return;
  reader.required_object("appInfo", [&](ObjectReader& app) {
    const auto& info = context.app_info;
    // That of an update is not acted upon.
    if (direction == Direction::kCreate) {
      check_http_uri(app, "appPackageSource", info.app_package_source);
    }
    if (positions_of(info.user_app_instance_info) > kPositionsOfRequestMax) {
      app.fail("polygons have more than " + std::to_string(kPositionsOfRequestMax) +
                   " positions together",
               "userAppInstanceInfo");
    }
  });
  if (direction == Direction::kCreate) check_create_rules(reader, context);
}

void read_context(ObjectReader& reader, AppContext& context, Direction direction) {
  if (direction == Direction::kCreate || direction == Direction::kUpdate) {
    refuse_legacy_name(reader);
  }
  if (direction == Direction::kCreate && reader.find("contextId") != nullptr) {
    reader.fail("is given by the server, not by a create request", "contextId");
  }
  kAppContext(reader, context, direction);
  if (reader.ok()) check_context(reader, context, direction);
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
  return json::decode_object<AppContext>(
      unwrapped(*document, "appContext", "AppContext"),
      [&](ObjectReader& reader, auto& context) { read_context(reader, context, direction); });
}

}  // namespace

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
  return json::dump(json::object_of(context, [](auto& writer, const auto& value) {
    kAppContext(writer, value, Direction::kStored);
  }));
}

Result<ApplicationLocationAvailability> decode_location_availability(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  return json::decode_object<ApplicationLocationAvailability>(
      unwrapped(*document, "applicationLocationAvailability", "ApplicationLocationAvailability"),
      [](ObjectReader& reader, auto& out) {
        refuse_legacy_name(reader);
        reader.required("associateDevAppId", out.associate_dev_app_id, json::kName32);
        reader.required_object("appInfo", [&](ObjectReader& app) {
          kNamedApp(app, out, Strictness::kFull);
          check_http_uri(app, "appPackageSource", out.app_package_source);
        });
      });
}

std::string encode(const ApplicationLocationAvailability& availability) {
  auto info = json::object_of(availability, [](auto& writer, const auto& value) {
    kNamedApp(writer, value, Strictness::kStored);
  });
  auto& locations = info["availableLocations"] = Value::array();
  for (const auto& location : availability.available_locations) {
    locations.push_back({{"appLocation", to_json(location)}});
  }
  return json::dump(
      {{"associateDevAppId", availability.associate_dev_app_id}, {"appInfo", std::move(info)}});
}

void read_app_info(ObjectReader& reader, AppInfo& app, Strictness strictness) {
  kAppInfo(reader, app, strictness);
  reader.optional_object("vendorSpecificExt", [&](ObjectReader& extension) {
    extension.required("vendorId", app.vendor_id.emplace(), chars(json::kName32, strictness));
    const auto& vendor = *reader.find("vendorSpecificExt");
    if (strictness == Strictness::kFull && depth(vendor) > kVendorDepthMax) {
      extension.fail("is nested deeper than " + std::to_string(kVendorDepthMax) + " levels");
    }
    app.vendor_specific_ext = json::dump(vendor);
  });
}

Value to_json(const AppInfo& app) {
  return json::object_of(
      app, [](auto& writer, const auto& value) { kAppInfo(writer, value, Strictness::kStored); });
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
  return json::decode_text<std::vector<AppInfo>>(body, [](ObjectReader& reader, auto& apps) {
    if (reader.need("appList", Value::value_t::array) == nullptr) return;
    reader.optional_items("appList", apps, json::kNoLimit, [](ObjectReader& item, AppInfo& app) {
      item.required_object("appInfo", [&](ObjectReader& info) { read_app_info(info, app); });
    });
  });
}

}  // namespace mx2::codec
