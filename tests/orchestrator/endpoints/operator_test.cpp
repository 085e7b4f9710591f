// Hosts, apps, contexts, health and metrics of the operator API.
#include <set>

#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kHosts = kOperator + "/hosts";
const std::string kApps = kOperator + "/apps";

TEST_CASE("operator: a host is put, read, changed and deleted", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  Value host{{"name", "East"},
             {"labels", {{"tier", "edge"}}},
             {"instances", {{{"appDId", "facedetect-1"}, {"referenceURI", "http://e/"}}}}};
  const auto made = ops.put(kHosts + "/east", host);
  REQUIRE(made.status == 201);
  CHECK(made.json()["id"] == "east");
  CHECK(made.json()["state"] == "up");
  const auto instance = made.json()["instances"][0]["appInstanceId"].get<std::string>();
  CHECK(instance.size() == 32);
  const auto read = ops.get(kHosts + "/east");
  auto shown = read.json();
  CHECK(shown["status"] ==
        Value{{"reachable", true}, {"contexts", 0}, {"contextsOfApps", Value::object()}});
  shown.erase("status");
  CHECK(shown == made.json());
  CHECK(read.header("ETag") == made.header("ETag"));
  host["name"] = "Far east";
  const auto changed = ops.put(kHosts + "/east", host);
  CHECK(changed.status == 200);
  CHECK(changed.json()["instances"][0]["appInstanceId"] == instance);
  CHECK(ops.erase(kHosts + "/east").status == 204);
  CHECK(ops.get(kHosts + "/east").status == 404);
  CHECK(ops.erase(kHosts + "/east").status == 404);
}

TEST_CASE("operator: what a host may not be", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  CHECK(ops.put(kHosts + "/east", {{"id", "west"}}).status == 400);
  CHECK_THAT(ops.put(kHosts + "/east", {{"lables", Value::object()}}).detail(),
             ContainsSubstring("did you mean 'labels'"));
  CHECK(ops.put(kHosts + "/east", Value::array()).status == 400);
  CHECK(ops.put(kHosts + "/a%20b", Value::object()).status == 400);
  CHECK(ops.put(kHosts + "/a%2Fb", Value::object()).status == 400);
  CHECK(ops.put(kHosts + "/" + std::string(129, 'x'), Value::object()).status == 400);
  const Value unknown_app{{"instances", {{{"appDId", "nope"}, {"referenceURI", "u"}}}}};
  CHECK_THAT(ops.put(kHosts + "/east", unknown_app).detail(), ContainsSubstring("'nope'"));
  const Value bow_tie{
      {"serviceArea", {{{"area", {{"coordinates", {{{0, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}}}}}}}}}};
  CHECK(ops.put(kHosts + "/east", bow_tie).status == 400);
  CHECK(ops.get(kHosts + "/east").status == 404);
  CHECK(ops.request("PUT", kHosts + "/east", "a=b",
                    {{"Content-Type", "application/x-www-form-urlencoded"}})
            .status == 415);
}

TEST_CASE("operator: ETag, If-Match and If-None-Match", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  for (const auto& path : {kHosts + "/north", kApps + "/facedetect-1"}) {
    CAPTURE(path);
    const auto before = ops.get(path);
    const auto put = [&](const char* name, const std::string& value) {
      return ops.request("PUT", path, before.body, {{name, value}}).status;
    };
    CHECK(put("If-Match", "\"1\"") == 412);
    CHECK(put("If-Match", *before.header("ETag")) == 200);
    CHECK(put("If-Match", "*") == 200);
    CHECK(put("If-None-Match", "*") == 412);
    CHECK(ops.request("DELETE", path, "", {{"If-Match", "\"1\""}}).status != 204);
  }
  CHECK(ops.request("PUT", kHosts + "/new", "{}", {{"If-Match", "*"}}).status == 412);
  CHECK(ops.request("PUT", kHosts + "/new", "{}", {{"If-None-Match", "*"}}).status == 201);
}

TEST_CASE("operator: cordon and uncordon", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto kept = create_context(client, "car-1");
  const auto cordoned = ops.request("POST", kHosts + "/north/cordon");
  CHECK(cordoned.status == 200);
  CHECK(cordoned.json()["state"] == "cordoned");
  const auto elsewhere = client.get(kContexts + "/" + create_context(client, "car-1")).json();
  CHECK(elsewhere["appInfo"]["userAppInstanceInfo"][0]["referenceURI"] ==
        "http://cloud.example/facedetect");
  const auto stays = client.get(kContexts + "/" + kept).json();
  CHECK(stays["appInfo"]["userAppInstanceInfo"][0]["referenceURI"] ==
        "http://north.example/facedetect");
  CHECK(ops.request("POST", kHosts + "/north/uncordon").json()["state"] == "up");
  CHECK(ops.request("POST", kHosts + "/nope/cordon").status == 404);
  CHECK(ops.get(kHosts + "/north/cordon").status == 405);
}

