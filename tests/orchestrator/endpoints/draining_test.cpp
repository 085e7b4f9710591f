// What keeps a host from becoming empty, over the operator API; and what a way back would mean.
#include <algorithm>
#include <map>

#include "tests/catch.h"
#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kHost = kOperator + "/hosts/";
const std::string kRows = kOperator + "/table";

Response put_rows(Client& ops, const std::string& lines, const std::string& if_match = {}) {
  HeaderList headers{{"Content-Type", "application/x-ndjson"}, {"Mx2-Operator", "ada@ops"}};
  if (!if_match.empty()) headers.emplace_back("If-Match", if_match);
  return ops.request("PATCH", kRows, lines, headers);
}

std::string line_of(const std::string& ue, const std::vector<std::string>& targets,
                    const std::string& writer = "operator") {
  return json::dump(
             {{"ue", ue}, {"app", "facedetect-1"}, {"targets", targets}, {"writer", writer}}) +
         "\n";
}

void make_context(Client& client, const std::string& device) {
  REQUIRE_FALSE(create_context(client, device).empty());
}

// "reason" of the only context on a host.
std::string reason_at(Client& ops, const std::string& host) {
  const auto items = ops.get(kHost + host + "/contexts").json()["items"];
  return items.size() == 1 ? items[0]["reason"].get<std::string>()
                           : std::to_string(items.size()) + " contexts";
}

}  // namespace

TEST_CASE("draining: each reason to stay", "[http][operator][draining]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  make_context(client, "ue-9");  // by row *, to cloud
  CHECK(reason_at(ops, "north") == "0 contexts");
  CHECK(reason_at(ops, "cloud") == "no-optimizer");
  REQUIRE(ops.post(kOperator + "/optimizer/lease", {{"holder", "a"}, {"leaseMs", 60000}}).status ==
          200);
  CHECK(reason_at(ops, "cloud") == "waiting");
  REQUIRE(ops.request("PUT", kOperator + "/optimizer", R"({"paused":true})",
                      {{"Content-Type", "application/json"}})
              .status == 204);
  CHECK(reason_at(ops, "cloud") == "optimizer-paused");
  make_context(client, "car-1");  // pinned to north by the sample's row
  CHECK(reason_at(ops, "north") == "pinned");
  REQUIRE(ops.request("POST", kHost + "south/cordon").status == 200);
  REQUIRE(ops.request("POST", kHost + "north/cordon").status == 200);
  const auto stays = ops.get(kHost + "cloud/contexts").json()["items"][0];
  CHECK(stays["reason"] == "no-other-host");
  CHECK_THAT(stays["detail"].get<std::string>(), ContainsSubstring("north: host is cordoned"));
  CHECK(ops.get(kHost + "clod/contexts").status == 404);
  CHECK_THAT(ops.get(kHost + "clod/pins").detail(), ContainsSubstring("did you mean 'cloud'?"));
}

TEST_CASE("draining: a host's status counts its contexts", "[http][operator][draining]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  make_context(client, "ue-9");
  const auto status = ops.get(kHost + "cloud").json()["status"];
  CHECK(status["contexts"] == 1);
  CHECK(status["contextsOfApps"] == Value{{"facedetect-1", 1}});
  const auto hosts = ops.get(kOperator + "/hosts").json();
  for (const auto& host : hosts["items"]) {
    CHECK(host["status"]["contexts"] == (host["id"] == "cloud" ? 1 : 0));
  }
}

