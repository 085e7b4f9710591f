// The optimizer against an orchestrator of a few lines: lists, feed, plans.
#include "optimizer/optimizer.h"

#include "api/operator/codec.h"
#include "tests/catch.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;

Host host(const std::string& id, HostState state = HostState::kUp) {
  Host value;
  value.id = id;
  value.state = state;
  value.instances = {{"app", "i-" + id, "http://" + id}};
  return value;
}

json::Value context(const std::string& device, const std::string& at, const std::string& ip) {
  return {{"contextId", "c-" + device},
          {"app", "app"},
          {"associateDevAppId", device},
          {"clientIp", ip},
          {"host", at},
          {"referenceURI", "http://" + at},
          {"created", "2026-01-01T00:00:00.000Z"},
          {"callback", false}};
}

class FakeOrchestrator final : public http::Client {
 public:
  FakeOrchestrator() {
    App app;
    app.info.app_d_id = app.info.app_name = "app";
    app.info.app_provider = "p";
    app.info.app_soft_version = app.info.app_d_version = "1";
    app.info.app_description = "d";
    app.info.app_charcs = AppCharcs{};
    lists["apps"].push_back(codec::to_json(app));
  }

  Result<http::Reply> send(const std::string& method, const std::string& url,
                           const http::Headers& headers, const std::string& body) override {
    if (down) return unavailable("no connection");
    const auto path = url.substr(url.find("/operator/v1/") + 13);
    if (method == "POST") return take_plan(headers, body);
    if (path == "snapshot") {
      return json({{"position", position}, {"tableVersion", table_version}});
    }
    if (path.starts_with("changes")) return told();
    ++lists_read;
    return json({{"items", lists[path.substr(0, path.find('?'))]}});
  }

  void change(const std::string& kind, json::Value value) {
    value["kind"] = kind;
    feed.push_back(std::move(value));
    ++position;
  }

  std::map<std::string, json::Value> lists = {{"hosts", json::Value::array()},
                                              {"apps", json::Value::array()},
                                              {"table", json::Value::array()},
                                              {"contexts", json::Value::array()}};
  json::Value feed = json::Value::array();
  std::vector<std::string> plans;
  std::uint64_t position = 1;
  std::uint64_t table_version = 7;
  int stale_plans = 0;
  int lists_read = 0;
  bool gone = false;
  bool down = false;

 private:
  static http::Reply json(const json::Value& value) {
    return http::json_reply(200, json::dump(value));
  }
  Result<http::Reply> told() {
    if (std::exchange(gone, false)) return http::json_reply(410, "{}");
    return json({{"position", position}, {"changes", std::exchange(feed, json::Value::array())}});
  }
  Result<http::Reply> take_plan(const http::Headers& headers, const std::string& body) {
    CHECK(headers.back().second == "\"" + std::to_string(table_version) + "\"");
    if (stale_plans-- > 0) {
      ++table_version;
      return http::json_reply(412, R"({"detail":"stale"})");
    }
    CHECK(codec::decode_table_patch(body, 1000).ok());
    plans.push_back(body);
    return json({{"tableVersion", ++table_version}});
  }
};

struct Bench {
  FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  Topology topology =
      read_topology(config::parse_yaml("hosts: [{id: near, capacity: 3}, {id: far}]\n"
                                       "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                                       "latency_ms: {x: {near: 2, far: 30}}\n",
                                       "t")
                        .value());
  OptimizerOptions options;
  Optimizer optimizer{orchestrator, options, topology, clock};

  Bench() {
    orchestrator.lists["hosts"] = {codec::to_json(host("far")), codec::to_json(host("near"))};
    for (const char* device : {"a", "b"}) {
      orchestrator.lists["contexts"].push_back(context(device, "far", "10.0.0.1"));
    }
  }
  Plan plan() {
    auto outcome = optimizer.plan(false);
    REQUIRE(outcome.ok());
    return outcome->plan;
  }
};

TEST_CASE("optimizer: a plan has the changed rows, with reasons, once", "[optimizer]") {
  Bench bench;
  CHECK(bench.plan().changes.size() == 2);
  REQUIRE(bench.orchestrator.plans.size() == 1);
  const auto rows = codec::decode_table_patch(bench.orchestrator.plans[0], 10);
  REQUIRE(rows.ok());
  CHECK(rows->at(0).row.ue.text() == "dev:a");
  CHECK(rows->at(0).row.targets.at(0).text() == "host:near");
  CHECK(rows->at(0).row.targets.at(1).text() == "host:far");
  CHECK(rows->at(0).row.writer == Writer::kOptimizer);
  CHECK(rows->at(0).row.reason == "min-cost-flow: 2.0 ms instead of 30.0 ms");
  CHECK(bench.plan().changes.empty());  // on its way, even before the contexts follow
}

TEST_CASE("optimizer: a dry run sends nothing and says what it would do", "[optimizer]") {
  Bench bench;
  const auto outcome = bench.optimizer.plan(true);
  REQUIRE(outcome.ok());
  CHECK(bench.orchestrator.plans.empty());
  for (const char* part : {"+ dev:a app -> host:near", "2 rows change on table version 7",
                           "30.00 ->         2.00", "near                                0 ->"}) {
    CHECK_THAT(outcome->description, ContainsSubstring(part));
  }
}

