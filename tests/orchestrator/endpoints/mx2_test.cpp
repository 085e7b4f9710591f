// app_list, PUT, DELETE and obtain_app_loc_availability over HTTP; numbers are those of the
// conformance checklist.
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

std::vector<std::string> names(const Response& list) {
  REQUIRE(list.status == 200);
  std::vector<std::string> result;
  const auto entries = list.json()["appList"];
  for (const auto& entry : entries) result.push_back(entry["appInfo"]["appName"]);
  return result;
}

using Names = std::vector<std::string>;

TEST_CASE("items 28, 30-34: filters of app_list", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto list = [&](const std::string& query) { return names(client.get(kAppList + query)); };
  const Names both{"facedetect", "objtrack"};
  CHECK(list("") == both);
  CHECK(list("?") == both);
  CHECK(list("?appName=facedetect") == Names{"facedetect"});
  CHECK(list("?appName=facedetect,objtrack") == both);
  CHECK(list("?appName=facedetect&appName=objtrack") == both);
  CHECK(list("?appName=facedetect%2Cobjtrack").empty());
  CHECK(list("?appName=Facedetect").empty());
  CHECK(list("?appProvider=Example&appName=objtrack") == Names{"objtrack"});
  CHECK(list("?appProvider=Other").empty());
  CHECK(list("?appSoftVersion=2.1,9") == Names{"objtrack"});
  CHECK(list("?vendorId=acme") == Names{"facedetect"});
  CHECK(list("?serviceCont=1") == Names{"objtrack"});
  CHECK(list("?serviceCont=0") == Names{"facedetect"});
  CHECK(list("?appname=objtrack&servicecont=1") == Names{"objtrack"});
  CHECK(list("?app%4Eame=objtrack") == Names{"objtrack"});
}

TEST_CASE("items 19, 29, 30, 35: bad query parameters are 400", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  for (const char* bad :
       {"?app=MyWornderfulApp", "?appName=", "?appName=a,", "?appName", "?serviceCont=2",
        "?serviceCont=UnknownServiceCont", "?serviceCont=0,1", "?serviceCont=0&serviceCont=1",
        "?filter=(eq,appName,x)", "?fields=appName", "?APPNAME=x", "?appName=%zz", "?appName=%00",
        "?appName=123456789012345678901234567890123", "?vendorId=", "?=x"}) {
    CAPTURE(bad);
    const auto response = client.get(kAppList + bad);
    CHECK(response.status == 400);
    CHECK(response.header("Content-Type") == "application/problem+json");
  }
  CHECK(client.get(kAppList + "?appName=%C3%A4%C3%A4").status == 200);
  std::string many = "?appName=a";
  for (int i = 0; i < 200; ++i) many += ",a";
  CHECK(client.get(kAppList + many).status == 400);
}

TEST_CASE("item 20: an entry of app_list in full", "[http][mx2]") {
  const TestServer server;
  const auto list = server.mx2().get(kAppList + "?appName=facedetect").json();
  CHECK(list == json::parse(R"({"appList":[{"appInfo":{"appDId":"facedetect-1",
    "appName":"facedetect","appProvider":"Example","appSoftVersion":"1.0","appDVersion":"1.0",
    "appDescription":"Finds faces","appCharcs":{"memory":256,"latency":50,"serviceCont":0}},
    "vendorSpecificExt":{"vendorId":"acme"}}]})")
                    .value());
}

TEST_CASE("a disabled app is neither listed nor given", "[http][mx2]") {
  const TestServer server;
  auto ops = server.ops();
  auto app = ops.get(kOperator + "/apps/facedetect-1").json();
  app["enabled"] = false;
  REQUIRE(ops.put(kOperator + "/apps/facedetect-1", app).status == 200);
  auto client = server.mx2();
  CHECK(names(client.get(kAppList)) == Names{"objtrack"});
  CHECK(client.post(kContexts, minimal_context()).status == 400);
}

TEST_CASE("the dispatchers' app is for operators alone", "[http][mx2]") {
  const TestServer server;
  auto ops = server.ops();
  auto app = ops.get(kOperator + "/apps/facedetect-1").json();
  app["appDId"] = "dispatcher-1";
  app["appName"] = "dispatcher";
  app["enabled"] = true;
  REQUIRE(ops.put(kOperator + "/apps/dispatcher-1", app).status == 201);
  CHECK(ops.get(kOperator + "/apps/dispatcher-1").status == 200);
  CHECK(ops.get(kOperator + "/apps").json()["items"].size() == 3);

  auto client = server.mx2();
  CHECK(names(client.get(kAppList)) == Names{"facedetect", "objtrack"});
  CHECK(names(client.get(kAppList + "?appName=dispatcher")).empty());
  auto request = minimal_context();
  request["appInfo"]["appName"] = "nobody-knows-it";
  const auto unknown = client.post(kContexts, request);
  REQUIRE(unknown.status == 400);
  request["appInfo"]["appName"] = "dispatcher";
  CHECK(client.post(kContexts, request).body == unknown.body);
  request["appInfo"]["appDId"] = "dispatcher-1";
  CHECK(client.post(kContexts, request).body == unknown.body);
  CHECK(ops.get(kOperator + "/contexts").json()["items"].empty());
}

