#include "orchestrator/mec_platform/registration.h"

#include <algorithm>
#include <limits>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/mec/service_management.h"

namespace mx2 {
namespace {

constexpr const char* kServiceName = "mx2-dai";
constexpr const char* kApiVersion = "2.2.1";  // of MEC 016
constexpr int kForbidden = 403;               // before confirm_ready
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kServerError = 500;
constexpr int kConfirmRetryMs = 250;
constexpr std::int64_t kConfirmSMax = 30;  // however long the platform would wait

bool is_success(const http::Reply& reply) { return reply.status >= 200 && reply.status < 300; }

bool knows_us(const http::Reply& reply) {
  return reply.status != kNotFound && reply.status != kForbidden;
}

// What a problem document says, after a colon.
std::string refusal_text(const http::Reply& reply) {
  const auto detail = json::problem_detail(reply.body);
  return "it answered with " + std::to_string(reply.status) + (detail.empty() ? "" : ": " + detail);
}

std::string location_id(const http::Reply& reply) {
  for (const auto& [name, value] : reply.headers) {
    if (equals_ignoring_case(name, "Location")) return value.substr(value.rfind('/') + 1);
  }
  return {};
}

std::string service_document(const MecPlatformOptions& options) {
  ServiceInfo service;
  service.ser_name = kServiceName;
  service.version = kApiVersion;
  service.ser_category = {"catalogueHref", "daiId", "DAI", "v1"};
  service.transport = {"mx2-rest", "REST", "REST_HTTP", "HTTP", "1.1", {options.service_uri}};
  service.scope_of_locality = "MEC_SYSTEM";
  service.consumed_local_only = false;
  return codec::encode_service(service);
}

}  // namespace

Registration::Registration(const MecPlatformOptions& options, std::string callback,
                           http::AsyncClient& http, const SteadyClock& clock)
    : options_(options),
      callback_(std::move(callback)),
      support_(options.app_support_url + codec::kAppSupportPath + "/applications/" +
               percent_encode(options.app_instance_id)),
      management_(options.service_mgmt_url + codec::kServiceManagementPath + "/applications/" +
                  percent_encode(options.app_instance_id)),
      http_(http),
      clock_(clock),
      retry_ms_(options.retry_ms) {}

void Registration::step() {
  if (asking_ || stage_ == Stage::kEnded) return;
  if (is_ending() && stage_ < Stage::kConfirmEnd) skip_to(Stage::kConfirmEnd);
  while (!asking_ && stage_ != Stage::kEnded && clock_.now_ms() >= due_ms_) begin();
}

void Registration::begin() {
  const auto services = management_ + "/services";
  const auto subscriptions = support_ + "/subscriptions";
  switch (stage_) {
    case Stage::kReady: return ask("POST", support_ + "/confirm_ready", codec::encode_app_ready());
    case Stage::kFindServices: return ask("GET", services);
    case Stage::kDropServices:
      if (left_over_.empty()) return skip_to(Stage::kAddService);
      return ask("DELETE", services + "/" + percent_encode(left_over_.back()));
    case Stage::kAddService: return ask("POST", services, service_document(options_));
    case Stage::kFindSubscriptions:
      if (callback_.empty()) return registered();
      return ask("GET", subscriptions);
    case Stage::kDropSubscriptions:
      if (left_over_.empty()) return skip_to(Stage::kSubscribe);
      return ask("DELETE", subscriptions + "/" + percent_encode(left_over_.back()));
    case Stage::kSubscribe:
      return ask("POST", subscriptions,
                 codec::encode_termination_subscription({"", options_.app_instance_id, callback_}));
    case Stage::kLookService: return ask("GET", services + "/" + percent_encode(service_id_));
    case Stage::kLookSubscription:
      if (subscription_id_.empty()) return registered();
      return ask("GET", subscriptions + "/" + percent_encode(subscription_id_));
    default: return begin_end();
  }
}

void Registration::begin_end() {
  switch (stage_) {
    case Stage::kConfirmEnd:
      if (!confirm_) return skip_to(Stage::kEndService);
      return ask("POST", support_ + "/confirm_termination",
                 codec::encode_termination_confirmation(*confirm_));
    case Stage::kEndService:
      if (service_id_.empty()) return skip_to(Stage::kEndSubscription);
      return ask("DELETE", management_ + "/services/" + percent_encode(service_id_));
    case Stage::kEndSubscription:
      if (subscription_id_.empty() || confirm_) return skip_to(Stage::kEnded);
      return ask("DELETE", support_ + "/subscriptions/" + percent_encode(subscription_id_));
    default: return;
  }
}

void Registration::ask(const std::string& method, const std::string& url, std::string body) {
  asking_ = true;
  http::Headers headers;
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  http_.begin({method, url, std::move(headers), std::move(body)},
              [this](const Result<http::Reply>& reply) { take(reply); });
}

void Registration::skip_to(Stage stage) {
  stage_ = stage;
  due_ms_ = 0;
}

void Registration::take(const Result<http::Reply>& reply) {
  asking_ = false;
  if (stage_ >= Stage::kConfirmEnd) return take_end(reply);
  if (stage_ >= Stage::kLookService) return take_looking(reply);
  if (reply) return take_registering(*reply);
  failed(reply.error().detail);
}

// Conflict at confirm_ready: it was said before, and what follows shows whether it was heard.
void Registration::take_registering(const http::Reply& reply) {
  switch (stage_) {
    case Stage::kReady:
      if (!is_success(reply) && reply.status != kConflict) return failed(refusal_text(reply));
      return skip_to(Stage::kFindServices);
    case Stage::kFindServices: return found_services(reply);
    case Stage::kAddService: return added(reply, service_id_, Stage::kFindSubscriptions);
    case Stage::kFindSubscriptions: return found_subscriptions(reply);
    case Stage::kSubscribe: return added(reply, subscription_id_, Stage::kLookSubscription);
    default:  // dropping: what could not be deleted stays
      left_over_.pop_back();
  }
}

void Registration::found_services(const http::Reply& reply) {
  if (!knows_us(reply)) return failed(refusal_text(reply));
  left_over_.clear();
  const auto services = codec::decode_services(reply.body);
  for (std::size_t i = 0; services && i < services->size(); ++i) {
    const auto& service = (*services)[i];
    if (service.ser_name == kServiceName) left_over_.push_back(service.ser_instance_id);
  }
  skip_to(Stage::kDropServices);
}

void Registration::found_subscriptions(const http::Reply& reply) {
  if (!knows_us(reply)) return failed(refusal_text(reply));
  const auto links = codec::decode_subscription_links(reply.body);
  left_over_ = links ? *links : std::vector<std::string>{};
  skip_to(Stage::kDropSubscriptions);
}

void Registration::added(const http::Reply& reply, std::string& id, Stage next) {
  if (!is_success(reply)) return failed(refusal_text(reply));
  if (stage_ == Stage::kAddService) {
    if (const auto service = codec::decode_service(reply.body)) id = service->ser_instance_id;
  } else if (const auto made = codec::decode_termination_subscription(reply.body)) {
    id = made->id;
  }
  if (id.empty()) id = location_id(reply);
  if (id.empty()) return failed("its answer does not name what it has made");
  skip_to(next);
}

void Registration::registered() {
  if (!registered_) {
    log::info("registered at the MEC platform",
              {{"app_instance", options_.app_instance_id}, {"service", service_id_}});
  }
  registered_ = true;
  last_error_.clear();
  retry_ms_ = options_.retry_ms;
  stage_ = Stage::kLookService;
  due_ms_ = clock_.now_ms() + options_.look_ms;
}

// Away: asked again. Whoever does not know us or what we have made is told anew.
void Registration::take_looking(const Result<http::Reply>& reply) {
  if (!reply) return failed(reply.error().detail);
  if (!knows_us(*reply)) {
    log::warn("the MEC platform has lost our registration", {{"why", refusal_text(*reply)}});
    start_over();
    return skip_to(Stage::kReady);
  }
  if (!is_success(*reply)) return failed(refusal_text(*reply));
  if (stage_ == Stage::kLookService) return skip_to(Stage::kLookSubscription);
  registered();
}

void Registration::start_over() {
  registered_ = false;
  service_id_.clear();
  subscription_id_.clear();
  left_over_.clear();
  stage_ = Stage::kReady;
}

void Registration::failed(const std::string& why) {
  if (last_error_ != why) log::warn("no registration at the MEC platform", {{"why", why}});
  last_error_ = why;
  if (stage_ < Stage::kLookService) start_over();
  if (stage_ == Stage::kLookSubscription) stage_ = Stage::kLookService;
  due_ms_ = clock_.now_ms() + retry_ms_;
  retry_ms_ = std::min(retry_ms_ * 2, options_.retry_ms_max);
}

void Registration::take_end(const Result<http::Reply>& reply) {
  if (stage_ == Stage::kConfirmEnd) return take_confirmation(reply);
  if (stage_ == Stage::kEndSubscription) return skip_to(Stage::kEnded);
  service_id_.clear();
  skip_to(Stage::kEndSubscription);
}

void Registration::take_confirmation(const Result<http::Reply>& reply) {
  const bool heard = reply && reply->status < kServerError;
  if (!heard && clock_.now_ms() + kConfirmRetryMs < confirm_until_ms_) {
    due_ms_ = clock_.now_ms() + kConfirmRetryMs;
    return;
  }
  if (!heard) log::warn("the MEC platform does not hear that we end");
  skip_to(Stage::kEndService);
}

void Registration::terminate(const AppTerminationNotification& notification) {
  if (is_ending()) return;
  confirm_ = notification.action;
  confirm_until_ms_ =
      clock_.now_ms() + std::min(notification.max_graceful_timeout_s, kConfirmSMax) * 1000;
}

void Registration::leave() {
  if (is_ending()) return;
  leaving_ = true;
}

std::int64_t Registration::next_due_ms() const {
  return asking_ || stage_ == Stage::kEnded ? std::numeric_limits<std::int64_t>::max() : due_ms_;
}

MecPlatformStatus Registration::status() const {
  const bool fine = registered_ && last_error_.empty();
  const char* state = fine ? "registered" : "unregistered";
  return {is_ending() ? "terminating" : state, service_id_, last_error_};
}

}  // namespace mx2