TEST_CASE("optimizer: an operator's pin is never touched", "[optimizer]") {
  Bench bench;
  const auto pin = [](const char* ue) {
    return json::Value{{"ue", ue}, {"app", "app"}, {"targets", {"host:far"}}};
  };
  bench.orchestrator.lists["table"] = {pin("dev:a"), pin("*")};
  CHECK(bench.plan().changes.size() == 1);
  bench.orchestrator.change("row", pin("ip:10.0.0.0/24"));
  bench.orchestrator.change("rowRemoved", {{"ue", "dev:b"}, {"app", "app"}});
  CHECK(bench.plan().changes.empty());
}

TEST_CASE("optimizer: a host that goes down is left at once", "[optimizer]") {
  Bench bench;
  bench.plan();
  for (const char* device : {"a", "b"}) {
    bench.orchestrator.change("context", context(device, "near", "10.0.0.1"));
  }
  CHECK_FALSE(bench.optimizer.follow(0).value());
  bench.orchestrator.change("host", codec::to_json(host("near", HostState::kDown)));
  CHECK(bench.optimizer.follow(0).value());  // does not wait for its time
  const auto plan = bench.plan();
  CHECK(plan.changes.size() == 2);
  CHECK_THAT(plan.changes.at(0).row.reason, ContainsSubstring("near is down"));
}

TEST_CASE("optimizer: rows of UEs that have left are removed", "[optimizer]") {
  Bench bench;
  bench.plan();
  bench.orchestrator.change("contextEnded", {{"contextId", "c-a"}});
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].remove);
  CHECK(plan.changes[0].row.ue.text() == "dev:a");
}

TEST_CASE("optimizer: a stale table is planned on anew", "[optimizer]") {
  Bench bench;
  bench.orchestrator.stale_plans = 2;
  CHECK(bench.plan().changes.size() == 2);
  CHECK(bench.orchestrator.plans.size() == 1);
  Bench always;
  always.orchestrator.stale_plans = 1000;
  CHECK(always.optimizer.plan(false).error().code == ErrorCode::kPreconditionFailed);
}

TEST_CASE("optimizer: lists are read again when the feed is gone or was lost", "[optimizer]") {
  Bench bench;
  bench.plan();
  const auto read = bench.orchestrator.lists_read;
  bench.plan();
  CHECK(bench.orchestrator.lists_read == read);
  bench.orchestrator.gone = true;
  CHECK(bench.optimizer.follow(0).ok());
  CHECK(bench.orchestrator.lists_read == 2 * read);
  bench.orchestrator.down = true;
  CHECK_FALSE(bench.optimizer.follow(0).ok());
  CHECK_FALSE(bench.optimizer.plan(false).ok());
  bench.orchestrator.down = false;
  CHECK(bench.optimizer.follow(0).ok());
  CHECK(bench.orchestrator.lists_read == 3 * read);
}

TEST_CASE("optimizer: the longest prefix says where a UE is attached", "[optimizer]") {
  Bench bench;
  bench.topology = read_topology(
      config::parse_yaml("attachments: [{name: x, prefixes: [10.0.0.0/8]},"
                         " {name: y, prefixes: [10.0.0.0/24]}]\n"
                         "latency_ms: {x: {near: 2, far: 30}, y: {near: 30, far: 2}}\n",
                         "t")
          .value());
  Optimizer optimizer(bench.orchestrator, bench.options, bench.topology, bench.clock);
  CHECK(optimizer.plan(true)->plan.changes.empty());  // at y the far host is the near one
}

TEST_CASE("optimizer: UEs of unknown attachment, empty catalogue, no hosts", "[optimizer]") {
  Bench bench;
  bench.orchestrator.lists["contexts"].push_back(context("z", "far", "192.0.2.1"));
  CHECK(bench.plan().after.unknown_latency_contexts == 1);
  Bench nothing;
  nothing.orchestrator.lists["apps"].clear();
  nothing.orchestrator.lists["hosts"].clear();
  CHECK(nothing.plan().changes.empty());
  Bench no_hosts;
  no_hosts.orchestrator.lists["hosts"].clear();
  CHECK(no_hosts.plan().after.unserved_contexts == 2);
}

TEST_CASE("optimizer: what the orchestrator says is not trusted blindly", "[optimizer][hostile]") {
  Bench bench;
  bench.orchestrator.lists["hosts"] = {1, 2};
  CHECK_FALSE(bench.optimizer.plan(false).ok());
  Bench feed;
  feed.plan();
  feed.orchestrator.change("row", {{"ue", 7}});
  CHECK_FALSE(feed.optimizer.follow(0).ok());
  feed.orchestrator.change("news", {});  // not known: of no concern
  CHECK(feed.optimizer.follow(0).ok());
}

}  // namespace
}  // namespace mx2::optimizer
