#include "api/mx2/codec_v1.h"

#include "api/json/json.h"
#include "api/mx2/codec.h"

namespace mx2::codec_v1 {
namespace {

using json::ObjectReader;
using json::Value;

constexpr json::Chars kUeAppId{1, 64};  // its clients use 36-character UUIDs
constexpr json::Chars kUri{0, 2048};

void set_unless_empty(Value& object, const char* name, const std::optional<std::string>& value) {
  if (value && !value->empty()) object[name] = *value;
}

void read_app(const Value& value, ContextAppInfo& info, std::optional<Error>& error) {
  ObjectReader reader(value, "/appInfo", error);
  reader.required("appName", info.app_name, json::kName32);
  reader.required("appProvider", info.app_provider, json::kName32);
  reader.optional("appSoftVersion", info.app_soft_version, {0, 32});
  reader.optional("appDescription", info.app_description, {0, 128});
  reader.optional("appPackageSource", info.app_package_source, kUri);
  info.user_app_instance_info.emplace_back();
}

void refuse_server_members(const Value& document, std::optional<Error>& error) {
  ObjectReader reader(document, "", error);
  const auto* info = reader.object("appInfo");
  if (reader.find("contextId") != nullptr) {
    reader.fail("is given by the server, not by a request", "contextId");
  }
  if (info == nullptr) return;
  ObjectReader app(*info, "/appInfo", error);
  if (app.find("referenceURI") != nullptr) {
    app.fail("is given by the server, not by a request", "referenceURI");
  }
}

Result<AppContext> decode(std::string_view body, bool create) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  std::optional<Error> error;
  AppContext context;
  ObjectReader reader(*document, "", error);
  reader.required("associateUeAppId", context.associate_dev_app_id, kUeAppId);
  reader.optional("callbackReference", context.callback_reference, kUri);
  if (context.callback_reference && !context.callback_reference->empty() &&
      !codec::is_http_uri(*context.callback_reference)) {
    reader.fail("must be an absolute http or https URI", "callbackReference");
  }
  if (const auto* info = reader.need("appInfo", Value::value_t::object)) {
    read_app(*info, context.app_info, error);
  }
  if (create && !error) refuse_server_members(*document, error);
  if (error) return *error;
  return context;
}

}  // namespace

Result<AppContext> decode_create_request(std::string_view body) { return decode(body, true); }
Result<AppContext> decode_update_request(std::string_view body) { return decode(body, false); }

std::string encode(const AppContext& context) {
  const auto& info = context.app_info;
  Value app{{"appName", info.app_name}, {"appProvider", info.app_provider}};
  set_unless_empty(app, "appSoftVersion", info.app_soft_version);
  set_unless_empty(app, "appDescription", info.app_description);
  set_unless_empty(app, "appPackageSource", info.app_package_source);
  if (!info.user_app_instance_info.empty()) {
    app["referenceURI"] = info.user_app_instance_info.front().reference_uri;
  }
  Value out{{"associateUeAppId", context.associate_dev_app_id},
            {"contextId", context.context_id},
            {"appInfo", std::move(app)}};
  set_unless_empty(out, "callbackReference", context.callback_reference);
  return json::dump(out);
}

std::string encode_application_list(const std::vector<const AppInfo*>& apps) {
  auto list = Value::array();
  for (const auto* app : apps) {
    const auto charcs = app->app_charcs.value_or(AppCharcs{});
    Value item{{"appName", app->app_name},
               {"appProvider", app->app_provider},
               {"appCharcs",
                {{"memory", charcs.memory.value_or(0)},
                 {"storage", charcs.storage.value_or(0)},
                 {"latency", charcs.latency.value_or(0)},
                 {"bandwidth", charcs.bandwidth.value_or(0)},
                 {"serviceCont", charcs.service_cont.value_or(0)}}}};
    set_unless_empty(item, "appSoftVersion", app->app_soft_version);
    set_unless_empty(item, "appDescription", app->app_description);
    list.push_back(std::move(item));
  }
  return json::dump({{"ApplicationList", {{"appInfo", std::move(list)}}}});
}

}  // namespace mx2::codec_v1
