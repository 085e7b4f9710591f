// Both served APIs: what they answer, to good and to bad requests. Every answer goes to the
// contract log.
#include "api/mec/codec_app_lcm.h"
#include "tests/catch.h"
#include "tests/lcm/mepm/platform.h"
#include "tests/support/receiver.h"

namespace mx2::mepm::test {
namespace {

const std::string kInstances = kLcm + "/app_instances";
const std::string kOperations = kLcm + "/app_lcm_op_occs";
const std::string kSubscriptions = kLcm + "/subscriptions";

TEST_CASE("app_lcm: instances are created, listed, shown and deleted", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto body = codec::encode(CreateAppInstanceRequest{"plain", "first", "text", {}});
  const auto first = platform.ask("POST", kInstances, body);
  CHECK(first.status == 201);
  const std::string id = first.body["id"];
  CHECK(first.location.ends_with(kInstances + "/" + id));
  const auto second = platform.create("plain");
  CHECK(platform.ask("GET", kInstances).body.size() == 2);
  const auto filtered = [&](const std::string& query) {
    return platform.ask("GET", kInstances + "?" + query);
  };
  CHECK(filtered("filter=(eq,appInstanceName,first)").body.size() == 1);
  CHECK(filtered("filter=(neq,appInstanceName,first)").body.size() == 1);
  CHECK(filtered("filter=(in,id," + id + "," + second + ")").body.size() == 2);
  CHECK(filtered("filter=(nin,id," + id + "," + second + ")").body.empty());
  CHECK(filtered("filter=(cont,appName,lai);(eq,mx2/phase,absent)").body.size() == 2);
  CHECK(filtered("filter=(gt,mx2/restarts,0)").body.empty());
  CHECK_FALSE(filtered("exclude_fields=mx2").body[0].contains("mx2"));
  CHECK_FALSE(filtered("exclude_default").body[0].contains("mx2"));
  CHECK(filtered("fields=mx2").body[0].contains("mx2"));
  CHECK(filtered("all_fields").body[0].contains("mx2"));
  for (const auto* bad : {"filter=x", "filter=(eq,a)", "filter=(like,a,b)", "filter=(eq,a,b",
                          "filter=(eq,a,b)x", "filter=(eq,,b)", "fields=id",
                          "all_fields&exclude_fields=mx2", "unknown=1", "filter=%zz"}) {
    CAPTURE(bad);
    CHECK(filtered(bad).status == 400);
  }
  CHECK(platform.ask("DELETE", kInstances + "/" + id).status == 204);
  CHECK(platform.ask("DELETE", kInstances + "/" + id).status == 404);
  CHECK(platform.ask("GET", kInstances + "/" + id).status == 404);
  CHECK(platform.ask("POST", kInstances, R"({"appDId":"unknown"})").status == 404);
  CHECK(platform.ask("POST", kInstances, "{").status == 400);
  CHECK(platform.ask("POST", kInstances, "{}").status == 400);
  platform.packages.infos["plain"].enabled = false;
  CHECK(platform.ask("POST", kInstances, R"({"appDId":"plain"})").status == 403);
  platform.packages.down = true;
  CHECK(platform.ask("POST", kInstances, R"({"appDId":"plain"})").status == 503);
}

TEST_CASE("app_lcm: an appInstanceName is a name; what makes creating idempotent is a key",
          "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  platform.packages.add("other", "serve");
  const auto create = [&](const std::string& app, const http::Headers& headers) {
    return platform.ask("POST", kInstances,
                        codec::encode(CreateAppInstanceRequest{app, "same", {}, {}}), headers);
  };
  const auto named = create("plain", {}).body["id"];
  CHECK(create("plain", {}).body["id"] != named);
  const auto keyed = create("plain", {{"Idempotency-Key", "\"k 1\""}});
  CHECK(keyed.status == 201);
  CHECK(keyed.body["id"] != named);
  CHECK(keyed.body["mx2"]["idempotencyKey"] == "k 1");
  CHECK(create("plain", {{"idempotency-key", "k 1"}}).body["id"] == keyed.body["id"]);
  CHECK(create("plain", {{"Idempotency-Key", "k 2"}}).body["id"] != keyed.body["id"]);
  CHECK(create("other", {{"Idempotency-Key", "k 1"}}).status == 409);
  for (const auto& bad : {std::string("\"\""), std::string(300, 'k')}) {
    CHECK(create("plain", {{"Idempotency-Key", bad}}).status == 400);
  }
  platform.stop();
  platform.start();
  CHECK(create("plain", {{"Idempotency-Key", "k 1"}}).body["id"] == keyed.body["id"]);
  CHECK(platform.ask("DELETE", keyed.location.substr(keyed.location.find(kLcm))).status == 204);
  CHECK(create("plain", {{"Idempotency-Key", "k 1"}}).body["id"] != keyed.body["id"]);
}

TEST_CASE("app_lcm: 406 and 415 where MEC 010-2 has them, 405 for other methods", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto body = codec::encode(CreateAppInstanceRequest{"plain", {}, {}, {}});
  const auto asking = [&](const std::string& accept) {
    return platform.ask("GET", kInstances, {}, {{"Accept", accept}}).status;
  };
  for (const auto* good : {"application/json", "*/*", "application/*;q=0.1", "text/html, */*;q=0.1",
                           "text/html;q=0, application/json", "what is this"}) {
    CAPTURE(good);
    CHECK(asking(good) == 200);
  }
  for (const auto* bad : {"text/html", "application/xml", "application/json;q=0, */*",
                          "application/*;q=0.0", "text/*, image/png"}) {
    CAPTURE(bad);
    CHECK(asking(bad) == 406);
  }
  CHECK(platform.ask("POST", kInstances, body, {{"Content-Type", "text/xml"}}).status == 415);
  CHECK(platform.ask("POST", kInstances, body, {{"Accept", "text/xml"}}).status == 406);
  CHECK(platform.ask("GET", kInstances).body.empty());
  CHECK(platform.ask("PUT", kInstances, body).status == 405);
  CHECK(platform.ask("PATCH", kOperations).status == 405);
}

TEST_CASE("app_lcm: a forceful end may name the timeout of a graceful one", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto ended = platform.run(
      id, "terminate", R"({"terminationType":"FORCEFUL","gracefulTerminationTimeout":3600})");
  CHECK(ended.state == OperationState::kCompleted);
}

TEST_CASE("app_lcm: tasks and operation occurrences", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  const auto task = [&](const std::string& name, const std::string& body) {
    return platform.ask("POST", kInstances + "/" + id + "/" + name, body).status;
  };
  CHECK(task("instantiate", "{}") == 400);
  CHECK(task("instantiate", codec::encode(InstantiateAppRequest::on("elsewhere"))) == 400);
  CHECK(task("terminate", R"({"terminationType":"FORCEFUL"})") == 409);
  CHECK(task("terminate", R"({"terminationType":"SOFT"})") == 400);
  CHECK(task("operate", R"({"changeStateTo":"STARTED"})") == 409);
  CHECK(platform.ask("POST", kInstances + "/none/terminate", R"({"terminationType":"FORCEFUL"})")
            .status == 404);
  const auto operation = platform.instantiate(id);
  CHECK(operation.state == OperationState::kCompleted);
  CHECK(task("instantiate", codec::encode(InstantiateAppRequest::on("host"))) == 409);
  CHECK(platform.ask("DELETE", kInstances + "/" + id).status == 409);
  CHECK(platform.ask("GET", kInstances).body[0]["instantiationState"] == "INSTANTIATED");
  CHECK(platform.ask("GET", kOperations).body.size() == 1);
  CHECK(platform.ask("GET", kOperations + "?filter=(eq,operationState,FAILED)").body.empty());
  CHECK(platform.ask("GET", kOperations + "/none").status == 404);
  const auto path = kOperations + "/" + operation.id;
  CHECK(platform.ask("POST", path + "/cancel", R"({"cancelMode":"FORCEFUL"})").status == 409);
  CHECK(platform.ask("POST", path + "/cancel", "{}").status == 400);
  CHECK(platform.ask("POST", path + "/fail").status == 409);
  CHECK(platform.ask("POST", path + "/retry").status == 409);
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
}

TEST_CASE("app_lcm: a package that cannot be fetched: FAILED_TEMP, fail", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  platform.packages.down = true;
  const auto operation = platform.instantiate(id);
  CHECK(operation.state == OperationState::kFailedTemp);
  CHECK(operation.error_detail == "down");
  const auto failed = platform.ask("POST", kOperations + "/" + operation.id + "/fail");
  CHECK(failed.status == 200);
  CHECK(failed.body["operationState"] == "FAILED");
  CHECK(platform.ask("GET", kOperations).status == 200);
}

TEST_CASE("app_lcm: subscriptions, and what subscribers are told", "[mepm-http]") {
  mx2::test::Receiver receiver;
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto subscribe = [&](const std::string& type) {
    return platform.ask(
        "POST", kSubscriptions,
        json::dump({{"subscriptionType", type}, {"callbackUri", receiver.url("/told")}}));
  };
  const auto instances = subscribe("AppInstanceStateChange");
  const auto operations = subscribe("AppLcmOpOccStateChangeSubscription");
  CHECK(instances.status == 201);
  CHECK(operations.status == 201);
  CHECK(subscribe("Nothing").status == 400);
  CHECK(instances.body["subscriptionType"] == "AppInstanceStateChange");
  CHECK(operations.body["subscriptionType"] == "AppLcmOpOccStateChangeSubscription");
  const std::string first = instances.body["id"];
  CHECK(platform.ask("GET", kSubscriptions).body["_links"]["subscriptions"].size() == 2);
  CHECK(platform.ask("GET", kSubscriptions + "?subscriptionType=AppInstanceStateChange")
            .body["_links"]["subscriptions"]
            .size() == 1);
  CHECK(platform.ask("GET", kSubscriptions + "?subscriptionType=x").status == 400);
  CHECK(platform.ask("GET", kSubscriptions + "/" + first).status == 200);
  CHECK(
      platform.ask("GET", kSubscriptions + "/" + first + "?subscriptionType=AppLcmOpOccStateChange")
          .status == 404);
  const auto id = platform.create("plain");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  REQUIRE(receiver.hears(4));
  std::string told;
  for (const auto& request : receiver.heard()) {
    const auto notification = codec::decode_lcm_notification(request.body);
    REQUIRE(notification.ok());
    if (const auto* state = std::get_if<AppInstNotification>(&*notification)) {
      CHECK(state->state == AppInstanceState::kStarted);
    } else {
      told += to_text(std::get<AppLcmOpOccNotification>(*notification).state);
    }
  }
  CHECK(told == "STARTINGPROCESSINGCOMPLETED");
  CHECK(platform.ask("DELETE", kSubscriptions + "/" + first).status == 204);
  CHECK(platform.ask("DELETE", kSubscriptions + "/" + first).status == 404);
  platform.stop();
  platform.start();
  const auto left = platform.ask("GET", kSubscriptions).body["_links"]["subscriptions"];
  REQUIRE(left.size() == 1);
  CHECK(left[0]["subscriptionType"] == "AppLcmOpOccStateChangeSubscription");
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
}

TEST_CASE("mec_app_support: confirmations, subscriptions, rules and time", "[mepm-http]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  const auto app = kSupport + "/applications/" + id;
  const auto ready = [&](const std::string& at) {
    return platform.ask("POST", at + "/confirm_ready", R"({"indication":"READY"})").status;
  };
  CHECK(ready(app) == 409);
  CHECK(ready(kSupport + "/applications/none") == 404);
  CHECK(platform.ask("POST", app + "/confirm_ready", R"({"indication":"NO"})").status == 400);
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  CHECK(ready(app) == 204);
  CHECK(platform.ask("POST", app + "/confirm_termination", R"({"operationAction":"STOPPING"})")
            .status == 409);
  CHECK(platform.ask("POST", app + "/confirm_termination", "{}").status == 400);
  const auto subscription = [&](const std::string& instance) {
    return json::dump({{"subscriptionType", "AppTerminationNotificationSubscription"},
                       {"callbackReference", "http://127.0.0.1:9/x"},
                       {"appInstanceId", instance},
                       {"_links", {{"self", {{"href", "/x"}}}}}});
  };
  const auto made = platform.ask("POST", app + "/subscriptions", subscription(id));
  CHECK(made.status == 201);
  CHECK(platform.ask("POST", app + "/subscriptions", subscription("other")).status == 400);
  CHECK(platform.ask("POST", app + "/subscriptions", "{}").status == 400);
  const auto one = made.location.substr(made.location.find(kSupport));
  const auto links = platform.ask("GET", app + "/subscriptions").body["_links"]["subscriptions"];
  REQUIRE(links.size() == 1);
  CHECK(links[0]["subscriptionType"] == "AppTerminationNotificationSubscription");
  CHECK(links[0]["rel"] == links[0]["subscriptionType"]);
  CHECK(platform.ask("GET", one).body == made.body);
  CHECK(platform.ask("DELETE", one).status == 204);
  CHECK(platform.ask("GET", one).status == 404);
  CHECK(platform.ask("GET", app + "/traffic_rules").body.empty());
  CHECK(platform.ask("GET", app + "/dns_rules").status == 200);
  CHECK(platform.ask("GET", app + "/dns_rules/x").status == 404);
  CHECK(platform.ask("GET", kSupport + "/applications/none/dns_rules").status == 404);
  CHECK(platform.ask("GET", kSupport + "/timing/current_time").status == 200);
  CHECK(platform.ask("GET", kSupport + "/timing/timing_caps").status == 200);
  CHECK(platform.ask("GET", "/health").body["orchestrator"].is_string());
  CHECK(platform.ask("GET", kSupport + "/nothing").status == 404);
  CHECK(platform.ask("PUT", app + "/confirm_ready", "{}").status == 405);
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
}

TEST_CASE("app_lcm asks for the token, if there is one; Mp1 does not", "[mepm-http]") {
  Platform platform([](MepmOptions& options) { options.token = "secret"; });
  CHECK(platform.ask("GET", kInstances).status == 401);
  CHECK(platform.ask("POST", kInstances, R"({"appDId":"x"})").status == 401);
  CHECK(platform.ask("GET", kSupport + "/timing/current_time").status == 200);
  CHECK(platform.ask("GET", "/openapi.yaml").status == 200);
}

}  // namespace
}  // namespace mx2::mepm::test
