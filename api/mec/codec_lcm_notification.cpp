// Subscriptions and notifications.
#include "api/mec/codec_app_lcm.h"
#include "api/mec/codec_support.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::size_t kFilterItemsMax = 1000;
constexpr std::string_view kInstanceChange = "AppInstanceStateChange";
constexpr std::string_view kOperationChange = "AppLcmOpOccStateChange";
constexpr std::string_view kSuffix = "Subscription";  // of V3.1.1
constexpr auto kInstanceStates = {AppInstanceState::kNotInstantiated, AppInstanceState::kStarted,
                                  AppInstanceState::kStopped};
constexpr auto kOperations = {LcmOperation::kInstantiate, LcmOperation::kOperate,
                              LcmOperation::kTerminate};
constexpr auto kOperationStates = {OperationState::kStarting, OperationState::kProcessing,
                                   OperationState::kCompleted, OperationState::kFailed,
                                   OperationState::kFailedTemp};

// One value or a list of them: ETSI's tables say 0..N, the OpenAPI documents one.
template <typename Enum>
void read_enums(ObjectReader& reader, const char* name, std::initializer_list<Enum> values,
                std::vector<Enum>& out) {
  const auto* value = reader.find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return out.push_back(read_enum(reader, name, values));
  std::vector<std::string> texts;
  reader.optional(name, texts, {1, 64}, values.size());
  for (const auto& text : texts) {
    const auto parsed = parse_enum(text, values);
    if (!parsed) return reader.fail("has the unknown value " + text.substr(0, 32), name);
    out.push_back(*parsed);
  }
}

template <typename Enum>
Value enums_json(const std::vector<Enum>& values) {
  auto out = Value::array();
  for (const auto value : values) out.push_back(to_text(value));
  return out.size() == 1 ? out.front() : out;
}

void read_providers(ObjectReader& reader, LcmSubscription& out) {
  const auto* items = reader.array("appsFromProviders", kFilterItemsMax);
  if (items == nullptr) return;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    ObjectReader item((*items)[i], reader.at("appsFromProviders") + "/" + std::to_string(i),
                      reader.error());
    item.required("appProvider", out.app_providers.emplace_back(), json::kIdentifier);
  }
}

void read_instance_filter(ObjectReader& parent, LcmSubscription& out) {
  const auto* filter = parent.object("appInstanceSubscriptionFilter");
  if (filter == nullptr) return;
  ObjectReader reader(*filter, parent.at("appInstanceSubscriptionFilter"), parent.error());
  reader.optional("appInstances", out.app_instance_ids, json::kIdentifier, kFilterItemsMax);
  reader.optional("appNames", out.app_names, json::kIdentifier, kFilterItemsMax);
  reader.optional("appDIds", out.app_d_ids, json::kIdentifier, kFilterItemsMax);
  read_providers(reader, out);
}

Value instance_filter_json(const LcmSubscription& subscription) {
  Value out = Value::object();
  if (!subscription.app_instance_ids.empty()) out["appInstances"] = subscription.app_instance_ids;
  if (!subscription.app_names.empty()) out["appNames"] = subscription.app_names;
  if (!subscription.app_d_ids.empty()) out["appDIds"] = subscription.app_d_ids;
  for (const auto& provider : subscription.app_providers) {
    out["appsFromProviders"].push_back({{"appProvider", provider}});
  }
  if (out.empty()) return out;
  const char* selector = !subscription.app_instance_ids.empty() ? "APP_IDENTITY"
                         : !subscription.app_names.empty()      ? "APP_NAME"
                         : !subscription.app_d_ids.empty()      ? "APP_D_ID"
                                                                : "APP_FROM_PROVIDER";
  out["appInstSelectorType"] = selector;
  return out;
}

void read_operation_filter(ObjectReader& parent, LcmSubscription& out) {
  const auto* filter = parent.object("appLcmOpOccSubscriptionFilter");
  if (filter == nullptr) return;
  ObjectReader reader(*filter, parent.at("appLcmOpOccSubscriptionFilter"), parent.error());
  read_enums(reader, "operationTypes", kOperations, out.operations);
  read_enums(reader, "operationStates", kOperationStates, out.operation_states);
  read_instance_filter(reader, out);
}

