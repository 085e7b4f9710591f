// What is stored and cannot be read: the orchestrator starts, tells it, and keeps what belongs to
// it.
#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/packages.h"

namespace mx2::test {
namespace {

using json::Value;

void execute(const TestServer& server, const std::string& sql) {
  SQLite::Database db(server.directory.file("mx2.sqlite"), SQLite::OPEN_READWRITE);
  REQUIRE(db.exec(sql) > 0);
}

Value health_of(const TestServer& server) { return server.ops().get(kOperator + "/health").json(); }

TEST_CASE("operator: health tells what is set aside, until it is replaced", "[http][operator]") {
  TestServer server;
  server.stop();
  execute(server, "UPDATE hosts SET document = '{}' WHERE host_id = 'south'");
  server.restart();
  auto health = health_of(server);
  CHECK(health["status"] == "degraded");
  CHECK(health["hosts"] == 2);
  REQUIRE(health["setAside"].size() == 1);
  CHECK(health["setAside"][0]["kind"] == "host");
  CHECK(health["setAside"][0]["id"] == "south");
  CHECK(health["setAside"][0]["reason"] == "/id is missing");
  auto ops = server.ops();
  CHECK_THAT(ops.get(kOperator + "/metrics").body, ContainsSubstring("mx2_store_set_aside 1"));
  auto client = server.mx2();
  CHECK_FALSE(create_context(client).empty());
  CHECK(ops.put(kOperator + "/hosts/south", Value::object()).status == 201);
  health = health_of(server);
  CHECK(health["status"] == "ok");
  CHECK_FALSE(health.contains("setAside"));
}

TEST_CASE("operator: first content is not loaded over what cannot be read", "[http][operator]") {
  TestServer server;
  server.stop();
  execute(server, "DELETE FROM associations");
  execute(server, "DELETE FROM apps");
  execute(server, "DELETE FROM hosts WHERE host_id <> 'north'");
  execute(server, "UPDATE hosts SET document = 'x'");
  execute(server, "UPDATE meta SET value = '0' WHERE name = 'table_version'");
  server.restart();
  CHECK(health_of(server)["hosts"] == 0);
  CHECK(health_of(server)["setAside"].size() == 1);
}

TEST_CASE("packages: the content of one that is set aside is kept", "[http][packages]") {
  TestServer server;
  const auto content = package_zip();
  auto ops = server.ops();
  const auto made = ops.post(kPackages, create_request(digest_of(content)));
  REQUIRE(made.status == 201);
  const auto id = made.json()["id"].get<std::string>();
  REQUIRE(put_content(ops, id, content).status == 202);
  const auto file = server.directory.file("mx2.sqlite.packages/" + id + ".pkg");
  REQUIRE(std::filesystem::exists(file));
  server.stop();
  execute(server, "UPDATE packages SET document = 'x' || document");
  server.restart();
  CHECK(server.ops().get(kPackages + "/" + id).status == 404);
  CHECK(std::filesystem::exists(file));
  // Also when so much cannot be read that not all of it is named.
  server.stop();
  execute(server,
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
          "INSERT INTO hosts SELECT 'h' || i, '{' FROM n");
  server.restart();
  CHECK(std::filesystem::exists(file));
  server.stop();
  execute(server, "UPDATE packages SET document = substr(document, 2)");
  server.restart();
  CHECK(server.ops().get(kPackages + "/" + id).status == 200);
}

}  // namespace
}  // namespace mx2::test
