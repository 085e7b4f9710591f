// What clients of the ETSI MEC Sandbox do differently.
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

std::vector<std::string> listed(const Response& list) {
  REQUIRE(list.status == 200);
  std::vector<std::string> result;
  const auto entries = list.json()["appList"];
  for (const auto& entry : entries) result.push_back(entry["appInfo"]["appName"]);
  return result;
}

TEST_CASE("MEC Sandbox: query values in double quotes", "[http][sandbox]") {
  const TestServer server;
  auto client = server.mx2();
  const auto list = [&](const std::string& query) {
    return listed(client.get(kAppList + "?" + query));
  };
  const std::vector<std::string> both{"facedetect", "objtrack"};
  CHECK(list("appName=%22facedetect%22") == std::vector<std::string>{"facedetect"});
  CHECK(list("appName=\"facedetect\"") == std::vector<std::string>{"facedetect"});
  CHECK(list("appName=%22facedetect%22,objtrack") == both);
  CHECK(list("appProvider=%22Example%22&appSoftVersion=%222.1%22") ==
        std::vector<std::string>{"objtrack"});
  CHECK(list("serviceCont=%221%22") == std::vector<std::string>{"objtrack"});
  CHECK(list("vendorId=%22acme%22") == std::vector<std::string>{"facedetect"});
  CHECK(list("appName=%22facedetect").empty());
  CHECK(list("appName=%22").empty());
  CHECK(client.get(kAppList + "?appName=%22%22").status == 400);
  CHECK(client.get(kAppList + "?serviceCont=%222%22").status == 400);
}

TEST_CASE("MEC Sandbox: dev_app below the configured prefixes, and no other", "[http][sandbox]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.mx2_endpoints.path_prefixes = {"sbx1", "sbx1/mep1"};
  });
  auto client = server.mx2();
  for (const std::string prefix : {"", "/sbx1", "/sbx1/mep1"}) {
    CAPTURE(prefix);
    CHECK(client.get(prefix + kAppList).status == 200);
    CHECK(client.get(prefix + "/openapi.yaml").status == 200);
    const auto made = client.post(prefix + kContexts, minimal_context());
    REQUIRE(made.status == 201);
    const auto id = made.json()["contextId"].get<std::string>();
    const auto location = made.header("Location");
    REQUIRE(location);
    CHECK(location->substr(location->size() - (prefix + kContexts + "/" + id).size()) ==
          prefix + kContexts + "/" + id);
    CHECK(client.get("/sbx1" + kContexts + "/" + id).json() == made.json());  // one set of contexts
    CHECK(client.put(prefix + kContexts + "/" + id, minimal_context()).status == 204);
    CHECK(client.erase(prefix + kContexts + "/" + id).status == 204);
  }
  for (const std::string path : {"/sbx2", "/mep1", "/sbx1/mep2", "/sbx1/mep1/x", "/sbx1/sbx1"}) {
    CHECK(client.get(path + kAppList).status == 404);
  }
  CHECK(client.get(kLegacy + "/app_list").status == 200);
  CHECK(client.get("/sbx1" + kLegacy + "/app_list").status == 404);
}

}  // namespace
}  // namespace mx2::test
