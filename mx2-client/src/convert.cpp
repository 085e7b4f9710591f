#include "mx2-client/src/convert.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/http/http_client.h"
#include "api/http/problem.h"
#include "api/mx2/codec.h"
#include "mx2-client/src/mx2_api.h"

namespace mx2::device {
namespace {

client::ErrorCode code_for(const mx2::Error& error) {
  if (error.cause == kRefusal) return client::ErrorCode::kRefused;
  switch (error.code) {
    case mx2::ErrorCode::kInvalidArgument: return client::ErrorCode::kInvalidArgument;
    case mx2::ErrorCode::kDeadlineExceeded: return client::ErrorCode::kTimeout;
    case mx2::ErrorCode::kUnavailable: return client::ErrorCode::kUnreachable;
    default: return client::ErrorCode::kProtocol;
  }
}

LocationConstraints location_of(const client::Location& location) {
  LocationConstraints out;
  if (!location.country_code.empty()) out.country_code = location.country_code;
  for (const auto& [type, value] : location.civic_address) {
    out.civic_address_element.push_back({type, value});
  }
  if (location.area.empty()) return out;
  out.area.emplace();
  for (const auto& ring : location.area) {
    auto& positions = out.area->rings.emplace_back();
    for (const auto& position : ring) {
      positions.push_back({position.longitude, position.latitude, std::nullopt});
    }
  }
  return out;
}

std::optional<std::string> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

client::Error error_of(const mx2::Error& error) {
  client::Error out{code_for(error), error.detail, 0};
  if (error.cause != kRefusal) return out;
  const auto& text = error.internal_text;
  const auto space = std::min(text.find(' '), text.size());
  out.status = static_cast<int>(parse_uint(text.substr(0, space)).value_or(0));
  out.type = text.substr(std::min(space + 1, text.size()));
  return out;
}

client::Error no_endpoint() {
  return {client::ErrorCode::kNoEndpoint, "the application runs nowhere at present", 0};
}

client::Error closed() { return {client::ErrorCode::kClosed, "the context has been closed", 0}; }

client::App app_of(const AppInfo& info) {
  client::App out{info.app_d_id,         info.app_name,      info.app_provider,
                  info.app_soft_version, info.app_d_version, info.app_description,
                  std::nullopt};
  if (info.app_charcs) out.latency_ms = info.app_charcs->latency;
  return out;
}

AppContext context_of(const client::ContextRequest& request) {
  AppContext out;
  out.associate_dev_app_id = request.device_app_id;
  if (request.auto_instantiation) out.app_auto_instantiation = true;
  if (request.location_updates) out.app_location_updates = true;
  out.app_info.app_d_id = if_any(request.app_d_id);
  out.app_info.app_name = request.app_name;
  out.app_info.app_provider = request.app_provider;
  out.app_info.app_d_version = request.app_d_version;
  out.app_info.app_soft_version = if_any(request.app_soft_version);
  UserAppInstance instance;
  if (request.location) instance.app_location = location_of(*request.location);
  out.app_info.user_app_instance_info.assign(request.endpoints, instance);
  return out;
}

mx2::Result<void> check(const client::ContextRequest& request) {
  if (request.app_name.empty() && request.app_d_id.empty()) {
    return invalid_argument("app_name or app_d_id is needed");
  }
  if (request.endpoints < 1 || request.endpoints > codec::kInstancesMax) {
    return invalid_argument("endpoints must be 1 to " + std::to_string(codec::kInstancesMax));
  }
  if (!(request.persistence >= 0 && request.persistence <= 1)) {
    return invalid_argument("persistence must be a probability");
  }
  return {};
}

mx2::Result<void> check(const client::ClientOptions& options) {
  if (!codec::is_http_uri(options.url)) {
    return invalid_argument("'" + options.url + "' is no http or https URL");
  }
  return {};
}

std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds wait) {
  constexpr std::chrono::hours kForEver{24 * 365 * 10};
  return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(wait, kForEver);
}

client::ClientOptions bounded(client::ClientOptions options) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
  for (auto* time : {&options.timeout, &options.connect_timeout, &options.invoke_timeout,
                     &options.move_wait, &options.poll_interval}) {
    *time = std::clamp(*time, std::chrono::milliseconds(0), kLongest);
  }
  return options;
}

mx2::Result<void> check_content_type(const std::string& content_type) {
  if (content_type.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return invalid_argument("a content type has no line breaks");
  }
  return {};
}

}  // namespace mx2::device
