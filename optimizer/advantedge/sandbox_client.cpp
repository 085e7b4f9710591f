#include "optimizer/advantedge/sandbox_client.h"

#include "api/base/text.h"
#include "api/orchestrator/operator_calls.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr const char* kSandboxCtrl = "/sandbox-ctrl/v1";
constexpr const char* kZonalTraffic = "/location/v2/subscriptions/zonalTraffic";
constexpr std::size_t kTextShown = 200;
constexpr int kNotFound = 404;

// Its services answer errors in plain text or in JSON; some of it is shown.
Error refused(const std::string& url, const http::Reply& reply) {
  std::string text(trim(std::string_view(reply.body).substr(0, kTextShown)));
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return unavailable(url + " answered " + std::to_string(reply.status) +
                     (text.empty() ? "" : ": " + text));
}

const json::Value* member(const json::Value* value, const char* name) {
  if (value == nullptr || !value->is_object()) return nullptr;
  const auto it = value->find(name);
  return it == value->end() ? nullptr : &*it;
}

}  // namespace

SandboxAccess SandboxClient::access() const {
  const std::lock_guard lock(mutex_);
  return access_;
}

void SandboxClient::set_headers(const http::Headers& headers) {
  const std::lock_guard lock(mutex_);
  access_.headers = headers;
}

Result<http::Reply> SandboxClient::ask(const std::string& method, const std::string& url,
                                       const std::string& body) {
  auto headers = access().headers;
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  auto reply = http_.send(method, url, headers, body);
  const bool usable =
      !reply || (reply->status >= 200 && reply->status < 300) || reply->status == kNotFound;
  if (!usable) return refused(url, *reply);
  return reply;
}

Result<json::Value> SandboxClient::get(const std::string& url) {
  const auto reply = ask("GET", url);
  if (!reply) return reply.error();
  if (reply->status == kNotFound) return refused(url, *reply);
  return json::parse(reply->body);
}

Result<std::optional<std::string>> SandboxClient::active() {
  const auto url = access_.sandbox_ctrl_url + kSandboxCtrl + "/active";
  auto reply = ask("GET", url);
  if (!reply) return reply.error();
  if (reply->status == kNotFound) return std::optional<std::string>();
  return std::optional(std::move(reply->body));
}

Result<json::Value> SandboxClient::pdu_sessions() {
  return get(access_.sandbox_ctrl_url + kSandboxCtrl + "/connectivity/pdu-session");
}

Result<std::vector<SandboxClient::Subscription>> SandboxClient::subscriptions() {
  const auto document = get(access_.location_url + kZonalTraffic);
  if (!document) return document.error();
  std::vector<Subscription> result;
  const auto* outer = member(&*document, "notificationSubscriptionList");
  const auto* list = member(outer, "zonalTrafficSubscription");
  if (list == nullptr || !list->is_array()) return result;
  for (const auto& item : *list) {
    const auto resource = json::text_of(item, "resourceURL");
    const auto* found = member(&item, "callbackReference");
    const auto callback = found == nullptr ? json::Value() : *found;
    result.push_back({resource.substr(resource.rfind('/') + 1), json::text_of(item, "zoneId"),
                      json::text_of(callback, "notifyURL"), json::text_of(callback, "callbackData"),
                      json::text_of(item, "clientCorrelator")});
  }
  return result;
}

Result<void> SandboxClient::subscribe(const Subscription& subscription) {
  const auto url = access_.location_url + kZonalTraffic;
  const json::Value callback{{"notifyURL", subscription.callback},
                             {"callbackData", subscription.tag}};
  const json::Value body{{"zonalTrafficSubscription",
                          {{"zoneId", subscription.zone},
                           {"clientCorrelator", subscription.correlator},
                           {"callbackReference", callback}}}};
  const auto reply = ask("POST", url, json::dump(body));
  if (!reply) return reply.error();
  if (reply->status == kNotFound) return refused(url, *reply);
  return {};
}

Result<void> SandboxClient::unsubscribe(const std::string& id) {
  const auto reply = ask("DELETE", access_.location_url + kZonalTraffic + "/" + percent_encode(id));
  if (!reply) return reply.error();
  return {};
}

}  // namespace mx2::optimizer::advantedge
