#include "api/mec/app_support.h"
#include "api/mec/codec_app_lcm.h"
#include "api/mec/codec_support.h"

namespace mx2 {

std::string_view to_text(OperationAction action) {
  return action == OperationAction::kStopping ? "STOPPING" : "TERMINATING";
}

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

OperationAction read_action(ObjectReader& reader) {
  return read_enum(reader, "operationAction",
                   {OperationAction::kStopping, OperationAction::kTerminating});
}

std::string read_link(ObjectReader& links, const char* name) {
  std::string href;
  if (const auto* object = links.object(name)) {
    ObjectReader(*object, links.at(name), links.error()).optional("href", href, kUri);
  }
  return href;
}

std::string last_segment(const std::string& href) { return href.substr(href.rfind('/') + 1); }

std::string list_href(const std::string& app_instance_id, const std::string& root) {
  return root + "/applications/" + app_instance_id + "/subscriptions";
}

}  // namespace

Result<void> decode_app_ready(std::string_view body) {
  const auto read = decode_text<bool>(
      body, [](ObjectReader& reader, bool& /*out*/) { read_type(reader, "indication", "READY"); });
  if (!read) return read.error();
  return {};
}

std::string encode_app_ready() { return R"({"indication":"READY"})"; }

Result<OperationAction> decode_termination_confirmation(std::string_view body) {
  return decode_text<OperationAction>(
      body, [](ObjectReader& reader, OperationAction& out) { out = read_action(reader); });
}

std::string encode_termination_confirmation(OperationAction action) {
  return json::dump({{"operationAction", to_text(action)}});
}

Result<AppTerminationSubscription> decode_termination_subscription(std::string_view body) {
  return decode_text<AppTerminationSubscription>(body, [](ObjectReader& reader, auto& out) {
    read_type(reader, "subscriptionType", kSubscriptionType);
    reader.required_line("callbackReference", out.callback_reference, kUri);
    const auto& uri = out.callback_reference;
    if (reader.ok() && !uri.starts_with("http://") && !uri.starts_with("https://")) {
      reader.fail("must begin with http:// or https://", "callbackReference");
    }
    reader.required_line("appInstanceId", out.app_instance_id, json::kIdentifier);
    if (const auto* links = reader.object("_links")) {
      ObjectReader sub(*links, reader.at("_links"), reader.error());
      out.id = last_segment(read_link(sub, "self"));
    }
  });
}

std::string encode_termination_subscription(const AppTerminationSubscription& subscription) {
  return json::dump({{"subscriptionType", kSubscriptionType},
                     {"callbackReference", subscription.callback_reference},
                     {"appInstanceId", subscription.app_instance_id}});
}

Result<std::vector<std::string>> decode_subscription_links(std::string_view body) {
  return decode_text<std::vector<std::string>>(body, [](ObjectReader& reader, auto& out) {
    const auto* links = reader.need("_links", Value::value_t::object);
    if (links == nullptr) return;
    ObjectReader sub(*links, reader.at("_links"), reader.error());
    const auto* items = sub.array("subscriptions", kLinksMax);
    if (items == nullptr) return;
    for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
      std::string href;
      ObjectReader((*items)[i], sub.at("subscriptions") + "/" + std::to_string(i), reader.error())
          .required_line("href", href, kUri);
      out.push_back(last_segment(href));
    }
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
  return decode_text<AppTerminationNotification>(body, [](ObjectReader& reader, auto& out) {
    read_type(reader, "notificationType", kNotificationType);
    out.action = read_action(reader);
    reader.required("maxGracefulTimeout", out.max_graceful_timeout_s, 1, kTimeoutSMax);
    if (const auto* links = reader.need("_links", Value::value_t::object)) {
      ObjectReader sub(*links, reader.at("_links"), reader.error());
      out.subscription_href = read_link(sub, "subscription");
      out.confirm_href = read_link(sub, "confirmTermination");
    }
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
