// The orchestrator as a MEC application of a platform: a few lines of MEC 011 for a peer.
#include <atomic>

#include "tests/catch.h"
#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

const std::string kSupportApp = "/mec_app_support/v1/applications/app1";
const std::string kManagementApp = "/mec_service_mgmt/v1/applications/app1";

http::Reply platform_answer(const Heard& heard) {
  if (heard.path == kManagementApp + "/services" && !heard.body.empty()) {
    auto service = heard.json();
    service["serInstanceId"] = "s1";
    return http::json_reply(201, json::dump(service));
  }
  if (heard.path == kManagementApp + "/services") return http::json_reply(200, "[]");
  if (heard.path == kSupportApp + "/subscriptions" && !heard.body.empty()) {
    auto reply = http::json_reply(201, "{}");
    reply.headers.emplace_back("Location", "http://platform/subscriptions/sub1");
    return reply;
  }
  if (heard.path.rfind(kSupportApp + "/confirm_", 0) == 0) return http::no_content();
  return http::json_reply(200, "{}");
}

struct Registered {
  Receiver platform{[](const Heard& heard, std::size_t) { return platform_answer(heard); }};
  std::atomic<int> ends{0};
  TestServer server{[this](OrchestratorOptions& options) {
    auto& to = options.mec_platform;
    to.app_instance_id = "app1";
    to.app_support_url = to.service_mgmt_url = platform.url("");
    to.service_uri = "http://mec/dev_app/v1";
    to.callback_url = "http://mec";
    options.end_program = [this] { ++ends; };
  }};

  [[nodiscard]] json::Value state() const {
    return server.ops().get(kOperator + "/health").json()["mecPlatform"];
  }
  // The path that the platform was told to POST to.
  [[nodiscard]] std::string callback() const {
    for (const auto& heard : platform.heard(kSupportApp + "/subscriptions")) {
      if (heard.body.empty()) continue;
      return heard.json()["callbackReference"].get<std::string>().substr(
          std::string("http://mec").size());
    }
    return {};
  }
};

TEST_CASE("mec platform: registered, shown, ended and confirmed", "[http][platform]") {
  Registered world;
  REQUIRE(eventually([&] { return world.state()["state"] == "registered"; }));
  CHECK(world.state() ==
        json::Value({{"state", "registered"}, {"appInstanceId", "app1"}, {"serInstanceId", "s1"}}));
  CHECK_THAT(world.server.ops().get(kOperator + "/metrics").body,
             ContainsSubstring("mx2_mec_platform_registered 1"));
  auto client = world.server.mx2();
  const auto path = world.callback();
  const auto body = json::parse(R"({"notificationType":"AppTerminationNotification",
    "operationAction":"TERMINATING","maxGracefulTimeout":10,"_links":{
      "subscription":{"href":"http://x/applications/app1/subscriptions/sub1"},
      "confirmTermination":{"href":"http://x/confirm_termination"}}})")
                        .value();
  CHECK(client.post("/mec_platform/v1/termination/guess", body).status == 404);
  CHECK(client.post("/mec_platform/v1/termination", body).status == 404);
  CHECK(client.get(path).status == 405);
  CHECK(client.post(path, json::Value::object()).status == 400);
  auto other = body;
  other["_links"]["subscription"]["href"] = "http://x/applications/app2/subscriptions/sub1";
  CHECK(client.post(path, other).status == 400);
  CHECK(world.ends == 0);
  CHECK(client.post(path, body).status == 204);
  CHECK(eventually([&] { return world.ends == 1; }));
  REQUIRE(world.platform.heard(kSupportApp + "/confirm_termination").size() == 1);
  CHECK(world.platform.heard(kSupportApp + "/confirm_termination")[0].body ==
        R"({"operationAction":"TERMINATING"})");
  client.post(path, body);
  world.server.stop();
  CHECK(world.ends == 1);
}

TEST_CASE("mec platform: at a normal stop the service is taken back", "[http][platform]") {
  Registered world;
  REQUIRE(eventually([&] { return world.state()["state"] == "registered"; }));
  world.server.stop();
  CHECK(world.platform.heard(kManagementApp + "/services/s1").size() == 1);
  CHECK(world.ends == 0);
}

TEST_CASE("mec platform: one that is away holds nobody up", "[http][platform]") {
  const BadReceiver silent(BadReceiver::Manner::kSilent);
  TestServer server([&](OrchestratorOptions& options) {
    auto& to = options.mec_platform;
    to.app_instance_id = "app1";
    to.app_support_url = to.service_mgmt_url = silent.url("");
    to.service_uri = "http://mec/dev_app/v1";
  });
  CHECK(server.still_serves());
  REQUIRE(eventually([&] { return silent.requests() > 0; }));
  CHECK(server.ops().get(kOperator + "/health").json()["mecPlatform"]["state"] == "unregistered");
  const auto begin = std::chrono::steady_clock::now();
  server.stop();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
}

TEST_CASE("without a mec platform there is no trace of one", "[http][platform]") {
  const TestServer server;
  CHECK_FALSE(server.ops().get(kOperator + "/health").json().contains("mecPlatform"));
  CHECK(server.mx2().post("/mec_platform/v1/termination/x", json::Value::object()).status == 404);
}

}  // namespace
}  // namespace mx2::test