TEST_CASE("operator: what is in use is not deleted: 409", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  const auto host = ops.erase(kHosts + "/north");
  CHECK(host.status == 409);
  CHECK_THAT(host.detail(), ContainsSubstring("2 rows"));
  CHECK(ops.erase(kApps + "/facedetect-1").status == 409);
  REQUIRE(
      ops.request("PATCH", kOperator + "/table", R"({"ue":"*","app":"objtrack-1","remove":true})")
          .status == 200);
  CHECK_THAT(ops.erase(kApps + "/objtrack-1").detail(), ContainsSubstring("1 host"));
}

TEST_CASE("operator: apps are put, read, listed and deleted", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto app = ops.get(kApps + "/objtrack-1").json();
  app["appDId"] = "new app/1";
  app["appName"] = "new";
  const std::string path = kApps + "/new%20app%2F1";
  CHECK(ops.put(path, app).status == 201);
  CHECK(ops.get(path).json()["appName"] == "new");
  CHECK(ops.get(kApps).json()["items"].size() == 3);
  app["appName"] = std::string(33, 'x');
  CHECK(ops.put(path, app).status == 400);
  CHECK(ops.erase(path).status == 204);
  CHECK(ops.get(path).status == 404);
}

// All identifiers of a list, page by page.
std::vector<std::string> all_pages(Client& ops, const std::string& list, const char* member) {
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const auto page = ops.get(list + "?limit=2&cursor=" + cursor).json();
    CHECK(page["items"].size() <= 2);
    for (const auto& item : page["items"]) seen.push_back(item[member]);
    cursor = page.value("next", "");
  } while (!cursor.empty() && seen.size() < 100);
  return seen;
}

TEST_CASE("operator: lists page by cursor", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  CHECK(all_pages(ops, kHosts, "id") == std::vector<std::string>{"cloud", "north", "south"});
  CHECK(all_pages(ops, kApps, "appDId").size() == 2);
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(create_context(client));
  const auto listed = all_pages(ops, kOperator + "/contexts", "contextId");
  CHECK(std::set<std::string>(listed.begin(), listed.end()) == made);
}

TEST_CASE("operator: unknown, repeated and bad query parameters are 400", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  for (const auto& bad :
       {kHosts + "?limt=1", kHosts + "?limit=0", kHosts + "?limit=x", kHosts + "?limit=-1",
        kHosts + "?limit=1&limit=2", kApps + "?limit=99999999", kOperator + "/contexts?device=x",
        kOperator + "/table?cursor=x", kOperator + "/table?limit=%", kOperator + "/explain?x=1",
        kOperator + "/explain", kOperator + "/explain?app=facedetect-1&ip=nonsense"}) {
    CAPTURE(bad);
    const auto response = ops.get(bad);
    CHECK(response.status == 400);
    CHECK(response.header("Content-Type") == "application/problem+json");
  }
  CHECK_THAT(ops.get(kHosts + "?limt=1").detail(), ContainsSubstring("did you mean 'limit'"));
}

TEST_CASE("operator: contexts are filtered and ended", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto car = create_context(client, "car-1");
  static_cast<void>(create_context(client, "ue-2"));
  const auto contexts = kOperator + "/contexts";
  CHECK(ops.get(contexts + "?host=north").json()["items"].size() == 1);
  CHECK(ops.get(contexts + "?app=facedetect-1").json()["items"].size() == 2);
  const auto found = ops.get(contexts + "?associateDevAppId=car-1").json()["items"];
  REQUIRE(found.size() == 1);
  CHECK(found[0] == json::parse(R"({"contextId":")" + car + R"(","app":"facedetect-1",
    "associateDevAppId":"car-1","clientIp":"127.0.0.1","host":"north","ue":"dev:car-1",
    "referenceURI":"http://north.example/facedetect","created":"2023-11-14T22:13:20.000Z",
    "callback":false})")
                        .value());
  CHECK(ops.erase(contexts + "/" + car).status == 204);
  CHECK(ops.erase(contexts + "/" + car).status == 404);
  CHECK(client.get(kContexts + "/" + car).status == 404);
}

TEST_CASE("operator: health and metrics", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  static_cast<void>(create_context(client));
  const auto health = ops.get(kOperator + "/health").json();
  CHECK(health["status"] == "ok");
  CHECK(health["hosts"] == 3);
  CHECK(health["apps"] == 2);
  CHECK(health["rows"] == 3);
  CHECK(health["contexts"] == 1);
  CHECK(health["tableVersion"] == 1);
  const auto metrics = ops.get(kOperator + "/metrics");
  CHECK_THAT(*metrics.header("Content-Type"), ContainsSubstring("text/plain"));
  for (const char* line :
       {"mx2_contexts 1", "mx2_table_rows 3", "mx2_table_version 1", "mx2_http_requests_total{",
        "mx2_store_batch_units_bucket{", "status=\"201\""}) {
    CHECK_THAT(metrics.body, ContainsSubstring(line));
  }
}

