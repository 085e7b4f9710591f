// Bearer tokens over HTTP: 401, ownership of contexts, apps for some subjects only.
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

class Guarded {
 public:
  Response as(const std::string& token, const std::string& method, const std::string& target,
              const json::Value& body = nullptr) {
    HeaderList headers;
    if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
    return client.request(method, target, body.is_null() ? "" : json::dump(body), headers);
  }
  TestServer server{[](OrchestratorOptions& options) {
    options.auth.mode = "bearer";
    options.auth.tokens = "token-a alice\ntoken-b bob\n";
    options.auth.trusted_proxies = {"127.0.0.1"};
  }};
  Client client = server.mx2();
};

TEST_CASE("item 11: 401 with WWW-Authenticate, before anything else is looked at", "[http][auth]") {
  Guarded guarded;
  for (const auto& target : {kAppList, kAppList + "?app=x"}) {
    const auto response = guarded.as("", "GET", target);
    CHECK(response.status == 401);
    CHECK_THAT(*response.header("WWW-Authenticate"), ContainsSubstring("Bearer"));
    CHECK(response.header("Content-Type") == "application/problem+json");
  }
  CHECK(guarded.as("wrong", "POST", kContexts, json::Value::array()).status == 401);
  CHECK(guarded.as("", "GET", kLegacy + "/app_list").header("Content-Type") == "application/json");
  CHECK(guarded.as("", "GET", "/nothing").status == 404);
  CHECK(guarded.as("token-a", "GET", kAppList).status == 200);
}

TEST_CASE("item 82: a context is its creator's", "[http][auth]") {
  Guarded guarded;
  const auto made = guarded.as("token-a", "POST", kContexts, minimal_context());
  REQUIRE(made.status == 201);
  const auto path = kContexts + "/" + made.json()["contextId"].get<std::string>();
  for (const char* method : {"GET", "DELETE"}) {
    const auto refused = guarded.as("token-b", method, path);
    CHECK(refused.status == 403);
    CHECK(refused.json()["type"] == "urn:mx2:problem:not-owner");
  }
  CHECK(guarded.as("token-b", "PUT", path, minimal_context()).status == 403);
  CHECK(guarded.as("token-a", "PUT", path, minimal_context()).status == 204);
  CHECK(guarded.as("token-a", "GET", path).status == 200);
  CHECK(guarded.as("token-a", "DELETE", path).status == 204);
}

TEST_CASE("item 28: an app for some subjects is listed and given to them only", "[http][auth]") {
  Guarded guarded;
  auto ops = guarded.server.ops();
  auto app = ops.get(kOperator + "/apps/facedetect-1").json();
  app["subjects"] = {"bob"};
  REQUIRE(ops.put(kOperator + "/apps/facedetect-1", app).status == 200);
  CHECK(guarded.as("token-a", "GET", kAppList).json()["appList"].size() == 1);
  CHECK(guarded.as("token-b", "GET", kAppList).json()["appList"].size() == 2);
  CHECK(guarded.as("token-a", "POST", kContexts, minimal_context()).status == 400);
  CHECK(guarded.as("token-b", "POST", kContexts, minimal_context()).status == 201);
}

TEST_CASE("a trusted proxy says whose request it is", "[http][auth]") {
  Guarded guarded;
  auto ops = guarded.server.ops();
  REQUIRE(ops.request("PATCH", kOperator + "/table",
                      R"({"ue":"ip:203.0.113.0/24","app":"facedetect-1","targets":["host:south"]})")
              .status == 200);
  const auto made = guarded.client.request(
      "POST", kContexts, json::dump(minimal_context()),
      {{"Authorization", "Bearer token-a"}, {"X-Forwarded-For", "1.2.3.4, 203.0.113.7"}});
  REQUIRE(made.status == 201);
  CHECK(made.json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"] ==
        "http://south.example/facedetect");
  CHECK(ops.get(kOperator + "/contexts").json()["items"][0]["clientIp"] == "203.0.113.7");
}

TEST_CASE("item 83: a client that asks too often is told 429 and when to come back",
          "[http][auth]") {
  TestServer server([](OrchestratorOptions& options) {
    options.auth.requests_per_second_max = 3;
    options.auth.trusted_proxies = {"127.0.0.1"};
  });
  auto client = server.mx2();
  const auto as = [&](const std::string& address, const std::string& target) {
    return client.request("GET", target, "", {{"X-Forwarded-For", address}});
  };
  for (int i = 0; i < 3; ++i) CHECK(as("192.0.2.1", kAppList).status == 200);
  const auto refused = as("192.0.2.1", kAppList);
  CHECK(refused.status == 429);
  CHECK(refused.header("Retry-After") == "1");
  CHECK(refused.json()["type"] == "urn:mx2:problem:too-many-requests");
  CHECK(as("192.0.2.1", kLegacy + "/app_list").status == 429);
  CHECK(as("192.0.2.2", kAppList).status == 200);  // others are not disturbed
  server.clock.advance(3'600'000);                 // the date alone gives nobody anything
  CHECK(as("192.0.2.1", kAppList).status == 429);
  server.clock.advance(-7'200'000);
  CHECK(as("192.0.2.1", kAppList).status == 429);
  server.advance(1000);
  CHECK(as("192.0.2.1", kAppList).status == 200);
}

}  // namespace
}  // namespace mx2::test
