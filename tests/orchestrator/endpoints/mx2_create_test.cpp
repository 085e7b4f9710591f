// POST, GET app_contexts over HTTP; numbers are those of the conformance checklist.
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

// The area of the sample host `north`, and one that no host serves.
const Value kNorthArea{
    {"area",
     {{"coordinates", {{{144.1, -37.9}, {144.2, -37.9}, {144.2, -37.8}, {144.1, -37.9}}}}}}};
const Value kNowhere{{"countryCode", "FR"}};

Value located(const Value& location) {
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = location;
  return body;
}

const Value& first_instance(const Value& context) {
  return context["appInfo"]["userAppInstanceInfo"][0];
}

TEST_CASE("items 1, 37-39: POST app_contexts with the minimal body", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto response = client.post(kContexts, minimal_context());
  REQUIRE(response.status == 201);
  CHECK(response.header("Content-Type") == "application/json");
  const auto context = response.json();
  const auto id = context["contextId"].get<std::string>();
  CHECK(is_hex32(id));
  CHECK(response.header("Location") == "http://localhost" + kContexts + "/" + id);
  CHECK(response.header("ETag") == "\"1\"");
  CHECK(context["associateDevAppId"] == "ue-1");
  CHECK(context["appInfo"]["appDId"] == "facedetect-1");
  CHECK(first_instance(context)["referenceURI"] == "http://cloud.example/facedetect");
  CHECK(is_hex32(first_instance(context)["appInstanceId"].get<std::string>()));
}

TEST_CASE("item 21: every attribute of the request is echoed", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context("ü-1");
  body["callbackReference"] = "http://ue.example/cb";
  body["appLocationUpdates"] = true;
  body["appAutoInstantiation"] = false;
  body["appInfo"]["appSoftVersion"] = "1.0";
  body["appInfo"]["appDescription"] = "dé";
  body["appInfo"]["appPackageSource"] = "http://repo.example/x";
  body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", "NZ"}};
  const auto response = client.post(kContexts, body);
  REQUIRE(response.status == 201);
  auto context = response.json();
  CHECK(first_instance(context)["referenceURI"] == "http://south.example/facedetect");
  context.erase("contextId");
  context["appInfo"].erase("appDId");
  context["appInfo"]["userAppInstanceInfo"][0].erase("referenceURI");
  context["appInfo"]["userAppInstanceInfo"][0].erase("appInstanceId");
  CHECK(context == body);
}

TEST_CASE("item 13: GET reads a context back, our extension", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto made = client.post(kContexts, minimal_context()).json();
  const auto path = kContexts + "/" + made["contextId"].get<std::string>();
  const auto found = client.get(path);
  CHECK(found.status == 200);
  CHECK(found.json() == made);
  CHECK(found.header("ETag") == "\"1\"");
  CHECK(client.get(path + "?x=1").status == 400);
  CHECK(client.get(kContexts + "/unknown").status == 404);
}

TEST_CASE("the most specific row decides", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto response = client.post(kContexts, minimal_context("car-1"));
  CHECK(first_instance(response.json())["referenceURI"] == "http://north.example/facedetect");
}

TEST_CASE("item 40: appDId given, unknown, contradicting", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context();
  body["appInfo"]["appDId"] = "facedetect-1";
  CHECK(client.post(kContexts, body).status == 201);
  body["appInfo"]["appProvider"] = "Somebody";
  CHECK(client.post(kContexts, body).status == 400);
  body["appInfo"]["appDId"] = "unknown";
  const auto unknown = client.post(kContexts, body);
  CHECK(unknown.status == 400);
  CHECK_THAT(unknown.detail(), ContainsSubstring("no such application"));
  body["appInfo"]["appPackageSource"] = "http://repo.example/x.csar";
  const auto boarding = client.post(kContexts, body);
  CHECK(boarding.status == 403);
  CHECK(boarding.json()["type"] == "urn:mx2:problem:onboarding-not-allowed");
}

TEST_CASE("items 10, 41: bad bodies are 400 problems that name the attribute", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context();
  body["appInfo"].erase("appName");
  body["appInfo"]["app"] = "facedetect";
  const auto response = client.post(kContexts, body);
  CHECK(response.status == 400);
  CHECK(response.header("Content-Type") == "application/problem+json");
  CHECK(response.json()["status"] == 400);
  CHECK_THAT(response.detail(), ContainsSubstring("/appInfo/appName"));
  CHECK_FALSE(response.json().contains("ProblemDetails"));
  for (const char* bad :
       {"[]", "null", "7", "\"x\"", "{", "{}", "not json", "{\"a\":1}{\"b\":2}"}) {
    CAPTURE(bad);
    CHECK(client.request("POST", kContexts, bad).status == 400);
  }
  CHECK(client.request("POST", kContexts).status == 400);
}

