// Plans of the Optimizer, the history of the table and the way back, over the operator API.
#include "tests/catch.h"
#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kPlans = kOperator + "/plans";
const std::string kTable = kOperator + "/table";

std::string row(const std::string& ue, const std::string& host) {
  return json::dump({{"ue", ue}, {"app", "facedetect-1"}, {"targets", {"host:" + host}}}) + "\n";
}

Response send(Client& ops, const std::string& ndjson, int version, const std::string& query = {},
              HeaderList headers = {}) {
  headers.emplace_back("Content-Type", "application/x-ndjson");
  headers.emplace_back("If-Match", "\"" + std::to_string(version) + "\"");
  return ops.request("POST", kPlans + query, ndjson, headers);
}

Value row_of(Client& ops, const std::string& ue) {
  const auto items = ops.get(kTable + "?ue=" + ue).json()["items"];
  return items.empty() ? Value() : items[0];
}

Response roll_back(Client& ops, int version) {
  return ops.post(kTable + "/rollback", {{"version", version}});
}

TEST_CASE("plans: rows get one version, contexts follow", "[http][operator][plans]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto context = create_context(client, "ue-9");
  const auto answer = send(ops, row("dev:ue-9", "south") + row("dev:ue-8", "north"), 1);
  REQUIRE(answer.status == 200);
  CHECK(answer.json() == Value{{"tableVersion", 2},
                               {"rows", 2},
                               {"skipped", {{"pinned", 0}, {"unknown", 0}, {"superseded", 0}}}});
  CHECK(answer.header("ETag") == "\"2\"");
  CHECK(row_of(ops, "dev:ue-9")["version"] == 2);
  CHECK(row_of(ops, "dev:ue-9")["writer"] == "optimizer");
  const auto address = [&] {
    return client.get(kContexts + "/" + context)
        .json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"];
  };
  CHECK(eventually([&] { return address() == "http://south.example/facedetect"; }));
}

TEST_CASE("plans: larger than a piece, and all of it is there", "[http][operator][plans]") {
  TestServer server;
  auto ops = server.ops();
  std::string rows;
  constexpr int kRows = 700;
  for (int i = 0; i < kRows; ++i) rows += row("dev:many-" + std::to_string(i), "south");
  const auto answer = send(ops, rows, 1);
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["rows"] == kRows);
  CHECK(answer.json()["tableVersion"] == 2);
  const auto check = [&] {
    auto client = server.ops();
    CHECK(client.get(kOperator + "/health").json()["tableVersion"] == 2);
    CHECK(row_of(client, "dev:many-0")["version"] == 2);
    CHECK(row_of(client, "dev:many-699")["version"] == 2);
  };
  check();
  server.restart();
  check();
}

TEST_CASE("plans: pins stay, and are counted", "[http][operator][plans]") {
  const TestServer server;
  auto ops = server.ops();
  const Value pin{{"ue", "dev:vip"}, {"app", "facedetect-1"}, {"targets", {"host:cloud"}}};
  REQUIRE(ops.request("PATCH", kTable, json::dump(pin) + "\n").status == 200);
  const auto rows = row("dev:vip", "south") + row("dev:other", "south");
  const auto tried = send(ops, rows, 2, "?dry_run=true");
  CHECK(tried.json() == Value{{"tableVersion", 2},
                              {"rows", 1},
                              {"skipped", {{"pinned", 1}, {"unknown", 0}, {"superseded", 0}}},
                              {"dryRun", true}});
  CHECK(row_of(ops, "dev:other").is_null());
  const auto answer = send(ops, rows, 2);
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["rows"] == 1);
  CHECK(answer.json()["skipped"]["pinned"] == 1);
  CHECK(row_of(ops, "dev:vip")["targets"] == Value{"host:cloud"});
  CHECK(row_of(ops, "dev:vip")["writer"] == "operator");
  // Removing is changing.
  auto removal = json::parse(row("dev:vip", "cloud")).value();
  removal["remove"] = true;
  CHECK(send(ops, json::dump(removal), 3).json()["skipped"]["pinned"] == 1);
  CHECK(row_of(ops, "dev:vip")["targets"] == Value{"host:cloud"});
}

TEST_CASE("plans: what is wrong is said, and nothing is done", "[http][operator][plans]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.operator_endpoints.plan_rows_max = 3; });
  auto ops = server.ops();
  const auto good = row("dev:x", "south");
  const auto refuses = [&](const Response& answer, int status, const char* says) {
    CAPTURE(answer.body);
    CHECK(answer.status == status);
    CHECK_THAT(answer.detail(), ContainsSubstring(says));
    CHECK(ops.get(kOperator + "/health").json()["tableVersion"] == 1);
    CHECK(row_of(ops, "dev:x").is_null());
  };
  refuses(send(ops, good, 7), 412, "the table is at 1");
  refuses(ops.request("POST", kPlans, good), 400, "If-Match");
  refuses(ops.request("POST", kPlans, good, {{"If-Match", "*"}}), 400, "table version in quotes");
  refuses(send(ops, "", 1), 400, "no rows");
  refuses(send(ops, good + "{\"ue\":", 1), 400, "line 2");
  refuses(send(ops, good + good, 1), 400, "line 2");
  refuses(send(ops, good + row("dev:y", "gone"), 1), 400, "host 'gone' is not known");
  refuses(send(ops, good, 1, "?dry_run=maybe"), 400, "dry_run");
  refuses(send(ops, good + row("1", "south"), 1), 400, "line 2");
  const auto large =
      send(ops, good + row("dev:1", "south") + row("dev:2", "south") + row("dev:3", "south"), 1);
  CHECK(large.status == 413);
}

