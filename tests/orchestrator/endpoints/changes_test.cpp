// The change feed, and what hosts report of themselves, over the operator API.
#include <chrono>
#include <thread>

#include "api/mx2/codec.h"
#include "tests/catch.h"
#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

class Follower {
 public:
  explicit Follower(Client client) : client_(std::move(client)) {
    position_ = client_.get(kOperator + "/snapshot").json()["position"];
  }

  // The next changes, as soon as there are any.
  Value next(int wait_ms = 5000) {
    const auto answer = poll(position_, wait_ms);
    REQUIRE(answer.status == 200);
    const auto news = answer.json();
    position_ = news["position"];
    return news["changes"];
  }
  // The next one of this kind; those before it are passed over.
  Value next_of(const std::string& kind) {
    for (int i = 0; i < 50; ++i) {
      if (seen_.empty()) seen_ = next();
      while (!seen_.empty()) {
        auto change = seen_.front();
        seen_.erase(seen_.begin());
        if (change["kind"] == kind) return change;
      }
    }
    return {};
  }
  Response poll(std::uint64_t since, int wait_ms) {
    return client_.get(kOperator + "/changes?since=" + std::to_string(since) +
                       "&wait_ms=" + std::to_string(wait_ms));
  }
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  Client client_;
  std::uint64_t position_ = 0;
  Value seen_ = Value::array();
};

TEST_CASE("changes: everything an Optimizer must know comes in order", "[http][operator][feed]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  Follower follower(server.ops());
  const auto context = create_context(client, "ue-9");
  auto change = follower.next()[0];
  CHECK(change == Value{{"kind", "context"},
                        {"contextId", context},
                        {"app", "facedetect-1"},
                        {"associateDevAppId", "ue-9"},
                        {"clientIp", "127.0.0.1"},
                        {"host", "cloud"}});
  const Value row{{"ue", "dev:ue-9"}, {"app", "facedetect-1"}, {"targets", {"host:south"}}};
  REQUIRE(ops.request("PATCH", kOperator + "/table", json::dump(row)).status == 200);
  change = follower.next_of("row");
  CHECK(change["ue"] == "dev:ue-9");
  CHECK(change["version"] == 2);
  change = follower.next_of("context");
  CHECK(change["contextId"] == context);
  CHECK(change["host"] == "south");
  auto removal = row;
  removal["remove"] = true;
  REQUIRE(ops.request("PATCH", kOperator + "/table", json::dump(removal)).status == 200);
  CHECK(follower.next_of("rowRemoved") ==
        Value{{"kind", "rowRemoved"}, {"app", "facedetect-1"}, {"ue", "dev:ue-9"}});
  REQUIRE(ops.post(kOperator + "/hosts/north/drain", {}).status == 200);
  change = follower.next_of("host");
  CHECK(change["id"] == "north");
  CHECK(change["state"] == "draining");
  REQUIRE(client.request("DELETE", kContexts + "/" + context).status == 204);
  CHECK(follower.next_of("contextEnded") ==
        Value{{"kind", "contextEnded"}, {"contextId", context}});
  REQUIRE(ops.request("PUT", kOperator + "/apps/extra",
                      R"({"appName":"extra","appProvider":"E","appSoftVersion":"1",)"
                      R"("appDVersion":"1","appDescription":"d"})")
              .status == 201);
  CHECK(follower.next_of("app")["appDId"] == "extra");
  REQUIRE(ops.request("DELETE", kOperator + "/apps/extra").status == 204);
  CHECK(follower.next_of("appRemoved")["appDId"] == "extra");
}

