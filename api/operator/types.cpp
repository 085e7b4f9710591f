#include "api/operator/types.h"

#include "api/json/json.h"

namespace mx2 {
namespace {

// The part after "dev:", "host:" or "endpoint:": present, bounded, on one line, without spaces at
// its ends, so that it survives CSV and logs.
bool acceptable(std::string_view value) {
  return !value.empty() && value.size() <= 2048 && json::is_single_line(value) &&
         value.find(' ') == std::string_view::npos;
}

}  // namespace

Result<UeSelector> UeSelector::parse(std::string_view text) {
  UeSelector selector;
  if (text == "*") return selector;
  if (text.starts_with("dev:")) {
    selector.kind = Kind::kDevApp;
    selector.dev_app_id = text.substr(4);
    if (selector.dev_app_id.empty() || selector.dev_app_id.size() > 256 ||
        !json::is_single_line(selector.dev_app_id)) {
      return invalid_argument("a dev: selector needs an associateDevAppId of at most 256 bytes");
    }
    return selector;
  }
  if (text.starts_with("ip:")) {
    const auto prefix = IpPrefix::parse(text.substr(3));
    if (!prefix) {
      return invalid_argument("'" + std::string(text) +
                              "' is no address or prefix without host bits (e.g. ip:10.1.0.0/16)");
    }
    selector.kind = Kind::kIp;
    selector.prefix = *prefix;
    return selector;
  }
  return invalid_argument("'" + std::string(text) +
                          "' is no UE selector: use dev:<associateDevAppId>, "
                          "ip:<address>[/<prefix>] or *");
}

std::string UeSelector::text() const {
  switch (kind) {
    case Kind::kDevApp: return "dev:" + dev_app_id;
    case Kind::kIp: return "ip:" + prefix.text();
    case Kind::kAny: break;
  }
  return "*";
}

Result<Target> Target::parse(std::string_view text) {
  for (const auto kind : {Kind::kHost, Kind::kEndpoint}) {
    const std::string_view prefix = kind == Kind::kHost ? "host:" : "endpoint:";
    if (text.starts_with(prefix) && acceptable(text.substr(prefix.size()))) {
      return Target{kind, std::string(text.substr(prefix.size()))};
    }
  }
  return invalid_argument("'" + std::string(text) +
                          "' is no target: use host:<host id> or endpoint:<address>");
}

std::string Target::text() const { return (kind == Kind::kHost ? "host:" : "endpoint:") + value; }

std::string_view to_text(HostState state) { return enum_text(state, kHostStates); }
std::string_view to_text(Strategy strategy) { return enum_text(strategy, kStrategies); }
std::string_view to_text(Writer writer) { return enum_text(writer, kWriters); }
std::string_view to_text(TableVersion::Kind kind) { return enum_text(kind, kTableVersionKinds); }

}  // namespace mx2
