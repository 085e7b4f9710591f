// The registration as a MEC application, against a platform that the test plays; and the codecs.
#include "orchestrator/mec_platform/mec_platform.h"

#include "api/mec/service_management.h"
#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_notifier.h"
#include "tests/support/sequential_ids.h"

namespace mx2::test {
namespace {

const std::string kSupport = "http://platform/mec_app_support/v1/applications/app%201";
const std::string kServices = "http://platform/mec_service_mgmt/v1/applications/app%201/services";
const std::string kSubscriptions = kSupport + "/subscriptions";

MecPlatformOptions platform_options() {
  MecPlatformOptions options;
  options.app_instance_id = "app 1";
  options.app_support_url = options.service_mgmt_url = "http://platform";
  options.service_uri = "http://mec/dev_app/v1";
  options.callback_url = "http://mec";
  return options;
}

struct Peer {
  explicit Peer(std::string callback = "http://mec/callback")
      : registration(platform_options(), std::move(callback), client, clock) {}

  void turn() {
    registration.step();
    client.poll(0);
  }
  void later(std::int64_t ms) {
    clock.advance(ms);
    turn();
  }
  // The request that waits is this one; it gets this answer, and the next is begun.
  void expect(const std::string& method, const std::string& url, int status,
              const std::string& body = {}, http::Headers headers = {}) {
    registration.step();
    CAPTURE(method, url);
    REQUIRE(client.in_flight() == 1);
    CHECK(client.requests.back().method == method);
    CHECK(client.requests.back().url == url);
    client.answer("", http::Reply{status, "application/json", body, std::move(headers), false});
    client.poll(0);
    registration.step();
  }
  void register_all(const std::string& service = "s1") {
    expect("POST", kSupport + "/confirm_ready", 204);
    expect("GET", kServices, 200, "[]");
    expect("POST", kServices, 201, service_document(service));
    expect("GET", kSubscriptions, 200, R"({"_links":{"self":{"href":"x"},"subscriptions":[]}})");
    expect("POST", kSubscriptions, 201, "{}", {{"location", "/a/subscriptions/sub1"}});
    expect("GET", kSubscriptions + "/sub1", 200, "{}");
  }
  static std::string service_document(const std::string& id, const std::string& name = "mx2-dai") {
    return R"({"serInstanceId":")" + id + R"(","serName":")" + name +
           R"(","version":"1","state":"ACTIVE","serializer":"JSON","isLocal":true,)"
           R"("transportInfo":{"id":"t","name":"n","type":"REST_HTTP","protocol":"HTTP",)"
           R"("version":"1.1","endpoint":{"uris":["http://x"],"alternative":null}}})";
  }
  [[nodiscard]] std::string state() const { return registration.status().state; }

  ScriptedClient client;
  ManualClock clock{1000};
  Registration registration;
};

TEST_CASE("mec platform: ready, service, subscription, and a look now and then", "[platform]") {
  Peer peer;
  CHECK(peer.state() == "unregistered");
  peer.register_all();
  CHECK(peer.state() == "registered");
  CHECK(peer.registration.status().ser_instance_id == "s1");
  CHECK(peer.client.requests[0].body == R"({"indication":"READY"})");
  const auto service = json::parse(peer.client.requests[2].body).value();
  CHECK(service == json::parse(R"({"serName":"mx2-dai","version":"2.2.1","state":"ACTIVE",
    "serializer":"JSON","scopeOfLocality":"MEC_SYSTEM","consumedLocalOnly":false,
    "serCategory":{"href":"catalogueHref","id":"daiId","name":"DAI","version":"v1"},
    "transportInfo":{"id":"mx2-rest","name":"REST","type":"REST_HTTP","protocol":"HTTP",
      "version":"1.1","endpoint":{"uris":["http://mec/dev_app/v1"]},"security":{}}})")
                       .value());
  const auto subscription = json::parse(peer.client.requests[4].body).value();
  CHECK(subscription["callbackReference"] == "http://mec/callback");
  CHECK(subscription["appInstanceId"] == "app 1");
  peer.turn();
  CHECK(peer.client.in_flight() == 0);
  CHECK(peer.registration.next_due_ms() == 11000);
  peer.later(10000);
  peer.expect("GET", kServices + "/s1", 200, "{}");
  peer.expect("GET", kSubscriptions + "/sub1", 200, "{}");
  CHECK(peer.client.in_flight() == 0);
}