TEST_CASE("changes: where a context asks to be served is told, listed and survives a restart",
          "[http][operator][feed][location]") {
  TestServer server;
  Follower follower(server.ops());
  auto client = server.mx2();
  auto body = minimal_context("ue-9");
  auto& location = body["appInfo"]["userAppInstanceInfo"][0]["appLocation"];
  location = codec::to_json(in_area(square(144.2, -37.8, 0.1), "AU"));
  const auto made = client.post(kContexts, body);
  REQUIRE(made.status == 201);
  auto change = follower.next_of("context");
  CHECK(change["appLocation"] == location);
  CHECK(change["host"] == "north");

  // Another place that the same host serves: the address stays, the place is news all the same.
  location = codec::to_json(in_area(square(144.8, -37.8, 0.1), "AU"));
  const auto uri = kContexts + "/" + made.json()["contextId"].get<std::string>();
  REQUIRE(client.put(uri, body).status == 204);
  change = follower.next_of("context");
  CHECK(change["appLocation"] == location);
  CHECK(change["host"] == "north");

  (void)create_context(client, "ue-10");
  CHECK_FALSE(follower.next_of("context").contains("appLocation"));
  server.restart();
  const auto items = server.ops().get(kOperator + "/contexts").json()["items"];
  REQUIRE(items.size() == 2);
  CHECK(items[0]["appLocation"] == location);
  CHECK_FALSE(items[1].contains("appLocation"));
}

TEST_CASE("changes: who was away for too long reads everything again", "[http][operator][feed]") {
  TestServer server([](OrchestratorOptions& options) { options.changes.changes_max = 3; });
  auto client = server.mx2();
  Follower follower(server.ops());
  const auto begin = follower.position();
  for (int i = 0; i < 5; ++i) (void)create_context(client, "ue-" + std::to_string(i));
  CHECK(follower.poll(begin, 0).status == 410);
  CHECK(follower.poll(begin + 1, 0).status == 410);
  CHECK(follower.poll(begin + 2, 0).json()["changes"].size() == 3);
  CHECK(follower.poll(begin + 9, 0).status == 410);
  // Another life of the process: its positions are others.
  server.clock.advance(1000);
  server.restart();
  Follower after(server.ops());
  CHECK(after.poll(begin + 5, 0).status == 410);
  CHECK(after.poll(after.position(), 0).json()["changes"].empty());
}

TEST_CASE("changes: a long poll ends with its time", "[http][operator][feed]") {
  const TestServer server;
  Follower follower(server.ops());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(follower.next(300).empty());
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited >= std::chrono::milliseconds(290));
  CHECK(waited < std::chrono::seconds(5));
  auto ops = server.ops();
  for (const char* bad : {"", "?since=", "?since=x", "?since=1&wait_ms=-1", "?since=1&wait_ms=x",
                          "?since=1&wait_ms=99999999", "?since=1&since=2", "?since=1&w=2"}) {
    CAPTURE(bad);
    CHECK(ops.get(kOperator + "/changes" + bad).status == 400);
  }
}