TEST_CASE("plans: only the Optimizer that leads may send", "[http][operator][plans]") {
  const TestServer server;
  auto ops = server.ops();
  const std::string kLease = kOperator + "/optimizer/lease";
  const auto ask = [&](const std::string& holder) {
    return ops
        .post(kLease, {{"holder", holder}, {"url", "http://127.0.0.1:8082"}, {"leaseMs", 60000}})
        .json();
  };
  CHECK(ops.get(kOperator + "/optimizer").status == 404);
  CHECK(ask("a")["granted"] == true);
  CHECK(ask("a")["granted"] == true);
  const auto second = ask("b");
  CHECK(second["granted"] == false);
  CHECK(second["holder"] == "a");
  CHECK(second["url"] == "http://127.0.0.1:8082");
  CHECK(ops.get(kOperator + "/optimizer").json()["holder"] == "a");
  CHECK(send(ops, row("dev:x", "south"), 1, "", {{"Mx2-Optimizer", "b"}}).status == 409);
  CHECK(send(ops, row("dev:x", "south"), 1).status == 409);
  CHECK(send(ops, row("dev:x", "south"), 1, "", {{"Mx2-Optimizer", "a"}}).status == 200);
  CHECK(ops.request("DELETE", kLease + "?holder=b").status == 404);
  CHECK(ops.request("DELETE", kLease + "?holder=a").status == 204);
  CHECK(ask("b")["granted"] == true);
  for (const auto& bad : {Value{{"holder", ""}, {"leaseMs", 1000}}, Value{{"holder", "x"}},
                          Value{{"holder", "x"}, {"leaseMs", 1}}}) {
    CHECK(ops.post(kLease, bad).status == 400);
  }
}

TEST_CASE("plans: a pause of the Optimizer is told with each lease and survives a restart",
          "[http][operator][plans]") {
  TestServer server;
  const std::string path = kOperator + "/optimizer";
  const auto paused = [&] {
    const Value asked{{"holder", "a"}, {"leaseMs", 60000}};
    return server.ops().post(path + "/lease", asked).json()["paused"] == true;
  };
  CHECK_FALSE(paused());
  CHECK(server.ops().put(path, {{"paused", true}}).status == 204);
  CHECK(paused());
  CHECK(server.ops().get(path).json()["paused"] == true);
  server.restart();
  CHECK(paused());
  CHECK(server.ops().put(path, {{"paused", false}}).status == 204);
  CHECK_FALSE(paused());
  server.restart();
  CHECK_FALSE(paused());
  for (const auto& bad : {Value{{"paused", 1}}, Value::object(), Value::array(),
                          Value{{"paused", true}, {"holder", "a"}}}) {
    CHECK(server.ops().put(path, bad).status == 400);
  }
  CHECK(server.ops().request("PUT", path, "{").status == 400);
  CHECK_FALSE(paused());
}

TEST_CASE("history: every version, and the way back", "[http][operator][history]") {
  TestServer server;
  auto ops = server.ops();
  const auto before = ops.get(kTable).json();
  REQUIRE(send(ops, row("dev:new", "south") + row("dev:two", "south"), 1).status == 200);
  REQUIRE(
      ops.request("PATCH", kTable, row("dev:new", "north") + row("dev:car-1", "cloud")).status ==
      200);
  const auto history = ops.get(kTable + "/history").json()["items"];
  REQUIRE(history.size() == 3);
  CHECK(history[0]["kind"] == "patch");
  CHECK(history[1]["kind"] == "plan");
  CHECK(history[1]["version"] == 2);
  CHECK(history[1]["rows"] == 2);
  CHECK(history[1]["state"] == "done");
  CHECK(history[2]["summary"] == "first content");
  const auto page = ops.get(kTable + "/history?limit=2").json();
  CHECK(page["items"].size() == 2);
  CHECK(ops.get(kTable + "/history?cursor=" + page["next"].get<std::string>())
            .json()["items"][0]["version"] == 1);

  server.restart();
  auto again = server.ops();
  const auto back = roll_back(again, 1);
  REQUIRE(back.status == 200);
  CHECK(back.json()["tableVersion"] == 4);
  CHECK(back.json()["rows"] == 3);
  CHECK(row_of(again, "dev:new").is_null());
  const auto restored = row_of(again, "dev:car-1");  // pinned before, and now
  CHECK(restored["targets"] == before["items"][1]["targets"]);
  CHECK(restored["writer"] == "operator");
  CHECK(again.get(kTable + "/history?limit=1").json()["items"][0]["summary"] ==
        "back to version 1");
  // And forward again: going back is a change like any other.
  REQUIRE(roll_back(again, 3).status == 200);
  CHECK(row_of(again, "dev:new")["targets"] == Value{"host:north"});
}

TEST_CASE("history: what cannot be gone back to is said", "[http][operator][history]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.store.history.versions_max = 2; });
  auto ops = server.ops();
  for (int version = 1; version < 5; ++version) {
    REQUIRE(send(ops, row("dev:x", version % 2 == 0 ? "north" : "south"), version).status == 200);
  }
  CHECK(eventually([&] { return ops.get(kTable + "/history").json()["items"].size() == 2; }));
  CHECK(roll_back(ops, 1).status == 410);
  CHECK(roll_back(ops, 5).status == 400);
  CHECK(roll_back(ops, 99).status == 400);
  CHECK(ops.post(kTable + "/rollback", Value::object()).status == 400);
  CHECK(ops.post(kTable + "/rollback", {{"version", -1}}).status == 400);
  CHECK(roll_back(ops, 3).status == 200);
  CHECK(row_of(ops, "dev:x")["targets"] == Value{"host:north"});
}

}  // namespace
}  // namespace mx2::test
