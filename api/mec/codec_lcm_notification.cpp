// Subscriptions and notifications.
#include "api/mec/codec_app_lcm.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::ObjectWriter;
using json::Value;

constexpr std::size_t kFilterItemsMax = 1000;
constexpr json::Chars kPackageId{0, 256};
constexpr json::Chars kFilterValue{1, 64};
constexpr std::string_view kInstanceChange = "AppInstanceStateChange";
constexpr std::string_view kOperationChange = "AppLcmOpOccStateChange";
constexpr std::string_view kSuffix = "Subscription";  // of V3.1.1

// One value or a list of them: ETSI's tables say 0..N, the OpenAPI documents one.
template <typename Enum, std::size_t n>
void one_or_list(ObjectReader& reader, const char* name, std::vector<Enum>& out,
                 const EnumTexts<n>& texts) {
  const auto* value = reader.find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return reader.required(name, out.emplace_back(), texts);
  std::vector<std::string> items;
  reader.optional(name, items, kFilterValue, n);
  for (const auto& text : items) {
    const auto parsed = parse_enum<Enum>(text, texts);
    if (!parsed) return reader.fail("has the unknown value " + text.substr(0, 32), name);
    out.push_back(*parsed);
  }
}

template <typename Enum, std::size_t n>
void one_or_list(ObjectWriter& writer, const char* name, const std::vector<Enum>& values,
                 const EnumTexts<n>& /*texts*/) {
  auto out = Value::array();
  for (const auto value : values) out.push_back(to_text(value));
  writer.optional(name, out.size() == 1 ? out.front() : out);
}

constexpr auto kInstanceFilter = [](auto& io, auto& subscription) {
  io.optional("appInstances", subscription.app_instance_ids, json::kIdentifier, kFilterItemsMax);
  io.optional("appNames", subscription.app_names, json::kIdentifier, kFilterItemsMax);
  io.optional("appDIds", subscription.app_d_ids, json::kIdentifier, kFilterItemsMax);
  io.optional_items("appsFromProviders", subscription.app_providers, kFilterItemsMax,
                    [](auto& item, auto& provider) {
                      item.required("appProvider", provider, json::kIdentifier);
                    });
};

void instance_filter(ObjectReader& reader, LcmSubscription& subscription) {
  reader.optional_object("appInstanceSubscriptionFilter",
                         [&](ObjectReader& filter) { kInstanceFilter(filter, subscription); });
}

void instance_filter(ObjectWriter& writer, const LcmSubscription& subscription) {
  auto out = json::object_of(subscription, kInstanceFilter);
  if (out.empty()) return;
  out["appInstSelectorType"] = !subscription.app_instance_ids.empty() ? "APP_IDENTITY"
                               : !subscription.app_names.empty()      ? "APP_NAME"
                               : !subscription.app_d_ids.empty()      ? "APP_D_ID"
                                                                      : "APP_FROM_PROVIDER";
  writer.required("appInstanceSubscriptionFilter", out);
}

constexpr auto kLcmFilter = [](auto& io, auto& subscription) {
  if (subscription.kind == LcmSubscription::Kind::kInstances) {
    one_or_list(io, "appInstanceState", subscription.instance_states, kInstanceStates);
    return instance_filter(io, subscription);
  }
  io.optional_object("appLcmOpOccSubscriptionFilter", [&](auto& filter) {
    one_or_list(filter, "operationTypes", subscription.operations, kLcmOperations);
    one_or_list(filter, "operationStates", subscription.operation_states, kOperationStates);
    instance_filter(filter, subscription);
  });
};

void read_subscription(ObjectReader& reader, LcmSubscription& out) {
  std::string type;
  reader.required("subscriptionType", type, json::kAnyText);
  const auto kind = parse_subscription_type(type);
  if (reader.ok() && !kind) {
    reader.fail("must be AppInstanceStateChange or AppLcmOpOccStateChange", "subscriptionType");
  }
  reader.required_line("callbackUri", out.callback_uri, json::kUri);
  reader.check_http("callbackUri", out.callback_uri);
  if (!reader.ok()) return;
  out.kind = *kind;
  out.type_text = std::move(type);
  kLcmFilter(reader, out);
}

