// The V1.1.1 dialect over HTTP, and the faults of its reference implementation as regression tests.
#include <set>

#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kLegacyContexts = kLegacy + "/app_contexts";

class Legacy {
 public:
  Response patch(const std::string& ndjson) {
    return ops.request("PATCH", kOperator + "/table", ndjson);
  }
  // A context for the UE of this address; throws when refused.
  std::string create(const std::string& ue_app_id = "ue-1") {
    const auto response = client.post(kLegacyContexts, minimal_legacy_context(ue_app_id));
    if (response.status != 201) throw std::runtime_error(response.body);
    return response.json()["contextId"];
  }

  TestServer server;
  Client client = server.mx2();
  Client ops = server.ops();
};

void check_bare_problem(const Response& response, int status) {
  CAPTURE(response.body);
  CHECK(response.status == status);
  CHECK(response.header("Content-Type") == "application/json");
  CHECK(response.json()["status"] == status);
  CHECK_FALSE(response.detail().empty());
  CHECK_FALSE(response.json().contains("ProblemDetails"));
}

TEST_CASE("legacy: GET app_list in the V1.1.1 form, queries ignored", "[http][legacy]") {
  Legacy legacy;
  const auto response = legacy.client.get(kLegacy + "/app_list?appName=zzz");
  REQUIRE(response.status == 200);
  CHECK(response.header("Content-Type") == "application/json");
  const auto apps = response.json()["ApplicationList"]["appInfo"];
  REQUIRE(apps.size() == 2);
  CHECK(apps[0]["appName"] == "facedetect");
  for (const char* name : {"bandwidth", "latency", "memory", "serviceCont", "storage"}) {
    CHECK(apps[0]["appCharcs"][name].is_number());
  }
}

TEST_CASE("legacy: POST echoes the request with contextId and referenceURI", "[http][legacy]") {
  Legacy legacy;
  auto body = minimal_legacy_context("04dd0c79-151f-460d-9357-228f1c882b23");
  body["callbackReference"] = "http://ue.example:1/04dd0c79-151f-460d-9357-228f1c882b23";
  body["appInfo"]["appPackageSource"] = "";
  const auto response = legacy.client.post(kLegacyContexts, body);
  REQUIRE(response.status == 201);
  CHECK(response.header("Content-Type") == "application/json");
  auto context = response.json();
  CHECK(context["contextId"].get<std::string>().size() == 32);
  CHECK(context["appInfo"]["referenceURI"] == "http://cloud.example/facedetect");
  CHECK_FALSE(context["appInfo"].contains("appCharcs"));
  CHECK(context["associateUeAppId"] == body["associateUeAppId"]);
  CHECK(context["callbackReference"] == body["callbackReference"]);
}

TEST_CASE("legacy: an endpoint may be host:port, rows are found by the TCP peer",
          "[http][legacy]") {
  Legacy legacy;
  REQUIRE(
      legacy
          .patch(
              R"({"ue":"ip:127.0.0.1","app":"facedetect-1","targets":["endpoint:10.0.0.1:6473"]})")
          .status == 200);
  const auto response = legacy.client.post(kLegacyContexts, minimal_legacy_context());
  CHECK(response.json()["appInfo"]["referenceURI"] == "10.0.0.1:6473");
}

TEST_CASE("legacy: appSoftVersion is any when it is absent or empty, else exact",
          "[http][legacy]") {
  Legacy legacy;
  auto body = minimal_legacy_context();
  for (const char* version : {"", "1.0"}) {
    body["appInfo"]["appSoftVersion"] = version;
    CHECK(legacy.client.post(kLegacyContexts, body).status == 201);
  }
  body["appInfo"]["appSoftVersion"] = "9.9";
  check_bare_problem(legacy.client.post(kLegacyContexts, body), 403);
}

TEST_CASE("legacy: refusals are bare problems in application/json", "[http][legacy]") {
  Legacy legacy;
  auto unknown = minimal_legacy_context();
  unknown["appInfo"]["appName"] = "unknown";
  check_bare_problem(legacy.client.post(kLegacyContexts, unknown), 403);
  check_bare_problem(legacy.client.request("POST", kLegacyContexts, "{"), 400);
  check_bare_problem(legacy.client.get(kLegacy + "/nothing"), 404);
  REQUIRE(legacy.patch(R"({"ue":"*","app":"facedetect-1","remove":true})").status == 200);
  check_bare_problem(legacy.client.post(kLegacyContexts, minimal_legacy_context()), 403);
}

TEST_CASE("legacy: PUT changes the callback, DELETE ends the context", "[http][legacy]") {
  Legacy legacy;
  const auto id = legacy.create();
  auto body = minimal_legacy_context();
  body["callbackReference"] = "http://ue.example/2";
  body["contextId"] = "ignored";
  CHECK(legacy.client.put(kLegacyContexts + "/" + id, body).status == 204);
  CHECK(legacy.client.get(kContexts + "/" + id).json()["callbackReference"] ==
        "http://ue.example/2");
  CHECK(legacy.client.erase(kLegacyContexts + "/" + id).status == 204);
  check_bare_problem(legacy.client.put(kLegacyContexts + "/" + id, body), 404);
}

TEST_CASE("legacy: a package source that is no URI does not spoil later updates",
          "[http][legacy]") {
  Legacy legacy;
  auto body = minimal_legacy_context();
  body["appInfo"]["appPackageSource"] = "clambda.zip";
  const auto made = legacy.client.post(kLegacyContexts, body);
  REQUIRE(made.status == 201);
  const auto id = made.json()["contextId"].get<std::string>();
  CHECK(legacy.client.put(kLegacyContexts + "/" + id, body).status == 204);
}

