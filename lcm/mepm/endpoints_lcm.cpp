// MEC 010-2 on Mm3.
#include <algorithm>

#include "api/base/text.h"
#include "api/http/bearer.h"
#include "api/http/media.h"
#include "api/http/problem.h"
#include "api/mec/codec_app_lcm.h"
#include "api/mec/list_query.h"
#include "lcm/mepm/endpoints.h"

namespace mx2::mepm {
namespace {

using http::PathValues;
using http::Reply;
using http::Request;
using http::Responder;

std::string lcm_root(const Api& api) { return api.root + codec::kAppLcmPath; }

Reply created(const std::string& location, const json::Value& body) {
  auto reply = http::json_reply(201, json::dump(body));
  reply.headers.emplace_back("Location", location);
  return reply;
}

// 202 without a body: the operation tells how it goes on.
Reply accepted(const Api& api, const Result<std::string>& operation_id) {
  if (!operation_id) return http::problem_reply(operation_id.error());
  Reply reply{202, {}, {}, {}, false};
  reply.headers.emplace_back("Location", lcm_root(api) + "/app_lcm_op_occs/" + *operation_id);
  return reply;
}

// The complex attributes of an item that may be left out, and those of them that exclude_default
// leaves out.
struct Selectable {
  std::vector<std::string> optional;
  std::vector<std::string> not_default;
};

const Selectable kInstance{
    {"vimConnectionInfo", "instantiatedAppState", "communicationInterface", "mx2"},
    {"vimConnectionInfo", "communicationInterface", "mx2"}};
const Selectable kOperation{{"operationParams", "error"}, {"operationParams", "error"}};

template <typename T>
Reply list(const Api& api, const Request& request, const std::vector<T>& items,
           const Selectable& selectable) {
  const auto query = ListQuery::parse(request.query, selectable.optional, selectable.not_default);
  if (!query) return http::problem_reply(query.error());
  auto out = json::Value::array();
  for (const auto& item : items) query->add(codec::to_json(item, lcm_root(api)), out);
  return http::json_reply(200, json::dump(out));
}

template <typename T>
Reply shown(const Api& api, const Result<T>& item) {
  if (!item) return http::problem_reply(item.error());
  return http::json_reply(200, json::dump(codec::to_json(*item, lcm_root(api))));
}

Reply created_instance(const Api& api, const Result<AppInstanceInfo>& instance) {
  if (!instance) return http::problem_reply(instance.error());
  return created(lcm_root(api) + "/app_instances/" + instance->id,
                 codec::to_json(*instance, lcm_root(api)));
}

Reply create_from(Api& api, const CreateAppInstanceRequest& request,
                  const Result<PackageInfo>& package) {
  if (!package) return http::problem_reply(package.error());
  if (!package->enabled) {
    return http::problem_reply(
        forbidden("package-disabled", "the package of " + request.app_d_id + " is disabled"));
  }
  return created_instance(api, api.lifecycle.create(request, *package));
}

// A text, in quotes as the draft has it or without; empty when there is none.
Result<std::string> idempotency_key(const Request& request) {
  const auto header = request.header(kIdempotencyKeyHeader);
  if (!header) return std::string();
  auto key = trim(*header);
  const bool quoted = key.size() >= 2 && key.front() == '"' && key.back() == '"';
  if (quoted) key = key.substr(1, key.size() - 2);
  if (key.empty() || key.size() > json::kIdentifier.most || !json::is_single_line(key)) {
    return invalid_argument("Idempotency-Key must have 1 to 256 characters");
  }
  return std::string(key);
}

// What the orchestrator says of the package belongs to the answer, so it is asked first; not here,
// where others wait.
void post_instance(Api& api, const Request& request, const PathValues&, Responder responder) {
  auto decoded = codec::decode_create_app_instance(request.body);
  if (!decoded) return responder.reply(http::problem_reply(decoded.error()));
  const auto key = idempotency_key(request);
  if (!key) return responder.reply(http::problem_reply(key.error()));
  decoded->idempotency_key = *key;
  const auto known = api.lifecycle.find(*decoded);
  if (!known) return responder.reply(http::problem_reply(known.error()));
  if (*known) return responder.reply(created_instance(api, **known));
  struct Pending {
    Api& api;
    CreateAppInstanceRequest request;
    Responder responder;
    void operator()(const Result<PackageInfo>& package) {
      responder.reply(create_from(api, request, package));
    }
  };
  api.packages.look_up(decoded->app_d_id, Pending{api, *decoded, std::move(responder)});
}

bool names_this_host(const Api& api, const InstantiateAppRequest& request) {
  const auto& hosts = request.selected_mec_hosts;
  return std::any_of(hosts.begin(), hosts.end(), [&](const auto& host) {
    const auto it = host.host_id.find(kMecHostIdKey);
    return it == host.host_id.end() || it->second == api.host_id;
  });
}

Reply post_instantiate(Api& api, const Request& request, const PathValues& values) {
  const auto decoded = codec::decode_instantiate_app(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  if (!names_this_host(api, *decoded)) {
    return http::problem_reply(
        invalid_argument("this is host " + api.host_id, "/selectedMECHostInfo"));
  }
  return accepted(api, api.lifecycle.instantiate(values.at(0)));
}

Reply post_terminate(Api& api, const Request& request, const PathValues& values) {
  const auto decoded = codec::decode_terminate_app(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  return accepted(api, api.lifecycle.terminate(values.at(0), *decoded));
}

Reply post_operate(Api& api, const Request& request, const PathValues& values) {
  const auto decoded = codec::decode_operate_app(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  return accepted(api, api.lifecycle.operate(values.at(0), *decoded));
}

Reply post_cancel(Api& api, const Request& request, const PathValues& values) {
  const auto decoded = codec::decode_cancel(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  return reply_to(api.lifecycle.cancel(values.at(0)), {202, {}, {}, {}, false});
}

Reply post_subscription(Api& api, const Request& request, const PathValues&) {
  auto decoded = codec::decode_lcm_subscription_request(request.body);
  if (!decoded) return http::problem_reply(decoded.error());
  const auto subscription = api.notifications.subscribe(std::move(*decoded));
  if (!subscription) return http::problem_reply(subscription.error());
  return created(lcm_root(api) + "/subscriptions/" + subscription->id,
                 codec::to_json(*subscription, lcm_root(api)));
}

// V2.1.1 has subscriptionType as a query parameter; where it is given, it must fit.
Result<std::optional<LcmSubscription::Kind>> wanted_kind(const Request& request) {
  const auto query = http::SingleValued::parse(request.query, {"subscriptionType"});
  if (!query) return query.error();
  const auto text = query->text("subscriptionType");
  if (text.empty()) return std::optional<LcmSubscription::Kind>();
  const auto kind = codec::parse_subscription_type(text);
  if (!kind) return invalid_argument("subscriptionType is not known");
  return kind;
}

Reply get_subscriptions(Api& api, const Request& request, const PathValues&) {
  const auto kind = wanted_kind(request);
  if (!kind) return http::problem_reply(kind.error());
  auto subscriptions = api.notifications.subscriptions();
  std::erase_if(subscriptions, [&](const auto& each) { return *kind && each.kind != **kind; });
  return http::json_reply(200, json::dump(codec::to_json(subscriptions, lcm_root(api))));
}

Reply get_subscription(Api& api, const Request& request, const PathValues& values) {
  const auto kind = wanted_kind(request);
  if (!kind) return http::problem_reply(kind.error());
  const auto subscription = api.notifications.subscription(values.at(0));
  if (subscription && *kind && subscription->kind != **kind) {
    return http::problem_reply(not_found("no such subscription of this type"));
  }
  return shown(api, subscription);
}

// For whoever has the token, accepts JSON and, if anything, sends it.
http::Endpoint guarded(Api& api, http::Endpoint endpoint) {
  const auto typed = [endpoint = http::offering({"application/json"}, std::move(endpoint))](
                         Request& request, const PathValues& values, Responder responder) {
    if (auto fine = http::check_content_type(request); !fine) {
      return responder.reply(http::problem_reply(fine.error()));
    }
    endpoint(request, values, std::move(responder));
  };
  return http::guarded(api.token, "MEPM", typed);
}

}  // namespace

http::Endpoint answering(Api& api, Answer answer) {
  return [&api, answer](Request& request, const PathValues& values, Responder responder) {
    responder.reply(answer(api, request, values));
  };
}

Reply reply_to(const Result<void>& done, Reply reply) {
  return done ? std::move(reply) : http::problem_reply(done.error());
}

void add_lcm_endpoints(http::Router& router, Api& api) {
  const std::string root = codec::kAppLcmPath;
  const auto instance = root + "/app_instances/{appInstanceId}";
  const auto operation = root + "/app_lcm_op_occs/{appLcmOpOccId}";
  const auto subscription = root + "/subscriptions/{subscriptionId}";
  const auto add = [&](const char* method, const std::string& path, Answer answer) {
    router.add(method, path, guarded(api, answering(api, answer)));
  };
  router.add("POST", root + "/app_instances",
             guarded(api, [&api](Request& request, const PathValues& values, Responder responder) {
               post_instance(api, request, values, std::move(responder));
             }));
  add("GET", root + "/app_instances", [](Api& a, const Request& request, const PathValues&) {
    return list(a, request, a.lifecycle.instances(), kInstance);
  });
  add("GET", instance, [](Api& a, const Request&, const PathValues& values) {
    return shown(a, a.lifecycle.instance(values.at(0)));
  });
  add("DELETE", instance, [](Api& a, const Request&, const PathValues& values) {
    return reply_to(a.lifecycle.remove(values.at(0)), http::no_content());
  });
  add("POST", instance + "/instantiate", post_instantiate);
  add("POST", instance + "/terminate", post_terminate);
  add("POST", instance + "/operate", post_operate);
  add("GET", root + "/app_lcm_op_occs", [](Api& a, const Request& request, const PathValues&) {
    return list(a, request, a.lifecycle.operations(), kOperation);
  });
  add("GET", operation, [](Api& a, const Request&, const PathValues& values) {
    return shown(a, a.lifecycle.operation(values.at(0)));
  });
  add("POST", operation + "/cancel", post_cancel);
  add("POST", operation + "/fail", [](Api& a, const Request&, const PathValues& values) {
    return shown(a, a.lifecycle.fail(values.at(0)));
  });
  add("POST", operation + "/retry", [](Api& a, const Request&, const PathValues& values) {
    return reply_to(a.lifecycle.retry(values.at(0)), {202, {}, {}, {}, false});
  });
  add("POST", root + "/subscriptions", post_subscription);
  add("GET", root + "/subscriptions", get_subscriptions);
  add("GET", subscription, get_subscription);
  add("DELETE", subscription, [](Api& a, const Request&, const PathValues& values) {
    return reply_to(a.notifications.unsubscribe(values.at(0)), http::no_content());
  });
}

}  // namespace mx2::mepm