TEST_CASE("operator: health and metrics are told to scrapers, who may nothing else",
          "[http][operator]") {
  const auto status = [](const TestServer& server, const std::string& path,
                         const std::string& token) {
    HeaderList headers;
    if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
    return server.ops().request("GET", path, {}, headers).status;
  };
  const std::vector<std::string> watched = {"/health", "/metrics", kOperator + "/health",
                                            kOperator + "/metrics"};
  SECTION("with a token of their own") {
    const TestServer server([](OrchestratorOptions& options) {
      options.operator_endpoints.token = "operator";
      options.operator_endpoints.monitoring = {"scraper", {}};
    });
    for (const auto& path : watched) {
      CAPTURE(path);
      CHECK(status(server, path, "scraper") == 200);
      CHECK(status(server, path, "operator") == 200);
      CHECK(status(server, path, "") == 401);
      CHECK(status(server, path, "scrapes") == 401);
    }
    CHECK(status(server, kHosts, "scraper") == 401);
    CHECK(status(server, kOperator + "/contexts", "scraper") == 401);
    CHECK(status(server, kHosts, "operator") == 200);
  }
  SECTION("the operators' alone, unless it is said otherwise") {
    const TestServer server(
        [](OrchestratorOptions& options) { options.operator_endpoints.token = "operator"; });
    for (const auto& path : watched) {
      CHECK(status(server, path, "operator") == 200);
      CHECK(status(server, path, "") == 401);
    }
  }
  SECTION("without one, where that is configured") {
    const TestServer server([](OrchestratorOptions& options) {
      options.operator_endpoints.token = "operator";
      options.operator_endpoints.monitoring.open = {"metrics"};
    });
    CHECK(status(server, "/metrics", "") == 200);
    CHECK(status(server, "/health", "") == 401);
    CHECK(status(server, kHosts, "") == 401);
  }
  SECTION("a scraper's token guards them also where operators have none") {
    const TestServer server([](OrchestratorOptions& options) {
      options.operator_endpoints.monitoring = {"scraper", {}};
    });
    CHECK(status(server, "/metrics", "") == 401);
    CHECK(status(server, "/metrics", "scraper") == 200);
    CHECK(status(server, kHosts, "") == 200);
  }
}

TEST_CASE("operator: metrics tell hosts and contexts by tier, and escalations",
          "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto label = [&](const std::string& host, const std::string& tier) {
    auto document = ops.get(kHosts + "/" + host).json();
    document.erase("status");
    document["labels"]["tier"] = tier;
    REQUIRE(ops.put(kHosts + "/" + host, document).status == 200);
  };
  label("south", "regional");
  label("cloud", "cloud");
  static_cast<void>(create_context(client, "car-1"));  // at north
  const auto text = ops.get("/metrics").body;
  for (const char* line :
       {"mx2_host_up{host=\"north\",tier=\"edge\"} 1\n",
        "mx2_host_up{host=\"cloud\",tier=\"cloud\"} 1\n", "mx2_hosts_by_state{state=\"up\"} 3\n",
        "mx2_hosts_by_state{state=\"down\"} 0\n", "mx2_contexts_by_tier{tier=\"edge\"} 1\n",
        "mx2_contexts_by_tier{tier=\"cloud\"} 0\n",
        "mx2_escalations_total{cause=\"cordoned\"} 0\n"}) {
    CHECK_THAT(text, ContainsSubstring(line));
  }
  REQUIRE(ops.erase(kHosts + "/south").status == 204);
  CHECK_THAT(ops.get("/metrics").body, !ContainsSubstring("south"));
}

TEST_CASE("operator: the OpenAPI documents, 404 and 405", "[http][operator]") {
  const TestServer server;
  auto ops = server.ops();
  CHECK(ops.get("/openapi.yaml").status == 200);
  CHECK(ops.get("/app_pkgm/v1/openapi.yaml").body.starts_with("openapi:"));
  CHECK(ops.get(kOperator + "/nothing").status == 404);
  CHECK(ops.get(kAppList).status == 404);
  CHECK(ops.request("DELETE", kOperator + "/health").header("Allow") == "GET");
}

TEST_CASE("operator: with a token, nothing without it", "[http][operator]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.operator_endpoints.token = "s3cret"; });
  auto ops = server.ops();
  const auto refused = ops.get(kHosts);
  CHECK(refused.status == 401);
  CHECK_THAT(*refused.header("WWW-Authenticate"), ContainsSubstring("Bearer"));
  CHECK(ops.request("GET", kHosts, "", {{"Authorization", "Bearer wrong"}}).status == 401);
  CHECK(ops.request("GET", kHosts, "", {{"Authorization", "Bearer s3cret"}}).status == 200);
  CHECK(ops.request("PATCH", kOperator + "/table", "").status == 401);
  CHECK(ops.get("/app_pkgm/v1/openapi.yaml").status == 200);
}

}  // namespace
}  // namespace mx2::test
