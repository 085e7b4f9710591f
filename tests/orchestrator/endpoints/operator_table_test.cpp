// The table over the operator API: patches whole or not at all, pages, explain.
#include "api/base/text.h"
#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kTable = kOperator + "/table";

Response patch(Client& ops, const std::string& ndjson, const std::string& if_match = {}) {
  HeaderList headers{{"Content-Type", "application/x-ndjson"}};
  if (!if_match.empty()) headers.emplace_back("If-Match", if_match);
  return ops.request("PATCH", kTable, ndjson, headers);
}

std::string row(const std::string& ue, const std::string& target,
                const std::string& app = "facedetect-1") {
  return json::dump({{"ue", ue}, {"app", app}, {"targets", {target}}}) + "\n";
}

TEST_CASE("table: a patch makes one version, new contexts see it, old ones stay",
          "[http][operator][table]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.strategy.standard = Strategy::kBaseline; });
  auto ops = server.ops();
  auto client = server.mx2();
  const auto old_context = create_context(client, "ue-9");
  const auto answer =
      patch(ops, row("dev:ue-9", "host:south") + row("ip:10.0.0.0/8", "host:north"));
  REQUIRE(answer.status == 200);
  CHECK(answer.json() == Value{{"tableVersion", 2}, {"rows", 2}});
  CHECK(answer.header("ETag") == "\"2\"");
  const auto instance = [&](const std::string& id) {
    return client.get(kContexts + "/" + id)
        .json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"];
  };
  CHECK(instance(create_context(client, "ue-9")) == "http://south.example/facedetect");
  CHECK(instance(old_context) == "http://cloud.example/facedetect");
}

TEST_CASE("table: one bad line and nothing is changed, the line is named",
          "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  const auto before = ops.get(kTable).json();
  struct Bad {
    std::string second;
    const char* says;
  };
  for (const auto& bad :
       {Bad{"{\"ue\":", "line 2"}, Bad{row("ip:10.0.0.1/8", "host:north"), "line 2"},
        Bad{row("dev:new", "host:south"), "line 2"}, Bad{"[]", "line 2"},
        Bad{row("*", "nowhere"), "line 2"},
        Bad{row("dev:b", "host:gone"), "row (dev:b, facedetect-1): host 'gone'"},
        Bad{row("dev:b", "host:north", "nope"), "row (dev:b, nope): app 'nope'"},
        Bad{R"({"ue":"dev:b","app":"facedetect-1","targets":["host:north"],"prio":1})",
            "line 2"}}) {
    CAPTURE(bad.second);
    const auto answer = patch(ops, row("dev:new", "host:south") + bad.second);
    CHECK(answer.status == 400);
    CHECK_THAT(answer.detail(), ContainsSubstring(bad.says));
    CHECK(ops.get(kTable).json() == before);
    CHECK(ops.get(kOperator + "/health").json()["tableVersion"] == 1);
  }
}

TEST_CASE("table: If-Match guards a patch", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  const auto change = row("dev:x", "host:south");
  const auto stale = patch(ops, change, "\"7\"");
  CHECK(stale.status == 412);
  CHECK_THAT(stale.detail(), ContainsSubstring("\"1\""));
  CHECK(patch(ops, change, "\"1\"").status == 200);
  CHECK(patch(ops, change, "\"1\"").status == 412);
  CHECK(patch(ops, change, "*").status == 200);
}

TEST_CASE("table: rows are removed, also those that are not there", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  const std::string removal = R"({"ue":"dev:car-1","app":"facedetect-1","remove":true})";
  CHECK(patch(ops, removal).status == 200);
  CHECK(ops.get(kTable + "?ue=dev:car-1").json()["items"].empty());
  CHECK(patch(ops, removal).status == 200);
}

TEST_CASE("table: too many rows are 413 and nothing is changed", "[http][operator][table]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.operator_endpoints.patch_rows_max = 3; });
  auto ops = server.ops();
  std::string rows;
  for (int i = 0; i < 3; ++i) rows += row("dev:" + std::to_string(i), "host:north");
  CHECK(patch(ops, rows).status == 200);
  const auto refused = patch(ops, rows + row("dev:more", "host:north"));
  CHECK(refused.status == 413);
  CHECK_THAT(refused.detail(), ContainsSubstring("more than 3 rows"));
}

TEST_CASE("table: pages, filters and what a row says", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  std::string rows;
  for (int i = 0; i < 20; ++i) rows += row("dev:u " + std::to_string(i), "host:north");
  REQUIRE(patch(ops, rows).status == 200);
  std::size_t seen = 0;
  std::string cursor;
  do {
    const auto page = ops.get(kTable + "?limit=7&cursor=" + percent_encode(cursor)).json();
    seen += page["items"].size();
    cursor = page.value("next", "");
  } while (!cursor.empty() && seen < 100);
  CHECK(seen == 23);
  CHECK(ops.get(kTable + "?app=objtrack-1").json()["items"].size() == 1);
  const auto one = ops.get(kTable + "?ue=dev:u%203").json()["items"];
  REQUIRE(one.size() == 1);
  CHECK(one[0] == json::parse(R"({"ue":"dev:u 3","app":"facedetect-1","targets":["host:north"],
    "writer":"operator","version":2,"updated":"2023-11-14T22:13:20.000Z"})")
                      .value());
}

TEST_CASE("table: what is exported can be imported again", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  std::string lines;
  const auto rows = ops.get(kTable).json()["items"];
  for (const auto& item : rows) lines += json::dump(item) + "\n";
  CHECK(patch(ops, lines).json()["rows"] == 3);
}

TEST_CASE("table: a patch and everything else is there after a restart",
          "[http][operator][table]") {
  TestServer server;
  auto ops = server.ops();
  REQUIRE(patch(ops, row("dev:x", "endpoint:10.0.0.1:1")).status == 200);
  REQUIRE(ops.request("POST", kOperator + "/hosts/north/cordon").status == 200);
  const auto rows = ops.get(kTable).body;
  const auto hosts = ops.get(kOperator + "/hosts").body;
  const auto apps = ops.get(kOperator + "/apps").body;
  server.restart();
  auto again = server.ops();
  CHECK(again.get(kTable).body == rows);
  CHECK(again.get(kOperator + "/hosts").body == hosts);
  CHECK(again.get(kOperator + "/apps").body == apps);
  CHECK(again.get(kOperator + "/health").json()["tableVersion"] == 2);
}

TEST_CASE("explain: every attempt, as a create request would make them",
          "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(ops.request("POST", kOperator + "/hosts/north/cordon").status == 200);
  const auto path = kOperator + "/explain?app=facedetect-1";
  const auto car = ops.get(path + "&ue=dev:car-1&ip=10.0.0.1").json();
  CHECK(car["found"] == true);
  CHECK(car["host"] == "cloud");
  CHECK(car["steps"] == json::parse(R"([
    {"ue":"dev:car-1","target":"host:north","verdict":"host is cordoned"},
    {"ue":"dev:car-1","target":"host:cloud","verdict":"chosen"}])")
                            .value());
  CHECK(ops.get(path + "&ue=car-1").json()["associateDevAppId"] == "car-1");
  CHECK(ops.get(path + "&ue=ip:10.0.0.1").json()["ip"] == "10.0.0.1");
  CHECK(ops.get(kOperator + "/explain?app=objtrack-1&ue=x").json()["found"] == false);
  CHECK(ops.get(kOperator + "/explain?app=nope&ue=x").status == 404);
}

}  // namespace
}  // namespace mx2::test