TEST_CASE("items 50-54: PUT changes callbackReference alone", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto made = client.post(kContexts, minimal_context()).json();
  const auto path = kContexts + "/" + made["contextId"].get<std::string>();
  auto body = minimal_context("somebody-else");
  body["contextId"] = "1";
  body["callbackReference"] = "http://ue.example/new";
  body["appInfo"]["appName"] = "other";
  body["appInfo"]["appDId"] = "other";
  const auto response = client.put(path, body);
  CHECK(response.status == 204);
  CHECK(response.body.empty());
  CHECK_FALSE(response.header("Content-Type"));
  auto expected = made;
  expected["callbackReference"] = "http://ue.example/new";
  CHECK(client.get(path).json() == expected);
  CHECK(client.put(path, minimal_context()).status == 204);
  CHECK(client.get(path).json() == expected);  // item 54: absent leaves it
}

TEST_CASE("item 55: PUT with an appLocation moves the instance", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", "NZ"}};
  CHECK(client.put(path, body).status == 204);
  const auto instance = client.get(path).json()["appInfo"]["userAppInstanceInfo"][0];
  CHECK(instance["referenceURI"] == "http://south.example/facedetect");
  CHECK(instance["appLocation"]["countryCode"] == "NZ");
}

TEST_CASE("R-8: a PUT body that breaks the finer location rules is accepted", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] =
      json::parse(
          R"({"area":{"coordinates":[[[7.43166,43.736156],[7.431723,43.736115]]]},"countryCode":"49",
          "civicAddressElement":[{"caType":1,"caValue":"x"}]})")
          .value();
  CHECK(client.put(path, body).status == 204);
  CHECK(client.put(path, body).status == 204);
  CHECK(client.get(path).status == 200);
  CHECK(server.still_serves());
}

TEST_CASE("items 50, 53: PUT errors", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  CHECK(client.put(kContexts + "/unknown", minimal_context()).status == 404);
  auto body = minimal_context();
  body.erase("associateDevAppId");
  body["associateUeAppId"] = "ue-1";
  CHECK(client.put(path, body).status == 400);
  body["associateDevAppId"] = "ue-1";
  CHECK(client.put(path, body).status == 400);
  CHECK(client.put(path, Value::array()).status == 400);
  CHECK(client.put(path + "?x=1", minimal_context()).status == 400);
}

TEST_CASE("item 18: If-Match guards PUT and DELETE, and is never needed", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  const auto body = json::dump(minimal_context());
  CHECK(client.request("PUT", path, body, {{"If-Match", "\"2\""}}).status == 412);
  CHECK(client.request("PUT", path, body, {{"If-Match", "\"1\""}}).status == 204);
  CHECK(client.request("PUT", path, body, {{"If-Match", "\"1\""}}).status == 412);
  for (const char* bad : {"2", "\"x\"", "\"\"", "\"0\"", "\"-1\"", "\""}) {
    CAPTURE(bad);
    CHECK(client.request("PUT", path, body, {{"If-Match", bad}}).status == 412);
  }
  CHECK(client.request("PUT", path, body, {{"If-Match", "*"}}).status == 204);
  CHECK(client.request("DELETE", path, "", {{"If-Match", "\"1\""}}).status == 412);
  CHECK(client.request("DELETE", path, "", {{"If-Match", "\"3\""}}).status == 204);
}

TEST_CASE("items 58, 62: DELETE, and what is gone", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  const auto response = client.erase(path);
  CHECK(response.status == 204);
  CHECK(response.body.empty());
  CHECK(client.erase(path).status == 404);
  CHECK(client.put(path, minimal_context()).status == 404);
  CHECK(client.get(path).status == 404);
  for (const char* odd :
       {"NON_EXISTING_CONTEXT_ID", "%C3%A4", "%20", "'; DROP TABLE contexts; --", "a%00b", "%",
        "..", "00000000000000000000000000000000000000000000000000"}) {
    CAPTURE(odd);
    const auto raw = Client(server.mx2_port()).erase(kContexts + "/" + odd);
    CHECK((raw.status == 404 || raw.status == 400));
  }
  CHECK(server.still_serves());
}

