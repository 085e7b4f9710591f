#include "lcm/examples/common/mp1.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "api/base/ids.h"
#include "api/base/ip.h"
#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/json/json.h"
#include "api/mec/app_support.h"

namespace mx2::lambda {
namespace {

constexpr int kAttempts = 5;
constexpr std::chrono::milliseconds kPause{200};
constexpr int kTimeoutMs = 1000;

std::string callback_path() {
  const SystemClock clock;
  return "/mx2/termination/" + RandomIds(clock).next();
}

}  // namespace

Mp1::Mp1(std::string uri, std::string instance_id)
    : uri_(std::move(uri)), instance_id_(std::move(instance_id)), path_(callback_path()) {
  while (uri_.ends_with('/')) uri_.pop_back();
}

void Mp1::add_endpoints(http::Router& router) {
  if (uri_.empty()) return;
  router.add("POST", path_,
             [this](http::Request& request, const http::PathValues&, http::Responder responder) {
               const auto document = json::parse(request.body);
               if (!document || !document->is_object()) {
                 return responder.reply(http::problem_reply(invalid_argument("must be an object")));
               }
               const auto action = document->find("operationAction");
               const bool stopping = action != document->end() && *action == "STOPPING";
               operation_ = stopping ? "STOPPING" : "TERMINATING";
               responder.reply(http::no_content());
               ::kill(::getpid(), SIGTERM);
             });
}

bool Mp1::post(const std::string& resource, const std::string& body) {
  http::ClientOptions options;
  options.connect_timeout_ms = kTimeoutMs;
  options.timeout_ms = kTimeoutMs;
  http::CurlClient client(options);
  const auto url = uri_ + "/applications/" + percent_encode(instance_id_) + resource;
  const auto reply = client.send("POST", url, {{"Content-Type", "application/json"}}, body);
  if (reply && reply->status / 100 == 2) return true;
  log::warn(
      "the MEC platform refused",
      {{"url", url}, {"answer", reply ? std::to_string(reply->status) : reply.error().detail}});
  return false;
}

void Mp1::say_ready(const std::string& address, std::uint16_t port) {
  if (uri_.empty()) return;
  const auto reached_at = "http://" + authority(address_from_here(address), port);
  const AppTerminationSubscription subscription{{}, instance_id_, reached_at + path_};
  static_cast<void>(post("/subscriptions", codec::encode_termination_subscription(subscription)));
  for (int i = 0; i < kAttempts; ++i) {
    if (post("/confirm_ready", codec::encode_app_ready())) return;
    std::this_thread::sleep_for(kPause);
  }
}

void Mp1::say_terminated() {
  const char* operation = operation_;
  if (uri_.empty() || operation == nullptr) return;
  const json::Value body{{"operationAction", operation}};
  static_cast<void>(post("/confirm_termination", json::dump(body)));
}

}  // namespace mx2::lambda
