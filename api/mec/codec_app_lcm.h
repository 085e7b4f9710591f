// JSON of MEC 010-2 app_lcm/v1, both directions: bare objects, absent attributes omitted, unknown
// ones ignored. Every decoding error is invalid_argument with the JSON pointer of the attribute.
// Pure functions.
//
// Spelling. ETSI's own OpenAPI document of V2.1.1 has INSTATIATE as the only name of that
// lcmOperation in an AppInstanceLcmOpOcc, so it is written there and nowhere else; both spellings
// are read everywhere. subscriptionType is read as in V2.1.1 (AppInstanceStateChange) and as in
// V3.1.1 (AppInstanceStateChangeSubscription), and answered as it came.
//
// `root` is the URI of the API, ".../app_lcm/v1", for _links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/mec/app_lcm.h"

namespace mx2::codec {

inline constexpr const char* kAppLcmPath = "/app_lcm/v1";
inline constexpr std::size_t kAppInstancesMax = 100'000;  // in one answered list

[[nodiscard]] Result<CreateAppInstanceRequest> decode_create_app_instance(std::string_view body);
[[nodiscard]] Result<InstantiateAppRequest> decode_instantiate_app(std::string_view body);
[[nodiscard]] Result<TerminateAppRequest> decode_terminate_app(std::string_view body);
[[nodiscard]] Result<OperateAppRequest> decode_operate_app(std::string_view body);
[[nodiscard]] Result<CancelRequest> decode_cancel(std::string_view body);
[[nodiscard]] std::string encode(const CreateAppInstanceRequest& request);
[[nodiscard]] std::string encode(const InstantiateAppRequest& request);
[[nodiscard]] std::string encode(const TerminateAppRequest& request);
[[nodiscard]] std::string encode(const OperateAppRequest& request);
[[nodiscard]] std::string encode(const CancelRequest& request);

[[nodiscard]] Result<AppInstanceInfo> decode_app_instance(const json::Value& document);
[[nodiscard]] Result<std::vector<AppInstanceInfo>> decode_app_instances(std::string_view body);
[[nodiscard]] json::Value to_json(const AppInstanceInfo& instance, const std::string& root);

[[nodiscard]] Result<AppLcmOpOcc> decode_app_lcm_op_occ(const json::Value& document);
[[nodiscard]] json::Value to_json(const AppLcmOpOcc& operation, const std::string& root);

[[nodiscard]] Result<LcmSubscription> decode_lcm_subscription_request(std::string_view body);
[[nodiscard]] std::string encode_lcm_subscription_request(const LcmSubscription& subscription);
// The answer to it: of the request, its id.
[[nodiscard]] Result<LcmSubscription> decode_lcm_subscription(const json::Value& document);
[[nodiscard]] json::Value to_json(const LcmSubscription& subscription, const std::string& root);
// SubscriptionLinkList.
[[nodiscard]] json::Value to_json(const std::vector<LcmSubscription>& subscriptions,
                                  const std::string& root);
// The value of subscriptionType, and the kind of a value of either version.
[[nodiscard]] std::string_view subscription_type(LcmSubscription::Kind kind);
[[nodiscard]] std::optional<LcmSubscription::Kind> parse_subscription_type(std::string_view text);

[[nodiscard]] Result<LcmNotification> decode_lcm_notification(std::string_view body);
[[nodiscard]] std::string encode(const LcmNotification& notification, const std::string& root);

// What all APIs of ETSI have: TimeStamp {seconds, nanoSeconds} (clause 6.2.5.4), LinkType.
[[nodiscard]] json::Value timestamp_json(std::int64_t ms);
void timestamp(json::ObjectReader& reader, const char* name, std::int64_t& ms);
void timestamp(json::ObjectWriter& writer, const char* name, std::int64_t ms);
[[nodiscard]] json::Value link(const std::string& href);

}  // namespace mx2::codec
