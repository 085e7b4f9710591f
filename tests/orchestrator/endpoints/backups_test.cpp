// /operator/v1/backups, and what reports and health tell of the store.
#include <filesystem>

#include "api/operator/backup.h"
#include "tests/catch.h"
#include "tests/orchestrator/endpoints/packages.h"

namespace mx2::test {
namespace {

namespace fs = std::filesystem;

const std::string kBackups = kOperator + "/backups";

// The answer when it is ready.
json::Value made_backup(Client& ops) {
  const auto begun = ops.request("POST", kBackups);
  REQUIRE(begun.status == 202);
  const auto location = begun.header("Location");
  REQUIRE(location);
  json::Value backup;
  REQUIRE(eventually([&] {
    backup = ops.get(*location).json();
    return backup["state"] != "running";
  }));
  return backup;
}

std::string content_of(Client& ops, const json::Value& backup, const json::Value& file) {
  const auto path = kBackups + "/" + backup["id"].get<std::string>() +
                    "/content?file=" + percent_encode(file["name"].get<std::string>());
  std::string content;
  for (;;) {
    const auto piece = ops.get(path + "&offset=" + std::to_string(content.size()));
    REQUIRE(piece.status == 200);
    if (piece.body.empty()) return content;
    content += piece.body;
  }
}

TEST_CASE("backups: a snapshot has the store and the packages, and goes when it is removed",
          "[http][backup]") {
  const TestServer server;
  auto ops = server.ops();
  auto mx2 = server.mx2();
  const auto zip = package_zip();
  const auto made = ops.post(kPackages, create_request(digest_of(zip)));
  const auto id = made.json()["id"].get<std::string>();
  REQUIRE(put_content(ops, id, zip).status == 202);
  REQUIRE(settled(ops, id)["onboardingState"] == "ONBOARDED");
  static_cast<void>(create_context(mx2));
  const auto backup = made_backup(ops);
  REQUIRE(backup["state"] == "ready");
  REQUIRE(backup["files"].size() == 2);
  CHECK(backup["files"][0]["name"] == kDatabaseName);
  CHECK(backup["files"][1]["name"] == kPackagePrefix + id + ".pkg");
  for (const auto& file : backup["files"]) {
    const auto content = content_of(ops, backup, file);
    CHECK(content.size() == file["size"]);
    CHECK(digest_of(content) == file["sha256"]);
  }
  CHECK(content_of(ops, backup, backup["files"][1]) == zip);
  CHECK(ops.request("POST", kBackups).status == 409);  // it is being read
  const auto one = kBackups + "/" + backup["id"].get<std::string>();
  CHECK(ops.get(one + "/content?file=other").status == 404);
  CHECK(ops.get(one + "/content?file=..%2fx").status == 404);
  CHECK(ops.get(one + "/content?offset=-1").status == 400);
  CHECK(ops.get(one + "/content?offset=x&file=" + kDatabaseName).status == 400);
  CHECK(ops.request("DELETE", one).status == 204);
  CHECK(ops.request("DELETE", one).status == 404);
  CHECK(ops.get(one).status == 404);
  CHECK_FALSE(fs::exists(server.directory.file("mx2.sqlite.snapshot")));
  CHECK_FALSE(fs::exists(server.directory.file("mx2.sqlite.packages/.snapshot")));
}

TEST_CASE("backups: what a crash has left goes with the next start", "[http][backup]") {
  TestServer server;
  auto ops = server.ops();
  REQUIRE(made_backup(ops)["state"] == "ready");
  REQUIRE(fs::exists(server.directory.file("mx2.sqlite.snapshot")));
  server.restart();
  CHECK_FALSE(fs::exists(server.directory.file("mx2.sqlite.snapshot")));
}

TEST_CASE("store: each start begins an epoch, which reports are answered", "[http][backup]") {
  TestServer server;
  const auto store_of = [&] { return server.ops().get(kOperator + "/health").json()["store"]; };
  const auto before = store_of();
  server.restart();
  const auto now = store_of();
  CHECK(now["id"] == before["id"]);
  CHECK(now["epoch"] == before["epoch"].get<std::uint64_t>() + 1);
  const auto id = now["id"].get<std::string>();
  const auto epoch = now["epoch"].get<std::uint64_t>();
  auto ops = server.ops();
  const auto report = [&](std::uint64_t known) {
    return ops.request(
        "PUT", kOperator + "/hosts/north/load", R"({"cpu":0.5})",
        {{"Content-Type", "application/json"}, {kStoreHeader, id + "/" + std::to_string(known)}});
  };
  const auto answer = report(epoch);
  CHECK(answer.status == 204);
  CHECK(answer.header(kStoreHeader) == id + "/" + std::to_string(epoch));
  CHECK_FALSE(store_of().contains("ahead"));
  CHECK(report(epoch + 3).status == 204);  // told, and nothing else
  REQUIRE(store_of().contains("ahead"));
  CHECK(store_of()["ahead"][0] == json::Value{{"peer", "north"}, {"epoch", epoch + 3}});
  CHECK(server.ops().get(kOperator + "/health").json()["status"] == "ok");
}

}  // namespace
}  // namespace mx2::test
