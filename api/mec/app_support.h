// Mp1 between an app instance and its platform: the data types of ETSI GS MEC 011 V2.1.1
// (mec_app_support/v1) that have to do with an instance's life, and their JSON, both directions.
// Bare objects; unknown attributes are ignored. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2 {

enum class OperationAction : std::uint8_t { kStopping, kTerminating };
inline constexpr EnumTexts<2> kOperationActions{"STOPPING", "TERMINATING"};
[[nodiscard]] std::string_view to_text(OperationAction action);

struct AppTerminationSubscription {
  std::string id;  // of ours; on the wire it is the end of _links.self
  std::string app_instance_id;
  std::string callback_reference;
};

struct AppTerminationNotification {
  OperationAction action = OperationAction::kTerminating;
  std::int64_t max_graceful_timeout_s = 1;  // at least 1
  std::string subscription_href;
  std::string confirm_href;
};

namespace codec {

inline constexpr const char* kAppSupportPath = "/mec_app_support/v1";

// `root` is the URI of the API, ".../mec_app_support/v1", for _links. Requests have none.
[[nodiscard]] Result<void> decode_app_ready(std::string_view body);
[[nodiscard]] std::string encode_app_ready();
[[nodiscard]] Result<OperationAction> decode_termination_confirmation(std::string_view body);
[[nodiscard]] std::string encode_termination_confirmation(OperationAction action);

[[nodiscard]] std::string encode_termination_subscription(
    const AppTerminationSubscription& subscription);
// The identifiers of a MecAppSuptApiSubscriptionLinkList.
[[nodiscard]] Result<std::vector<std::string>> decode_subscription_links(std::string_view body);
[[nodiscard]] Result<AppTerminationSubscription> decode_termination_subscription(
    std::string_view body);
[[nodiscard]] json::Value to_json(const AppTerminationSubscription& subscription,
                                  const std::string& root);
// MecAppSuptApiSubscriptionLinkList.
[[nodiscard]] json::Value to_json(const std::string& app_instance_id,
                                  const std::vector<AppTerminationSubscription>& subscriptions,
                                  const std::string& root);

[[nodiscard]] std::string encode(const AppTerminationNotification& notification);
[[nodiscard]] Result<AppTerminationNotification> decode_termination_notification(
    std::string_view body);

// CurrentTime and TimingCaps; this platform names no time servers.
[[nodiscard]] json::Value current_time_json(std::int64_t now_ms);
[[nodiscard]] json::Value timing_caps_json(std::int64_t now_ms);

}  // namespace codec
}  // namespace mx2
