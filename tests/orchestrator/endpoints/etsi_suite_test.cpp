// Requests exactly as ETSI's Robot suite for MEC 016 sends them: its headers are sticky, so each
// carries Accept, Content-Type and Basic credentials, also where they make no sense.
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

const HeaderList kSticky{
    {"User-Agent", "python-requests/2.28.1"}, {"Accept-Encoding", "gzip, deflate"},
    {"Accept", "application/json"},           {"Connection", "keep-alive"},
    {"Content-Type", "application/json"},     {"Authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"}};

HeaderList sticky_with(const std::string& name, const std::string& value) {
  auto headers = kSticky;
  for (auto& header : headers) {
    if (header.first == name) {
      header.second = value;
      return headers;
    }
  }
  headers.emplace_back(name, value);
  return headers;
}

class Suite {
 public:
  Response send(const std::string& method, const std::string& target, const json::Value& body) {
    return client.request(method, target, body.is_null() ? "" : json::dump(body), kSticky);
  }
  TestServer server;
  Client client = server.mx2();
};

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPS_001_OK: get the application list", "[http][etsi]") {
  Suite suite;
  const auto response = suite.send("GET", kAppList, nullptr);
  CHECK(response.status == 200);
  CHECK_THAT(*response.header("Content-Type"), ContainsSubstring("application/json"));
  CHECK(response.json()["appList"].size() == 2);
}

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPS_002_BR, 003_NF: wrong parameter, wrong path", "[http][etsi]") {
  Suite suite;
  CHECK(suite.send("GET", kAppList + "?app=MyWornderfulApp", nullptr).status == 400);
  CHECK(suite.send("GET", kAppList + "_error", nullptr).status == 404);
}

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPCTX_001_OK, _BR: create", "[http][etsi]") {
  Suite suite;
  const auto response = suite.send("POST", kContexts, minimal_context());
  CHECK(response.status == 201);
  CHECK(response.header("Location"));
  CHECK(response.header("Content-Type"));
  CHECK(response.json()["contextId"].is_string());
  CHECK(response.json()["appInfo"]["appName"] == "facedetect");
  auto bad = minimal_context();
  bad["appInfo"].erase("appName");
  bad["appInfo"]["app"] = "facedetect";
  CHECK(suite.send("POST", kContexts, bad).status == 400);
}

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPCTX_002_OK, _BR, _NF: update", "[http][etsi]") {
  Suite suite;
  const auto path = kContexts + "/" + create_context(suite.client);
  auto body = minimal_context();
  body["contextId"] = "1";
  body["callbackReference"] = "http://callback.example/";
  const auto updated = suite.send("PUT", path, body);
  CHECK(updated.status == 204);
  CHECK_FALSE(updated.header("Content-Length"));
  auto bad = body;
  bad.erase("associateDevAppId");
  bad["associateUeAppId"] = "ue-1";
  CHECK(suite.send("PUT", path, bad).status == 400);
  bad["associateDevAppId"] = "ue-1";
  CHECK(suite.send("PUT", path, bad).status == 400);
  CHECK(suite.send("PUT", kContexts + "/NON_EXISTING_CONTEXT_ID", body).status == 404);
}

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPCTX_003_OK, _NF: delete with Content-Length: 0", "[http][etsi]") {
  Suite suite;
  const auto path = kContexts + "/" + create_context(suite.client);
  const auto headers = sticky_with("Content-Length", "0");
  CHECK(suite.client.request("DELETE", path, "", headers).status == 204);
  CHECK(suite.client.request("DELETE", path, "", headers).status == 404);
  CHECK(
      suite.client.request("DELETE", kContexts + "/NON_EXISTING_CONTEXT_ID", "", headers).status ==
      404);
}

TEST_CASE("TC_MEC_MEC016_MEO_UEAPPLOCAVAIL_001: location availability", "[http][etsi]") {
  Suite suite;
  json::Value body{
      {"associateDevAppId", "ue"},
      {"appInfo", {{"appName", "facedetect"}, {"appProvider", "TF012"}, {"appDVersion", "1.0"}}}};
  CHECK(suite.send("POST", kAvailability, body).status == 200);
  body["appInfo"].erase("appName");
  body["appInfo"]["app"] = "x";
  CHECK(suite.send("POST", kAvailability, body).status == 400);
  CHECK(suite.send("POST", kAvailability + "_error", body).status == 404);
}

TEST_CASE("item 9: the content types that suites really send", "[http][etsi]") {
  Suite suite;
  const auto post = [&](const char* type) {
    return suite.client
        .request("POST", kContexts, json::dump(minimal_context()),
                 sticky_with("Content-Type", type))
        .status;
  };
  for (const char* type :
       {"application/json", "application/json; charset=utf-8", "*/*", "application/json*",
        "APPLICATION/JSON", "application/merge-patch+json", "nonsense", ";;;"}) {
    CAPTURE(type);
    CHECK(post(type) == 201);
  }
  for (const char* type :
       {"text/plain", "text/xml", "application/xml; charset=utf-8",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
    CAPTURE(type);
    CHECK(post(type) == 415);
  }
}

TEST_CASE("item 6: Accept never leads to 406", "[http][etsi]") {
  Suite suite;
  for (const char* accept : {"application/json", "*/*", "text/html", "application/problem+json",
                             "a/b;q=x", "", "nonsense"}) {
    CAPTURE(accept);
    const auto headers = sticky_with("Accept", accept);
    CHECK(suite.client.request("GET", kAppList, "", headers).status == 200);
    CHECK(suite.client.request("GET", kAppList + "?app=x", "", headers).status == 400);
  }
}

TEST_CASE("item 4: header names are spelt as ETSI's suite looks them up", "[http][etsi]") {
  Suite suite;
  const auto response = suite.send("POST", kContexts, minimal_context());
  for (const char* name : {"Content-Type", "Location", "ETag", "Content-Length", "Date"}) {
    CAPTURE(name);
    CHECK(response.header(name));
  }
  CHECK(response.header("Connection") == "keep-alive");
}

TEST_CASE("item 17: absolute form, trailing slash and percent-encoding", "[http][etsi]") {
  Suite suite;
  CHECK(suite.send("GET", "http://mec.example:8080" + kAppList, nullptr).status == 200);
  CHECK(suite.send("GET", kAppList + "/", nullptr).status == 200);
  const auto id = create_context(suite.client);
  CHECK(suite.send("GET", kContexts + "/%30" + id.substr(1), nullptr).status == 200);
}

}  // namespace
}  // namespace mx2::test
