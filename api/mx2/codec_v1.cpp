#include "api/mx2/codec_v1.h"

#include "api/json/json.h"
#include "api/mx2/codec.h"

namespace mx2::codec_v1 {
namespace {

using json::ObjectReader;
using json::Value;

constexpr json::Chars kUeAppId{1, 64};  // its clients use 36-character UUIDs
constexpr json::Chars kUriOrNone{0, 2048};

void refuse_server_member(ObjectReader& reader, const char* name) {
  if (reader.find(name) != nullptr) reader.fail("is given by the server, not by a request", name);
}

void read_app(ObjectReader& reader, ContextAppInfo& info, bool create) {
  reader.required("appName", info.app_name, json::kName32);
  reader.required("appProvider", info.app_provider, json::kName32);
  reader.optional("appSoftVersion", info.app_soft_version, {0, 32});
  reader.optional("appDescription", info.app_description, {0, 128});
  reader.optional("appPackageSource", info.app_package_source, kUriOrNone);
  info.user_app_instance_info.emplace_back();
  if (create) refuse_server_member(reader, "referenceURI");
}

Result<AppContext> decode(std::string_view body, bool create) {
  return json::decode_text<AppContext>(body, [&](ObjectReader& reader, auto& context) {
    reader.required("associateUeAppId", context.associate_dev_app_id, kUeAppId);
    reader.optional("callbackReference", context.callback_reference, kUriOrNone);
    if (context.callback_reference && !context.callback_reference->empty() &&
        !codec::is_http_uri(*context.callback_reference)) {
      reader.fail("must be an absolute http or https URI", "callbackReference");
    }
    reader.required_object("appInfo",
                           [&](ObjectReader& app) { read_app(app, context.app_info, create); });
    if (create) refuse_server_member(reader, "contextId");
  });
}

}  // namespace

Result<AppContext> decode_create_request(std::string_view body) { return decode(body, true); }
Result<AppContext> decode_update_request(std::string_view body) { return decode(body, false); }

std::string encode(const AppContext& context) {
  const auto& info = context.app_info;
  Value app{{"appName", info.app_name}, {"appProvider", info.app_provider}};
  json::ObjectWriter writer(app);
  writer.optional("appSoftVersion", info.app_soft_version.value_or(""));
  writer.optional("appDescription", info.app_description.value_or(""));
  writer.optional("appPackageSource", info.app_package_source.value_or(""));
  if (!info.user_app_instance_info.empty()) {
    app["referenceURI"] = info.user_app_instance_info.front().reference_uri;
  }
  Value out{{"associateUeAppId", context.associate_dev_app_id},
            {"contextId", context.context_id},
            {"appInfo", std::move(app)}};
  json::ObjectWriter(out).optional("callbackReference", context.callback_reference.value_or(""));
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
    json::ObjectWriter writer(item);
    writer.optional("appSoftVersion", app->app_soft_version);
    writer.optional("appDescription", app->app_description);
    list.push_back(std::move(item));
  }
  return json::dump({{"ApplicationList", {{"appInfo", std::move(list)}}}});
}

}  // namespace mx2::codec_v1