TEST_CASE("draining: what becomes of pins", "[http][operator][draining]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(put_rows(ops, line_of("dev:two", {"host:north", "host:south"}) +
                            line_of("dev:only", {"host:north"}) + line_of("*", {"host:north"}) +
                            line_of("dev:plan", {"host:north"}, "optimizer"))
              .status == 200);
  const auto answer = ops.get(kHost + "north/pins");
  std::map<std::string, Value> pins;
  std::string lines;
  const auto pinned = answer.json();
  for (const auto& pin : pinned["items"]) {
    if (pin["row"]["app"] != "facedetect-1") continue;
    pins[pin["row"]["ue"]] = pin;
    lines += json::dump(pin["change"]) + "\n";
  }
  CHECK(pins.count("dev:plan") == 0);
  CHECK(pins.at("dev:two")["change"]["targets"] == Value{"host:south"});
  // Nobody else would serve it, as row * leads to the host as well.
  CHECK(pins.at("dev:only")["change"]["targets"] == Value{"host:cloud", "host:south"});
  CHECK(pins.at("*")["change"]["targets"] == Value{"host:cloud", "host:south"});
  REQUIRE(put_rows(ops, lines, answer.header("ETag").value_or("")).status == 200);
  REQUIRE(put_rows(ops, lines, answer.header("ETag").value_or("")).status == 412);
  REQUIRE(put_rows(ops, line_of("dev:only", {"host:north"})).status == 200);
  const auto again = ops.get(kHost + "north/pins").json()["items"];
  const auto only = std::find_if(again.begin(), again.end(),
                                 [](const auto& pin) { return pin["row"]["ue"] == "dev:only"; });
  REQUIRE(only != again.end());
  CHECK((*only)["change"]["remove"] == true);
  CHECK((*only)["why"] == "removed: row * decides then");
}

TEST_CASE("table: who made a version, and what differs", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(put_rows(ops, line_of("dev:x", {"host:south"})).status == 200);
  REQUIRE(
      put_rows(ops, line_of("dev:x", {"host:north"}) + line_of("dev:y", {"host:north"})).status ==
      200);
  const auto history = ops.get(kRows + "/history").json()["items"];
  CHECK(history[0]["by"] == "operator ada@ops from 127.0.0.1");
  CHECK(history[0]["rows"] == 2);
  CHECK_FALSE(history[2].contains("by"));

  const auto diff = ops.get(kRows + "/diff?from=2").json();
  CHECK(diff["to"] == 3);
  REQUIRE(diff["items"].size() == 2);
  CHECK(diff["items"][0]["ue"] == "dev:x");
  CHECK(diff["items"][0]["before"]["targets"] == Value{"host:south"});
  CHECK(diff["items"][0]["after"]["targets"] == Value{"host:north"});
  CHECK_FALSE(diff["items"][1].contains("before"));
  const auto past = ops.get(kRows + "/diff?from=1&to=2").json()["items"];  // changed again since
  REQUIRE(past.size() == 1);
  CHECK(past[0]["after"]["targets"] == Value{"host:south"});
  const auto back = ops.get(kRows + "/diff?from=3&to=1").json()["items"];
  REQUIRE(back.size() == 2);
  CHECK_FALSE(back[0].contains("after"));
  const auto page = ops.get(kRows + "/diff?from=1&limit=1").json();
  CHECK(page["items"].size() == 1);
  CHECK(ops.get(kRows + "/diff?from=1&cursor=facedetect-1%0Adev:x").json()["items"][0]["ue"] ==
        "dev:y");
  CHECK(ops.get(kRows + "/diff?from=2&to=2").json()["items"].empty());
  CHECK(ops.get(kRows + "/diff").status == 400);
  CHECK(ops.get(kRows + "/diff?from=9").status == 400);
}

TEST_CASE("table: a way back is tried", "[http][operator][table]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  make_context(client, "ue-1");
  make_context(client, "ue-2");
  REQUIRE(put_rows(ops, line_of("dev:ue-1", {"host:south"})).status == 200);
  REQUIRE(eventually([&] {
    return ops.get(kOperator + "/contexts?associateDevAppId=ue-1").json()["items"][0]["host"] ==
           "south";
  }));
  const auto tried = ops.post(kRows + "/rollback?dry_run=true", {{"version", 1}});
  REQUIRE(tried.status == 200);
  CHECK(tried.json() == Value{{"tableVersion", 2},
                              {"rows", 1},
                              {"skipped", {{"pinned", 0}, {"unknown", 0}, {"superseded", 0}}},
                              {"dryRun", true},
                              {"contexts", {{"moved", 1}, {"lookedAt", 2}, {"all", true}}}});
  CHECK(ops.get(kOperator + "/health").json()["tableVersion"] == 2);
  CHECK(ops.post(kRows + "/rollback?dry_run=true", {{"version", 7}}).status == 400);
  CHECK(ops.post(kRows + "/rollback?dry_runn=true", {{"version", 1}}).status == 400);
  CHECK(ops.post(kRows + "/rollback", {{"version", 1}}).json()["rows"] == 1);
}

}  // namespace mx2::test
