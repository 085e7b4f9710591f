// The registration of MEPMs over HTTP.
#include "tests/catch.h"
#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kEdge = kOperator + "/hosts/edge";
const std::string kRegistration = kEdge + "/registration";

Value registration(const std::string& uri, const std::string& key) {
  return {{"mepmUri", uri}, {"leaseMs", 60'000}, {"mepmKey", key}};
}

int report(Client& ops, const std::string& key) {
  return ops.put(kEdge + "/load", {{"cpu", 0.5}, {"mepmKey", key}}).status;
}

Value edge(Client& ops) { return ops.get(kEdge).json(); }

TEST_CASE("registration: a new host counts as down until its MEPM reports", "[http][mepm]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(ops.put(kRegistration, registration("http://127.0.0.1:9", "k1")).status == 201);
  CHECK(edge(ops)["status"]["reachable"] == false);
  REQUIRE(report(ops, "k1") == 204);
  CHECK(eventually([&] { return edge(ops)["status"]["reachable"] == true; }));
  CHECK(edge(ops)["status"]["load"]["ageMs"] < 60'000);
}

TEST_CASE("registration: a host that an operator has prepared is down until then, too",
          "[http][mepm]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(ops.put(kEdge, {{"name", "Edge"}}).status == 201);
  CHECK(edge(ops)["status"]["reachable"] == true);
  REQUIRE(ops.put(kRegistration, registration("http://127.0.0.1:9", "k1")).status == 200);
  CHECK(edge(ops)["status"]["reachable"] == false);
  // One whose instances an operator lists is not taken away from its clients.
  const auto north = kOperator + "/hosts/north";
  REQUIRE(ops.put(north + "/registration", registration("http://127.0.0.1:9", "k2")).status == 200);
  CHECK(ops.get(north).json()["status"]["reachable"] == true);
}

TEST_CASE("registration: a second MEPM is refused, across restarts of ours, and counted",
          "[http][mepm]") {
  TestServer server;
  {
    auto ops = server.ops();
    REQUIRE(ops.put(kRegistration, registration("http://127.0.0.1:9", "k1")).status == 201);
    REQUIRE(report(ops, "k1") == 204);
  }
  server.restart();
  auto ops = server.ops();
  const auto refused = ops.put(kRegistration, registration("http://127.0.0.1:8", "k2"));
  CHECK(refused.status == 409);
  CHECK(refused.json()["detail"] == "another MEPM serves host 'edge': http://127.0.0.1:9");
  CHECK(report(ops, "k2") == 409);
  CHECK(edge(ops)["mepmUri"] == "http://127.0.0.1:9");
  CHECK(ops.get(kOperator + "/metrics").body.find("mx2_mepm_refused_total 2") != std::string::npos);
  CHECK(ops.put(kRegistration, registration("http://127.0.0.1:7", "k1")).status == 200);
  CHECK(edge(ops)["mepmUri"] == "http://127.0.0.1:7");
}

TEST_CASE("registration: what an operator puts meanwhile takes neither MEPM nor lease away",
          "[http][mepm]") {
  const TestServer server;
  auto ops = server.ops();
  REQUIRE(ops.put(kRegistration, registration("http://127.0.0.1:9", "k1")).status == 201);
  REQUIRE(report(ops, "k1") == 204);
  REQUIRE(ops.put(kEdge, {{"name", "Edge"}, {"mepmKey", "mine"}}).status == 200);
  CHECK(edge(ops)["leaseMs"] == 60'000);
  CHECK(edge(ops)["mepmKey"] == "k1");
  CHECK(report(ops, "k1") == 204);
  // Unless the operator says that another serves it.
  REQUIRE(ops.put(kEdge, {{"mepmUri", "http://127.0.0.1:8"}}).status == 200);
  CHECK(report(ops, "k1") == 409);
  CHECK(ops.put(kRegistration, registration("http://127.0.0.1:8", "k2")).status == 200);
  CHECK(report(ops, "k2") == 204);
}

}  // namespace
}  // namespace mx2::test