TEST_CASE("hosts: a report is shown with its age and told to followers", "[http][operator][load]") {
  const TestServer server;
  auto ops = server.ops();
  Follower follower(server.ops());
  const Value report{{"cpu", 0.5},
                     {"apps", {{{"appDId", "facedetect-1"}, {"p50Ms", 4.5}}}},
                     {"latencyMs", {{"cell-1", 3.5}}}};
  const auto etag = ops.get(kOperator + "/hosts/north").header("ETag");
  const auto put = [&](const Value& load) {
    return ops.request("PUT", kOperator + "/hosts/north/load", json::dump(load));
  };
  REQUIRE(put(report).status == 204);
  CHECK(follower.next_of("hostLoad")["load"]["latencyMs"]["cell-1"] == 3.5);
  auto answer = ops.get(kOperator + "/hosts/north");
  CHECK(answer.header("ETag") == etag);  // it is of what operators put
  const auto load = answer.json()["status"]["load"];
  CHECK(load["cpu"] == 0.5);
  CHECK(load["apps"] == report["apps"]);
  CHECK(load["ageMs"] < 60'000);
  // What was read can be put back: the status is not the operator's.
  auto host = answer.json();
  host["status"]["reachable"] = false;
  host["zone"] = "other";
  CHECK(ops.request("PUT", kOperator + "/hosts/north", json::dump(host)).status == 200);
  CHECK(ops.get(kOperator + "/hosts/north").json()["status"]["reachable"] == true);
  CHECK(ops.request("PUT", kOperator + "/hosts/nowhere/load", "{}").status == 404);
  for (const auto& bad :
       {Value{{"cpu", 1.5}}, Value{{"cpu", "much"}}, Value{{"memory", -0.1}}, Value{{"cpus", 1}},
        Value{{"apps", {{{"appDId", "a"}}, {{"appDId", "a"}}}}}, Value{{"latencyMs", {{"c", -1}}}},
        Value{{"apps", {{{"appDId", "a"}, {"p50Ms", "fast"}}}}}, Value::array()}) {
    CAPTURE(bad.dump());
    CHECK(put(bad).status == 400);
  }
}

Value host_with(Client& ops, const char* member, const Value& value) {
  auto host = ops.get(kOperator + "/hosts/north").json();
  host[member] = value;
  return host;
}

bool reachable(Client& ops) {
  return ops.get(kOperator + "/hosts/north").json()["status"]["reachable"];
}

TEST_CASE("hosts: whose lease ends counts as down until it reports", "[http][operator][lease]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto address = [&] {
    const auto created = client.post(kContexts, minimal_context("car-1"));
    REQUIRE(created.status == 201);
    return created.json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"];
  };
  REQUIRE(address() == "http://north.example/facedetect");
  Follower follower(server.ops());
  const auto with_lease = host_with(ops, "leaseMs", 300);
  REQUIRE(ops.request("PUT", kOperator + "/hosts/north", json::dump(with_lease)).status == 200);
  for (int i = 0; i < 5; ++i) {  // it lives as long as it reports
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(ops.request("PUT", kOperator + "/hosts/north/load", "{}").status == 204);
    CHECK(reachable(ops));
  }
  CHECK(eventually([&] { return !reachable(ops); }));
  Value change;
  do change = follower.next_of("host");
  while (change["status"]["reachable"] == true);
  CHECK(change["id"] == "north");
  CHECK(address() != "http://north.example/facedetect");
  CHECK(ops.get(kOperator + "/explain?app=facedetect-1&ue=car-1").json()["steps"][0]["verdict"] ==
        "host does not answer");
  REQUIRE(ops.request("PUT", kOperator + "/hosts/north/load", "{}").status == 204);
  CHECK(eventually([&] { return reachable(ops); }));
  const auto bad = host_with(ops, "leaseMs", 5);
  CHECK(ops.request("PUT", kOperator + "/hosts/north", json::dump(bad)).status == 400);
}

TEST_CASE("hosts: a probe that fails twice counts as down until it answers",
          "[http][operator][probe]") {
  const TestServer other;
  const TestServer server([](OrchestratorOptions& options) {
    options.hosts.probe_period_ms = 100;
    options.hosts.probe_timeout_ms = 500;
  });
  auto ops = server.ops();
  const auto put = [&](const std::string& uri) {
    return ops
        .request("PUT", kOperator + "/hosts/north", json::dump(host_with(ops, "probeUri", uri)))
        .status;
  };
  const auto base = "http://127.0.0.1:" + std::to_string(other.operator_port());
  REQUIRE(put(base + "/operator/v1/nothing") == 200);  // 404
  CHECK(eventually([&] { return !reachable(ops); }));
  REQUIRE(put(base + "/operator/v1/health") == 200);
  CHECK(eventually([&] { return reachable(ops); }));
  REQUIRE(put("http://127.0.0.1:1/") == 200);  // nobody listens
  CHECK(eventually([&] { return !reachable(ops); }));
  REQUIRE(put("") == 200);
  CHECK(eventually([&] { return reachable(ops); }));
  CHECK(put("ftp://127.0.0.1/") == 400);
}

TEST_CASE("hosts: one that drains takes nobody new and keeps who is there",
          "[http][operator][load]") {
  const TestServer server;
  auto ops = server.ops();
  auto client = server.mx2();
  const auto there = create_context(client, "car-1");
  REQUIRE(ops.post(kOperator + "/hosts/north/drain", {}).status == 200);
  const auto uri = [&](const std::string& id) {
    return client.get(kContexts + "/" + id)
        .json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"];
  };
  CHECK(uri(create_context(client, "car-1")) != "http://north.example/facedetect");
  CHECK(uri(there) == "http://north.example/facedetect");
}

}  // namespace
}  // namespace mx2::test