std::string_view type_of(const LcmSubscription& subscription) {
  return subscription.type_text.empty() ? subscription_type(subscription.kind)
                                        : subscription.type_text;
}

Value request_json(const LcmSubscription& subscription) {
  auto out = json::object_of(subscription, kLcmFilter);
  out["subscriptionType"] = type_of(subscription);
  out["callbackUri"] = subscription.callback_uri;
  return out;
}

std::string href_of(const LcmSubscription& subscription, const std::string& root) {
  return root + "/subscriptions/" + subscription.id;
}

// What both kinds of notification begin with.
constexpr auto kLcmNotification = [](auto& io, auto& n) {
  io.required_line("id", n.id, json::kIdentifier);
  io.required_line("subscriptionId", n.subscription_id, json::kIdentifier);
  timestamp(io, "timeStamp", n.time_ms);
  io.required_line("appInstanceId", n.app_instance_id, json::kIdentifier);
};

constexpr auto kInstanceNotification = [](auto& io, auto& n) {
  kLcmNotification(io, n);
  io.required("notificationType", n.state, kInstanceStates);
  io.required_line("appPkgId", n.app_pkg_id, kPackageId);
  io.required_line("appDId", n.app_d_id, json::kIdentifier);
};

// V2.1.1 tells the state as notificationType and no operation; V3.1.1 has attributes for both.
void read_operation_notification(ObjectReader& reader, AppLcmOpOccNotification& out) {
  kLcmNotification(reader, out);
  reader.required_line("appLcmOpOccId", out.app_lcm_op_occ_id, json::kIdentifier);
  const bool has_state = reader.find("operationState") != nullptr;
  reader.required(has_state ? "operationState" : "notificationType", out.state, kOperationStates);
  const auto* operation = reader.find("operationType");
  if (operation == nullptr || *operation == "INSTATIATE") return;
  reader.required("operationType", out.operation, kLcmOperations);
}

Value subscription_links(const std::string& subscription_id, const std::string& root) {
  return {{"subscription", link(root + "/subscriptions/" + subscription_id)}};
}

Value notification_json(const AppInstNotification& n, const std::string& root) {
  auto out = json::object_of(n, kInstanceNotification);
  out["appInstanceState"] = to_text(n.state);
  out["_links"] = subscription_links(n.subscription_id, root);
  return out;
}

Value notification_json(const AppLcmOpOccNotification& n, const std::string& root) {
  auto out = json::object_of(n, kLcmNotification);
  const auto told = n.state == OperationState::kFailedTemp ? OperationState::kFailed : n.state;
  out["notificationType"] = to_text(told);
  out["operationState"] = to_text(n.state);
  out["operationType"] = to_text(n.operation);
  out["appLcmOpOccId"] = n.app_lcm_op_occ_id;
  auto& links = out["_links"] = subscription_links(n.subscription_id, root);
  links["appInstance"] = link(root + "/app_instances/" + n.app_instance_id);
  links["appLcmOpOcc"] = link(root + "/app_lcm_op_occs/" + n.app_lcm_op_occ_id);
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
  return json::decode_text<LcmSubscription>(body, read_subscription);
}

std::string encode_lcm_subscription_request(const LcmSubscription& subscription) {
  return json::dump(request_json(subscription));
}

Result<LcmSubscription> decode_lcm_subscription(const Value& document) {
  return json::decode_object<LcmSubscription>(document, [](ObjectReader& reader, auto& out) {
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
    return json::decode_object<LcmNotification>(*document, [](ObjectReader& reader, auto& out) {
      read_operation_notification(reader, out.template emplace<AppLcmOpOccNotification>());
    });
  }
  return json::decode_object<LcmNotification>(*document, [](ObjectReader& reader, auto& out) {
    kInstanceNotification(reader, out.template emplace<AppInstNotification>());
  });
}

std::string encode(const LcmNotification& notification, const std::string& root) {
  return json::dump(
      std::visit([&](const auto& n) { return notification_json(n, root); }, notification));
}

}  // namespace mx2::codec