TEST_CASE("mec platform: what an earlier life has left is taken back first", "[platform]") {
  Peer peer;
  peer.expect("POST", kSupport + "/confirm_ready", 409);  // it was said before
  peer.expect("GET", kServices, 200,
              "[" + Peer::service_document("a") + "," + Peer::service_document("b", "other") + "," +
                  Peer::service_document("c") + "]");
  peer.expect("DELETE", kServices + "/c", 204);
  peer.expect("DELETE", kServices + "/a", 500);
  peer.expect("POST", kServices, 201, Peer::service_document("d"));
  peer.expect("GET", kSubscriptions, 200,
              R"({"_links":{"subscriptions":[{"href":"http://p/subscriptions/old","rel":"x"}]}})");
  peer.expect("DELETE", kSubscriptions + "/old", 204);
  peer.expect("POST", kSubscriptions, 201, R"({"subscriptionType":
    "AppTerminationNotificationSubscription","callbackReference":"http://mec/callback",
    "appInstanceId":"app 1","_links":{"self":{"href":"http://p/subscriptions/new"}}})");
  peer.expect("GET", kSubscriptions + "/new", 200);
  CHECK(peer.state() == "registered");
}

TEST_CASE("mec platform: away, unknown or odd is tried again, less and less often", "[platform]") {
  Peer peer;
  for (const int pause : {500, 1000, 2000, 4000, 8000, 10000, 10000}) {
    peer.registration.step();
    REQUIRE(peer.client.in_flight() == 1);
    peer.client.break_off("");
    peer.turn();
    CHECK(peer.registration.status().last_error == "connection refused");
    peer.later(pause - 1);
    CHECK(peer.client.in_flight() == 0);
    peer.later(1);
  }
  const auto again = [&] { peer.later(10000); };
  peer.expect("POST", kSupport + "/confirm_ready", 404, R"({"detail":"App Instance not found"})");
  CHECK(peer.registration.status().last_error == "it answered with 404: App Instance not found");
  again();
  peer.expect("POST", kSupport + "/confirm_ready", 204);
  peer.expect("GET", kServices, 403);
  again();
  peer.expect("POST", kSupport + "/confirm_ready", 204);
  peer.expect("GET", kServices, 200, "{not json");  // nothing is known to be left over
  peer.expect("POST", kServices, 201, "{}");        // without a name or Location
  CHECK(peer.client.in_flight() == 0);
  again();
  peer.register_all();
  CHECK(peer.state() == "registered");
  CHECK(peer.registration.status().last_error.empty());
}

TEST_CASE("mec platform: one that is away keeps us, one that has lost us is told", "[platform]") {
  Peer peer;
  peer.register_all();
  peer.later(10000);
  peer.expect("GET", kServices + "/s1", 503);
  CHECK(peer.state() == "unregistered");
  CHECK(peer.registration.is_subscribed());
  peer.later(500);
  peer.expect("GET", kServices + "/s1", 200);
  peer.expect("GET", kSubscriptions + "/sub1", 200);
  CHECK(peer.state() == "registered");
  peer.later(10000);
  peer.expect("GET", kServices + "/s1", 404);
  CHECK(peer.state() == "unregistered");
  CHECK_FALSE(peer.registration.is_subscribed());
  peer.register_all("s2");
  CHECK(peer.registration.status().ser_instance_id == "s2");
  peer.later(10000);
  peer.expect("GET", kServices + "/s2", 200);
  peer.expect("GET", kSubscriptions + "/sub1", 404);
  peer.register_all("s3");
}

TEST_CASE("mec platform: without a callback there is no subscription", "[platform]") {
  Peer peer("");
  peer.expect("POST", kSupport + "/confirm_ready", 204);
  peer.expect("GET", kServices, 200, "[]");
  peer.expect("POST", kServices, 201, Peer::service_document("s1"));
  CHECK(peer.state() == "registered");
  CHECK(peer.client.in_flight() == 0);
  peer.later(10000);
  peer.expect("GET", kServices + "/s1", 200);
  CHECK(peer.client.in_flight() == 0);
}

TEST_CASE("mec platform: the end it asks for is confirmed in time", "[platform]") {
  Peer peer;
  peer.register_all();
  peer.registration.terminate({OperationAction::kTerminating, 1, "", "http://wrong/confirm"});
  peer.expect("POST", kSupport + "/confirm_termination", 503);
  peer.later(250);
  peer.expect("POST", kSupport + "/confirm_termination", 204);
  CHECK(peer.client.requests.back().url == kServices + "/s1");
  CHECK(peer.client.requests[7].body == R"({"operationAction":"TERMINATING"})");
  peer.expect("DELETE", kServices + "/s1", 404);
  CHECK(peer.registration.has_ended());
  CHECK(peer.state() == "terminating");
  peer.registration.leave();
  peer.turn();
  CHECK(peer.client.in_flight() == 0);
}

TEST_CASE("mec platform: a confirmation that nobody hears ends with the time", "[platform]") {
  Peer peer;
  peer.register_all();
  peer.registration.terminate({OperationAction::kStopping, 1, "", ""});
  for (int i = 0; i < 5 && !peer.registration.has_ended(); ++i) {
    peer.registration.step();
    peer.client.break_off("");
    peer.turn();
    peer.later(250);
  }
  CHECK(peer.registration.has_ended());
  CHECK(peer.clock.now_ms() <= 1000 + 1250);
}