TEST_CASE("items 63-65: obtain_app_loc_availability", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const Value body{{"associateDevAppId", "ue"},
                   {"appInfo",
                    {{"appName", "facedetect"},
                     {"appProvider", "Example"},
                     {"appDVersion", "1.0"},
                     {"appDescription", "d"}}}};
  const auto response = client.post(kAvailability, body);
  REQUIRE(response.status == 200);
  CHECK_FALSE(response.header("Location"));
  auto answer = response.json();
  const auto locations = answer["appInfo"]["availableLocations"];
  REQUIRE(locations.size() == 2);
  CHECK(locations[0]["appLocation"]["countryCode"] == "AU");
  answer["appInfo"].erase("availableLocations");
  CHECK(answer == body);

  auto unknown = body;
  unknown["appInfo"]["appProvider"] = "TF012";
  const auto nowhere = client.post(kAvailability, unknown);
  CHECK(nowhere.status == 200);
  CHECK(nowhere.json()["appInfo"]["availableLocations"].empty());
  unknown["appInfo"].erase("appName");
  CHECK(client.post(kAvailability, unknown).status == 400);
  CHECK(client.post(kAvailability + "?x=1", body).status == 400);
}

TEST_CASE("obtain_app_loc_availability leaves out hosts that take nothing new", "[http][mx2]") {
  const TestServer server;
  REQUIRE(server.ops().request("POST", kOperator + "/hosts/north/cordon").status == 200);
  const Value body{
      {"associateDevAppId", "ue"},
      {"appInfo", {{"appName", "facedetect"}, {"appProvider", "Example"}, {"appDVersion", "1.0"}}}};
  const auto locations =
      server.mx2().post(kAvailability, body).json()["appInfo"]["availableLocations"];
  REQUIRE(locations.size() == 1);
  CHECK(locations[0]["appLocation"]["countryCode"] == "NZ");
}

TEST_CASE("items 1, 2: whole path segments only", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  CHECK(client.get("/dev_app/v1/app_list_error").status == 404);
  CHECK(client.post("/dev_app/v1/app_contexts_error", minimal_context()).status == 404);
  CHECK(client.put("/dev_app/v1/app_contexts_error/1", minimal_context()).status == 404);
  CHECK(client.erase("/dev_app/v1/app_contexts_error/1").status == 404);
  CHECK(client.post("/dev_app/v1/obtain_app_loc_availability_error", Value::object()).status ==
        404);
  for (const char* path : {"/", "/dev_app", "/dev_app/v1", "/dev_app/v2/app_list",
                           "/mx2/v2/app_list", "/dev_app/v1/app_lis", "/dev_app//v1/app_list",
                           "//dev_app/v1/app_list", "/dev_app/v1/app_contexts/a/b"}) {
    CAPTURE(path);
    const auto response = client.get(path);
    CHECK(response.status == 404);
    CHECK(response.header("Content-Type") == "application/problem+json");
  }
  CHECK(client.get(kAppList + "/").status == 200);
}

TEST_CASE("item 12: a known path with another method is 405 with Allow", "[http][mx2]") {
  const TestServer server;
  auto client = server.mx2();
  const auto post = client.post(kAppList, Value::object());
  CHECK(post.status == 405);
  CHECK(post.header("Allow") == "GET");
  CHECK(client.get(kContexts).status == 405);
  CHECK(client.request("PATCH", kContexts + "/x", "{}").header("Allow") == "GET, PUT, DELETE");
  CHECK(client.request("OPTIONS", kAvailability).status == 405);
}

TEST_CASE("our OpenAPI document is served", "[http][mx2]") {
  const TestServer server;
  const auto response = server.mx2().get("/openapi.yaml");
  CHECK(response.status == 200);
  CHECK(response.header("Content-Type") == "application/yaml");
  CHECK(response.body.rfind("openapi:", 0) == 0);
}

TEST_CASE("item 1: apiRoot may have a path, and Location has it too", "[http][mx2]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.mx2_endpoints.path_prefix = "/sandbox/mep1";
    options.mx2_endpoints.public_url = "https://mec.example";
  });
  auto client = server.mx2();
  CHECK_FALSE(server.still_serves());  // it asks without the prefix
  CHECK(client.get("/sandbox/mep1" + kAppList).status == 200);
  const auto made = client.post("/sandbox/mep1" + kContexts, minimal_context());
  CHECK_THAT(*made.header("Location"),
             ContainsSubstring("https://mec.example/sandbox/mep1/dev_app/v1/app_contexts/"));
}

}  // namespace
}  // namespace mx2::test