TEST_CASE("items 22-25: rules between attributes", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context();
  body["appLocationUpdates"] = true;
  CHECK(client.post(kContexts, body).status == 400);
  body["callbackReference"] = "http://ue.example/";
  body["appAutoInstantiation"] = true;
  CHECK(client.post(kContexts, body).status == 400);
  body["appAutoInstantiation"] = false;
  CHECK(client.post(kContexts, body).status == 201);
  body["callbackReference"] = "ftp://ue.example/";
  CHECK(client.post(kContexts, body).status == 400);
}

TEST_CASE("item 42: a create request that looks like an answer", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"][0] = {{"appInstanceId", "f"},
                                               {"referenceURI", "http://evil"}};
  const auto made = client.post(kContexts, body);
  REQUIRE(made.status == 201);
  CHECK(first_instance(made.json())["referenceURI"] == "http://cloud.example/facedetect");
  body["contextId"] = std::string(32, 'a');
  CHECK(client.post(kContexts, body).status == 400);
}

TEST_CASE("item 44: a location outside the app's own is 400", "[http][mx2]") {
  const TestServer server;
  auto ops = server.ops();
  auto app = ops.get(kOperator + "/apps/facedetect-1").json();
  app["appLocation"] = {{{"countryCode", "AU"}}};
  REQUIRE(ops.put(kOperator + "/apps/facedetect-1", app).status == 200);
  auto client = server.mx2();
  CHECK(client.post(kContexts, located({{"countryCode", "NZ"}})).status == 400);
  CHECK(client.post(kContexts, located({{"countryCode", "AU"}})).status == 201);
}

TEST_CASE("item 45: a location that nobody serves now", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto refused = client.post(kContexts, located(kNowhere));
  CHECK(refused.status == 403);
  CHECK(refused.json()["type"] == "urn:mx2:problem:no-host-in-location");
  auto waiting = located(kNowhere);
  waiting["appAutoInstantiation"] = true;
  const auto made = client.post(kContexts, waiting);
  REQUIRE(made.status == 201);
  CHECK(first_instance(made.json()) == Value{{"appLocation", kNowhere}});  // item 43
}

TEST_CASE("location decides among hosts", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto made = client.post(kContexts, located(kNorthArea));
  REQUIRE(made.status == 201);
  CHECK(first_instance(made.json())["referenceURI"] == "http://north.example/facedetect");
  CHECK(first_instance(made.json())["appLocation"]["area"]["type"] == "Polygon");
}

TEST_CASE("a polygon that crosses itself is 400", "[http][mx2][hostile]") {
  const TestServer server;
  auto client = server.mx2();
  const Value bow{{"area", {{"coordinates", {{{0, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}}}}}}};
  const auto response = client.post(kContexts, located(bow));
  CHECK(response.status == 400);
  CHECK_THAT(response.detail(), ContainsSubstring("no valid polygon"));
}

TEST_CASE("item 46: no host, limits: 403 with a cause", "[http][mx2]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.contexts_per_device_max = 2;
    options.contexts_max = 3;
  });
  auto client = server.mx2();
  static_cast<void>(create_context(client, "a"));
  const auto second = create_context(client, "a");
  const auto third = client.post(kContexts, minimal_context("a"));
  CHECK(third.status == 403);
  CHECK(third.json()["type"] == "urn:mx2:problem:device-context-limit");
  static_cast<void>(create_context(client, "b"));
  CHECK(client.post(kContexts, minimal_context("c")).json()["type"] ==
        "urn:mx2:problem:context-limit");
  CHECK(client.erase(kContexts + "/" + second).status == 204);
  static_cast<void>(create_context(client, "c"));
  REQUIRE(server.ops()
              .request("PATCH", kOperator + "/table",
                       R"({"ue":"*","app":"facedetect-1","remove":true})")
              .status == 200);
  CHECK(client.post(kContexts, minimal_context("d")).json()["type"] == "urn:mx2:problem:no-host");
}

TEST_CASE("item 48: each POST is a new context", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  CHECK(create_context(client) != create_context(client));
}

TEST_CASE("items 37, R-1, R-7: wrapped bodies, retired names", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  for (const char* name : {"appContext", "AppContext"}) {
    const auto made = client.post(kContexts, {{name, minimal_context()}});
    CHECK(made.status == 201);
    CHECK(made.json().contains("contextId"));
  }
  auto body = minimal_context();
  body["associateUeAppId"] = "ue";
  CHECK(client.post(kContexts, body).status == 400);
  body.erase("associateUeAppId");
  body["futureAttribute"] = 1;
  CHECK(client.post(kContexts, body).status == 201);
}

TEST_CASE("Location follows Host, and never repeats a hostile one", "[http][mx2][hostile]") {
  const TestServer server;
  const auto body = json::dump(minimal_context());
  const auto post = [&](const std::string& host) {
    Socket socket(server.mx2_port());
    socket.send("POST " + kContexts + " HTTP/1.1\r\nHost: " + host +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return socket.receive();
  };
  CHECK_THAT(*post("mec.example:8080").header("Location"),
             ContainsSubstring("http://mec.example:8080/dev_app/v1/"));
  CHECK(post("odd'host").header("Location")->find('\'') == std::string::npos);
  CHECK(post("evil\"/><script>").status == 400);
}

}  // namespace
}  // namespace mx2::test