void read_subscription(ObjectReader& reader, LcmSubscription& out) {
  std::string type;
  reader.required("subscriptionType", type, json::kAnyText);
  const auto kind = parse_subscription_type(type);
  if (reader.ok() && !kind) {
    reader.fail("must be AppInstanceStateChange or AppLcmOpOccStateChange", "subscriptionType");
  }
  reader.required_line("callbackUri", out.callback_uri, kUri);
  const auto& uri = out.callback_uri;
  if (reader.ok() && !uri.starts_with("http://") && !uri.starts_with("https://")) {
    reader.fail("must begin with http:// or https://", "callbackUri");
  }
  if (!reader.ok()) return;
  out.kind = *kind;
  out.type_text = std::move(type);
  if (out.kind == LcmSubscription::Kind::kOperations) return read_operation_filter(reader, out);
  read_enums(reader, "appInstanceState", kInstanceStates, out.instance_states);
  read_instance_filter(reader, out);
}

std::string_view type_of(const LcmSubscription& subscription) {
  return subscription.type_text.empty() ? subscription_type(subscription.kind)
                                        : subscription.type_text;
}

Value request_json(const LcmSubscription& subscription) {
  Value out{{"subscriptionType", type_of(subscription)},
            {"callbackUri", subscription.callback_uri}};
  auto instances = instance_filter_json(subscription);
  if (subscription.kind == LcmSubscription::Kind::kInstances) {
    if (!instances.empty()) out["appInstanceSubscriptionFilter"] = std::move(instances);
    if (!subscription.instance_states.empty()) {
      out["appInstanceState"] = enums_json(subscription.instance_states);
    }
    return out;
  }
  Value filter = Value::object();
  if (!instances.empty()) filter["appInstanceSubscriptionFilter"] = std::move(instances);
  if (!subscription.operations.empty()) {
    filter["operationTypes"] = enums_json(subscription.operations);
  }
  if (!subscription.operation_states.empty()) {
    filter["operationStates"] = enums_json(subscription.operation_states);
  }
  if (!filter.empty()) out["appLcmOpOccSubscriptionFilter"] = std::move(filter);
  return out;
}

std::string href_of(const LcmSubscription& subscription, const std::string& root) {
  return root + "/subscriptions/" + subscription.id;
}

// What both kinds of notification begin with.
template <typename T>
void read_head(ObjectReader& reader, T& out) {
  reader.required_line("id", out.id, json::kIdentifier);
  reader.required_line("subscriptionId", out.subscription_id, json::kIdentifier);
  out.time_ms = read_timestamp(reader, "timeStamp");
  reader.required_line("appInstanceId", out.app_instance_id, json::kIdentifier);
}

void read_instance_notification(ObjectReader& reader, AppInstNotification& out) {
  read_head(reader, out);
  out.state = read_enum(reader, "notificationType", kInstanceStates);
  reader.required_line("appPkgId", out.app_pkg_id, {0, 256});
  reader.required_line("appDId", out.app_d_id, json::kIdentifier);
}

// V2.1.1 tells the state as notificationType and no operation; V3.1.1 has attributes for both.
void read_operation_notification(ObjectReader& reader, AppLcmOpOccNotification& out) {
  read_head(reader, out);
  reader.required_line("appLcmOpOccId", out.app_lcm_op_occ_id, json::kIdentifier);
  const bool has_state = reader.find("operationState") != nullptr;
  out.state =
      read_enum(reader, has_state ? "operationState" : "notificationType", kOperationStates);
  const auto* operation = reader.find("operationType");
  if (operation == nullptr || *operation == "INSTATIATE") return;
  out.operation = read_enum(reader, "operationType", kOperations);
}