TEST_CASE("mec platform: at our own end service and subscription are taken back", "[platform]") {
  Peer peer;
  peer.register_all();
  peer.registration.leave();
  peer.expect("DELETE", kServices + "/s1", 500);
  peer.expect("DELETE", kSubscriptions + "/sub1", 204);
  CHECK(peer.registration.has_ended());
}

TEST_CASE("mec platform: an end in the middle of registering waits for the answer", "[platform]") {
  Peer peer;
  peer.expect("POST", kSupport + "/confirm_ready", 204);
  peer.expect("GET", kServices, 200, "[]");
  peer.registration.step();
  peer.registration.leave();
  peer.turn();
  CHECK_FALSE(peer.registration.has_ended());
  peer.expect("POST", kServices, 201, Peer::service_document("late"));
  peer.expect("DELETE", kServices + "/late", 204);
  CHECK(peer.registration.has_ended());
  Peer never;
  never.registration.leave();
  never.turn();
  CHECK(never.registration.has_ended());
  CHECK(never.client.requests.empty());
}

TEST_CASE("mec platform: only whom it was told, and while subscribed, may end us", "[platform]") {
  auto owned = std::make_unique<ScriptedClient>();
  auto& client = *owned;
  const ManualClock clock{1000};
  SequentialIds ids;
  metrics::Registry registry;
  MecPlatform platform(platform_options(), ids, clock, std::move(owned), registry, [] {});
  const auto notification = [](const std::string& subscription) {
    return codec::encode({OperationAction::kTerminating, 10, subscription, "http://p/confirm"});
  };
  const auto ours = notification("http://p/applications/app%201/subscriptions/sub1");
  const auto answer = [&](int status, const std::string& body) {
    client.answer("", http::Reply{status, "application/json", body, {}, false});
    platform.step(0);  // takes it
    platform.step(0);  // begins the next
  };
  platform.step(0);
  answer(204, "");
  answer(200, "[]");
  answer(201, Peer::service_document("s1"));
  answer(200, "{}");
  const auto subscribe = json::parse(client.requests.back().body).value();
  const auto callback = subscribe["callbackReference"].get<std::string>();
  const auto key = callback.substr(callback.rfind('/') + 1);
  REQUIRE(callback == "http://mec/mec_platform/v1/termination/" + key);
  CHECK(platform.notified(key, ours).error().code == ErrorCode::kNotFound);  // not yet
  auto made = subscribe;
  made["_links"]["self"]["href"] = "http://p/subscriptions/sub1";
  answer(201, json::dump(made));
  answer(200, "{}");
  CHECK(platform.status().state == "registered");
  CHECK(platform.notified("another", ours).error().code == ErrorCode::kNotFound);
  CHECK(platform.notified(key, "{").error().code == ErrorCode::kInvalidArgument);
  CHECK(platform.notified(key, notification("http://p/applications/app2/subscriptions/sub1"))
            .error()
            .pointer == "/_links/subscription/href");
  platform.step(0);
  CHECK(platform.status().state == "registered");
  CHECK(platform.notified(key, ours).ok());
  CHECK(platform.notified(key, ours).ok());
  platform.step(0);
  CHECK(client.requests.back().url == kSupport + "/confirm_termination");
  CHECK_THAT(registry.text(), ContainsSubstring("mx2_mec_platform_registered 0"));
}

TEST_CASE("MEC 011: lists of services and subscriptions are bounded", "[platform][hostile]") {
  CHECK(codec::decode_services("[]")->empty());
  CHECK(codec::decode_services("{}").error().detail == "must be a list");
  CHECK(codec::decode_services(R"([{"serName":"x"}])").error().pointer == "/0/serInstanceId");
  std::string many = "[0";
  for (int i = 0; i < 1000; ++i) many += ",0";
  CHECK(codec::decode_services(many + "]").error().detail == "has too many items");
  CHECK_FALSE(codec::decode_services(std::string(100, '[')).ok());
  const auto service = codec::decode_service(Peer::service_document("a"));
  REQUIRE(service.ok());
  CHECK(service->transport.uris == std::vector<std::string>{"http://x"});
  CHECK(service->scope_of_locality == "MEC_HOST");
  CHECK(codec::decode_subscription_links(R"({"_links":{}})")->empty());
  CHECK_FALSE(codec::decode_subscription_links("{}").ok());
  CHECK(codec::decode_subscription_links(R"({"_links":{"subscriptions":[{}]}})").error().pointer ==
        "/_links/subscriptions/0/href");
}

}  // namespace
}  // namespace mx2::test