TEST_CASE("etsimec bug 1: remove the only row of a context, then add another", "[http][legacy]") {
  Legacy legacy;
  REQUIRE(legacy
              .patch(R"({"ue":"*","app":"facedetect-1","remove":true}
{"ue":"ip:127.0.0.1","app":"facedetect-1","targets":["host:north"]})")
              .status == 200);
  const auto id = legacy.create();
  CHECK(legacy.patch(R"({"ue":"ip:127.0.0.1","app":"facedetect-1","remove":true})").status == 200);
  CHECK(legacy.patch(R"({"ue":"ip:10.0.0.9","app":"facedetect-1","targets":["host:south"]})")
            .status == 200);
  const auto kept = legacy.client.get(kContexts + "/" + id).json();
  CHECK(kept["appInfo"]["userAppInstanceInfo"][0]["referenceURI"] ==
        "http://north.example/facedetect");
  CHECK(legacy.server.still_serves());
}

TEST_CASE("etsimec bug 2: two contexts of one associateUeAppId, both deleted", "[http][legacy]") {
  Legacy legacy;
  const auto first = legacy.create("same");
  const auto second = legacy.create("same");
  CHECK(first != second);
  CHECK(legacy.client.erase(kLegacyContexts + "/" + first).status == 204);
  CHECK(legacy.client.erase(kLegacyContexts + "/" + second).status == 204);
  CHECK(legacy.client.erase(kLegacyContexts + "/" + first).status == 404);
  CHECK(legacy.server.still_serves());
}

TEST_CASE("etsimec bug 3: a forged answer is not echoed as created", "[http][legacy]") {
  Legacy legacy;
  auto body = minimal_legacy_context();
  body["contextId"] = "forged";
  body["appInfo"]["appName"] = "unknown";
  body["appInfo"]["referenceURI"] = "6.6.6.6:666";
  check_bare_problem(legacy.client.post(kLegacyContexts, body), 400);
  CHECK(legacy.ops.get(kOperator + "/contexts").json()["items"].empty());
}

TEST_CASE("etsimec bug 4: the path names the context, unknown is 404", "[http][legacy]") {
  Legacy legacy;
  const auto id = legacy.create("ue-1");
  auto body = minimal_legacy_context("ue-1");
  body["callbackReference"] = "http://ue.example/wrong";
  check_bare_problem(legacy.client.put(kLegacyContexts + "/totally-wrong-id", body), 404);
  CHECK_FALSE(legacy.client.get(kContexts + "/" + id).json().contains("callbackReference"));
  check_bare_problem(legacy.client.erase(kLegacyContexts + "/totally-wrong-id"), 404);
}

TEST_CASE("etsimec bug 9: contexts and table outlive a restart", "[http][legacy]") {
  Legacy legacy;
  const auto id = legacy.create();
  const auto before = legacy.client.get(kContexts + "/" + id).json();
  legacy.server.restart();
  CHECK(legacy.server.mx2().get(kContexts + "/" + id).json() == before);
  CHECK(legacy.server.ops().get(kOperator + "/table").json()["items"].size() == 3);
}

TEST_CASE("etsimec bug 10: V2 has Location, filters and problem+json; ids have 32 characters",
          "[http][legacy]") {
  Legacy legacy;
  const auto response = legacy.client.post(kContexts, minimal_context());
  CHECK(response.header("Location"));
  CHECK(response.json()["contextId"].get<std::string>().size() == 32);
  CHECK(legacy.client.get(kContexts + "/x").header("Content-Type") == "application/problem+json");
}

TEST_CASE("etsimec bug 11: a name and provider that concatenate alike are different apps",
          "[http][legacy]") {
  Legacy legacy;
  auto app = legacy.ops.get(kOperator + "/apps/facedetect-1").json();
  app["appDId"] = "plus";
  app["appName"] = "a+b";
  app["appProvider"] = "c";
  REQUIRE(legacy.ops.put(kOperator + "/apps/plus", app).status == 201);
  REQUIRE(
      legacy.patch(R"({"ue":"*","app":"plus","targets":["host:cloud","endpoint:e:1"]})").status ==
      200);
  auto body = minimal_legacy_context();
  body["appInfo"] = {{"appName", "a+b"}, {"appProvider", "c"}};
  CHECK(legacy.client.post(kLegacyContexts, body).status == 201);
  body["appInfo"] = {{"appName", "a"}, {"appProvider", "b+c"}};
  CHECK(legacy.client.post(kLegacyContexts, body).status == 403);
}

TEST_CASE("etsimec bug 12: only http and https callbacks are taken", "[http][legacy]") {
  Legacy legacy;
  for (const char* bad : {"file:///etc/passwd", "gopher://10.0.0.1/", "10.0.0.1:80", "x"}) {
    CAPTURE(bad);
    auto body = minimal_legacy_context();
    body["callbackReference"] = bad;
    check_bare_problem(legacy.client.post(kLegacyContexts, body), 400);
  }
}

TEST_CASE("both dialects share one store", "[http][legacy]") {
  Legacy legacy;
  const auto v1 = legacy.create();
  const auto v2 = create_context(legacy.client);
  CHECK(legacy.client.get(kContexts + "/" + v1).status == 200);
  CHECK(legacy.client.erase(kLegacyContexts + "/" + v2).status == 204);
  CHECK(legacy.client.erase(kContexts + "/" + v1).status == 204);
}

}  // namespace
}  // namespace mx2::test