template <typename T>
Value head_json(const T& n, const std::string& root) {
  return {{"id", n.id},
          {"subscriptionId", n.subscription_id},
          {"timeStamp", timestamp_json(n.time_ms)},
          {"appInstanceId", n.app_instance_id},
          {"_links", {{"subscription", link(root + "/subscriptions/" + n.subscription_id)}}}};
}

Value notification_json(const AppInstNotification& n, const std::string& root) {
  auto out = head_json(n, root);
  out["notificationType"] = to_text(n.state);
  out["appInstanceState"] = to_text(n.state);
  out["appPkgId"] = n.app_pkg_id;
  out["appDId"] = n.app_d_id;
  return out;
}

Value notification_json(const AppLcmOpOccNotification& n, const std::string& root) {
  auto out = head_json(n, root);
  const auto told = n.state == OperationState::kFailedTemp ? OperationState::kFailed : n.state;
  out["notificationType"] = to_text(told);
  out["operationState"] = to_text(n.state);
  out["operationType"] = to_text(n.operation);
  out["appLcmOpOccId"] = n.app_lcm_op_occ_id;
  out["_links"]["appInstance"] = link(root + "/app_instances/" + n.app_instance_id);
  out["_links"]["appLcmOpOcc"] = link(root + "/app_lcm_op_occs/" + n.app_lcm_op_occ_id);
  return out;
}

}  // namespace

std::string_view subscription_type(LcmSubscription::Kind kind) {
  return kind == LcmSubscription::Kind::kInstances ? kInstanceChange : kOperationChange;
}

std::optional<LcmSubscription::Kind> parse_subscription_type(std::string_view text) {
  if (text.ends_with(kSuffix)) text.remove_suffix(kSuffix.size());
  if (text == kInstanceChange) return LcmSubscription::Kind::kInstances;
  if (text == kOperationChange) return LcmSubscription::Kind::kOperations;
  return std::nullopt;
}

Result<LcmSubscription> decode_lcm_subscription_request(std::string_view body) {
  return decode_text<LcmSubscription>(body, read_subscription);
}

std::string encode_lcm_subscription_request(const LcmSubscription& subscription) {
  return json::dump(request_json(subscription));
}

Result<LcmSubscription> decode_lcm_subscription(const Value& document) {
  return decode_object<LcmSubscription>(document, [](ObjectReader& reader, auto& out) {
    read_subscription(reader, out);
    reader.required_line("id", out.id, json::kIdentifier);
  });
}

Value to_json(const LcmSubscription& subscription, const std::string& root) {
  auto out = request_json(subscription);
  out["id"] = subscription.id;
  out["_links"] = {{"self", link(href_of(subscription, root))}};
  if (subscription.kind == LcmSubscription::Kind::kInstances) {
    // Mandatory in V2.1.1, with one value: that of the filter, else that of a running instance.
    out["notificationType"] =
        to_text(subscription.instance_states.empty() ? AppInstanceState::kStarted
                                                     : subscription.instance_states.front());
  }
  return out;
}

Value to_json(const std::vector<LcmSubscription>& subscriptions, const std::string& root) {
  auto items = Value::array();
  for (const auto& subscription : subscriptions) {
    items.push_back(
        {{"href", href_of(subscription, root)}, {"subscriptionType", type_of(subscription)}});
  }
  return {
      {"_links", {{"self", link(root + "/subscriptions")}, {"subscriptions", std::move(items)}}}};
}

Result<LcmNotification> decode_lcm_notification(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  if (document->is_object() && document->contains("appLcmOpOccId")) {
    const auto n = decode_object<AppLcmOpOccNotification>(*document, read_operation_notification);
    return n ? Result<LcmNotification>(*n) : n.error();
  }
  const auto n = decode_object<AppInstNotification>(*document, read_instance_notification);
  return n ? Result<LcmNotification>(*n) : n.error();
}

std::string encode(const LcmNotification& notification, const std::string& root) {
  return json::dump(
      std::visit([&](const auto& n) { return notification_json(n, root); }, notification));
}

}  // namespace mx2::codec
