// MEC 011 on Mp1, health, metrics, and the description of it all.
#include "api/http/monitoring.h"
#include "api/http/problem.h"
#include "api/mec/app_support.h"
#include "api/openapi/openapi.h"
#include "lcm/mepm/endpoints.h"

namespace mx2::mepm {
namespace {

using http::PathValues;
using http::Reply;
using http::Request;

std::string support_root(const Api& api) { return api.root + codec::kAppSupportPath; }

Reply post_ready(Api& api, const Request& request, const PathValues& values) {
  if (auto read = codec::decode_app_ready(request.body); !read) {
    return http::problem_reply(read.error());
  }
  return reply_to(api.lifecycle.confirm_ready(values.at(0)), http::no_content());
}

Reply post_termination(Api& api, const Request& request, const PathValues& values) {
  const auto action = codec::decode_termination_confirmation(request.body);
  if (!action) return http::problem_reply(action.error());
  return reply_to(api.lifecycle.confirm_termination(values.at(0), *action), http::no_content());
}

Reply post_end_subscription(Api& api, const Request& request, const PathValues& values) {
  const auto decoded = codec::decode_termination_subscription(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  if (decoded->app_instance_id != values.at(0)) {
    return http::problem_reply(
        invalid_argument("is not the instance of the URI", "/appInstanceId"));
  }
  const auto instance = api.lifecycle.instance(values.at(0));
  if (!instance) return http::problem_reply(instance.error());
  const auto subscription = api.notifications.subscribe(*decoded);
  if (!subscription) return http::problem_reply(subscription.error());
  const auto document = codec::to_json(*subscription, support_root(api));
  auto reply = http::json_reply(201, json::dump(document));
  reply.headers.emplace_back("Location", document["_links"]["self"]["href"].get<std::string>());
  return reply;
}

Reply get_end_subscriptions(Api& api, const Request&, const PathValues& values) {
  const auto instance = api.lifecycle.instance(values.at(0));
  if (!instance) return http::problem_reply(instance.error());
  const auto list = api.notifications.end_subscriptions(values.at(0));
  return http::json_reply(200, json::dump(codec::to_json(values.at(0), list, support_root(api))));
}

Reply get_end_subscription(Api& api, const Request&, const PathValues& values) {
  for (const auto& subscription : api.notifications.end_subscriptions(values.at(0))) {
    if (subscription.id != values.at(1)) continue;
    return http::json_reply(200, json::dump(codec::to_json(subscription, support_root(api))));
  }
  return http::problem_reply(
      not_found("instance " + values.at(0) + " has no subscription " + values.at(1)));
}

Reply delete_end_subscription(Api& api, const Request&, const PathValues& values) {
  return reply_to(api.notifications.unsubscribe_end(values.at(0), values.at(1)),
                  http::no_content());
}

// This platform has no traffic or DNS rules to change.
Reply get_no_rules(Api& api, const Request&, const PathValues& values) {
  const auto instance = api.lifecycle.instance(values.at(0));
  if (!instance) return http::problem_reply(instance.error());
  return http::json_reply(200, "[]");
}

Reply get_no_rule(Api&, const Request&, const PathValues& values) {
  return http::problem_reply(
      not_found("instance " + values.at(0) + " has no rule " + values.at(1)));
}

Reply get_time(Api& api, const Request&, const PathValues&) {
  return http::json_reply(200, json::dump(codec::current_time_json(api.clock.now_ms())));
}

Reply get_timing_caps(Api& api, const Request&, const PathValues&) {
  return http::json_reply(200, json::dump(codec::timing_caps_json(api.clock.now_ms())));
}

}  // namespace

void add_support_endpoints(http::Router& router, Api& api) {
  const auto add = [&](const char* method, const std::string& path, Answer answer) {
    router.add(method, path, answering(api, answer));
  };
  const std::string root = codec::kAppSupportPath;
  const auto app = root + "/applications/{appInstanceId}";
  add("POST", app + "/confirm_ready", post_ready);
  add("POST", app + "/confirm_termination", post_termination);
  add("POST", app + "/subscriptions", post_end_subscription);
  add("GET", app + "/subscriptions", get_end_subscriptions);
  add("GET", app + "/subscriptions/{subscriptionId}", get_end_subscription);
  add("DELETE", app + "/subscriptions/{subscriptionId}", delete_end_subscription);
  for (const auto* rules : {"/traffic_rules", "/dns_rules"}) {
    add("GET", app + rules, get_no_rules);
    add("GET", app + rules + "/{ruleId}", get_no_rule);
  }
  add("GET", root + "/timing/timing_caps", get_timing_caps);
  add("GET", root + "/timing/current_time", get_time);
  http::add_monitoring(router, api.registry, api.monitoring, api.token,
                       [&api] { return json::dump(api.health()); });
  openapi::serve(router, "", openapi::mepm_yaml());
}

}  // namespace mx2::mepm
