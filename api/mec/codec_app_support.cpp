#include "api/mec/app_support.h"
#include "api/mec/codec_app_lcm.h"

namespace mx2 {

std::string_view to_text(OperationAction action) { return enum_text(action, kOperationActions); }

namespace codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr const char* kSubscriptionType = "AppTerminationNotificationSubscription";
constexpr const char* kNotificationType = "AppTerminationNotification";
constexpr std::int64_t kTimeoutSMax = 86'400;
constexpr std::size_t kLinksMax = 1000;

void read_type(ObjectReader& reader, const char* name, const char* expected) {
  std::string type;
  reader.required(name, type, json::kAnyText);
  if (reader.ok() && type != expected) reader.fail(std::string("must be ") + expected, name);
}

void read_link(ObjectReader& links, const char* name, std::string& href) {
  links.optional_object(name,
                        [&](ObjectReader& object) { object.optional("href", href, json::kUri); });
}

std::string last_segment(const std::string& href) { return href.substr(href.rfind('/') + 1); }

std::string list_href(const std::string& app_instance_id, const std::string& root) {
  return root + "/applications/" + app_instance_id + "/subscriptions";
}

}  // namespace

Result<void> decode_app_ready(std::string_view body) {
  const auto read = json::decode_text<bool>(
      body, [](ObjectReader& reader, bool& /*out*/) { read_type(reader, "indication", "READY"); });
  if (!read) return read.error();
  return {};
}

std::string encode_app_ready() { return R"({"indication":"READY"})"; }

Result<OperationAction> decode_termination_confirmation(std::string_view body) {
  return json::decode_text<OperationAction>(body, [](ObjectReader& reader, OperationAction& out) {
    reader.required("operationAction", out, kOperationActions);
  });
}

std::string encode_termination_confirmation(OperationAction action) {
  return json::dump({{"operationAction", to_text(action)}});
}

Result<AppTerminationSubscription> decode_termination_subscription(std::string_view body) {
  return json::decode_text<AppTerminationSubscription>(body, [](ObjectReader& reader, auto& out) {
    read_type(reader, "subscriptionType", kSubscriptionType);
    reader.required_line("callbackReference", out.callback_reference, json::kUri);
    reader.check_http("callbackReference", out.callback_reference);
    reader.required_line("appInstanceId", out.app_instance_id, json::kIdentifier);
    std::string self;
    reader.optional_object("_links", [&](ObjectReader& links) { read_link(links, "self", self); });
    out.id = last_segment(self);
  });
}

std::string encode_termination_subscription(const AppTerminationSubscription& subscription) {
  return json::dump({{"subscriptionType", kSubscriptionType},
                     {"callbackReference", subscription.callback_reference},
                     {"appInstanceId", subscription.app_instance_id}});
}

Result<std::vector<std::string>> decode_subscription_links(std::string_view body) {
  return json::decode_text<std::vector<std::string>>(body, [](ObjectReader& reader, auto& out) {
    reader.required_object("_links", [&](ObjectReader& links) {
      links.optional_items("subscriptions", out, kLinksMax, [](ObjectReader& item, auto& id) {
        std::string href;
        item.required_line("href", href, json::kUri);
        id = last_segment(href);
      });
    });
  });
}

Value to_json(const AppTerminationSubscription& subscription, const std::string& root) {
  return {
      {"subscriptionType", kSubscriptionType},
      {"callbackReference", subscription.callback_reference},
      {"appInstanceId", subscription.app_instance_id},
      {"_links",
       {{"self", link(list_href(subscription.app_instance_id, root) + "/" + subscription.id)}}}};
}

Value to_json(const std::string& app_instance_id,
              const std::vector<AppTerminationSubscription>& subscriptions,
              const std::string& root) {
  const auto self = list_href(app_instance_id, root);
  auto items = Value::array();
  for (const auto& subscription : subscriptions) {
    // V2.1.1 has its type as `rel`, later versions as `subscriptionType`.
    items.push_back({{"href", self + "/" + subscription.id},
                     {"rel", kSubscriptionType},
                     {"subscriptionType", kSubscriptionType}});
  }
  return {{"_links", {{"self", link(self)}, {"subscriptions", std::move(items)}}}};
}

std::string encode(const AppTerminationNotification& notification) {
  return json::dump({{"notificationType", kNotificationType},
                     {"operationAction", to_text(notification.action)},
                     {"maxGracefulTimeout", notification.max_graceful_timeout_s},
                     {"_links",
                      {{"subscription", link(notification.subscription_href)},
                       {"confirmTermination", link(notification.confirm_href)}}}});
}

Result<AppTerminationNotification> decode_termination_notification(std::string_view body) {
  return json::decode_text<AppTerminationNotification>(body, [](ObjectReader& reader, auto& out) {
    read_type(reader, "notificationType", kNotificationType);
    reader.required("operationAction", out.action, kOperationActions);
    reader.required("maxGracefulTimeout", out.max_graceful_timeout_s, 1, kTimeoutSMax);
    reader.required_object("_links", [&](ObjectReader& links) {
      read_link(links, "subscription", out.subscription_href);
      read_link(links, "confirmTermination", out.confirm_href);
    });
  });
}

Value current_time_json(std::int64_t now_ms) {
  auto out = timestamp_json(now_ms);
  out["timeSourceStatus"] = "NONTRACEABLE";
  return out;
}

Value timing_caps_json(std::int64_t now_ms) { return {{"timeStamp", timestamp_json(now_ms)}}; }

}  // namespace codec
}  // namespace mx2
