// mx2ctl restore: what is put in place, and what is refused and leaves all as it was.
#include "ctl/store_restore.h"

#include <filesystem>

#include "api/archive/writer.h"
#include "api/base/digest.h"
#include "api/base/file.h"
#include "api/base/file_lock.h"
#include "api/base/text.h"
#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2::ctl {
namespace {

namespace fs = std::filesystem;
using test::ContainsSubstring;
using test::TempDir;

BackupFile described(const std::string& name, const std::string& content) {
  Sha256 digest;
  digest.update(content);
  return {name, content.size(), digest.hex()};
}

const std::string kContent = "the database";
const std::string kOnePackage(100'000, 'p');

// As mx2ctl backup makes it, but for `stored` in the place of the database, and `more` in the tar.
std::string make_backup(const TempDir& dir, const std::string& stored = kContent,
                        const std::string& more = {}) {
  Backup backup;
  backup.id = "b";
  backup.state = BackupState::kReady;
  backup.created = "2026-01-31T12:00:00.250Z";
  backup.version = "1";
  backup.store = {std::string(32, 'a'), 3};
  backup.files = {described(kDatabaseName, kContent), described("packages/1.pkg", kOnePackage)};
  const auto path = dir.file("backup.tar");
  const auto writer = archive::Writer::create(path).value();
  const auto add = [&](const std::string& name, const std::string& content) {
    REQUIRE(writer->begin(name, content.size()).ok());
    REQUIRE(writer->write(content).ok());
  };
  add(kManifestName, json::dump(codec::to_json(backup)));
  add(kDatabaseName, stored);
  add("packages/1.pkg", kOnePackage);
  if (!more.empty()) add(more, "?");
  REQUIRE(writer->finish().ok());
  return path;
}

RestoreOrder order_in(const TempDir& dir) {
  RestoreOrder order;
  order.file = dir.file("backup.tar");
  order.store = dir.file("store/mx2.sqlite");
  return order;
}

std::string refused(const RestoreOrder& order) {
  const auto restored = restore_store(order);
  return restored ? "restored" : restored.error().pointer + " " + restored.error().detail;
}

TEST_CASE("restore: into an empty place", "[ctl][backup]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  const auto order = order_in(dir);
  const auto restored = restore_store(order);
  REQUIRE(restored.ok());
  CHECK(restored->set_aside.empty());
  CHECK(restored->backup.store.epoch == 3);
  CHECK(read_file(order.store).value() == kContent);
  CHECK(read_file(order.store + ".packages/1.pkg").value() == kOnePackage);
  CHECK((fs::status(order.store).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(parse_uint(first_line(read_file(order.store + kNewEpochSuffix).value())) > 1'000'000);
  CHECK_FALSE(fs::exists(order.store + kRestoringSuffix));
}

TEST_CASE("restore: what is there is kept, or renamed", "[ctl][backup]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  auto order = order_in(dir);
  fs::create_directories(dir.file("store"));
  static_cast<void>(dir.write("store/mx2.sqlite", "older"));
  static_cast<void>(dir.write("store/mx2.sqlite-wal", "its log"));
  CHECK_THAT(refused(order), ContainsSubstring("--overwrite"));
  CHECK(read_file(order.store).value() == "older");
  order.overwrite = true;
  const auto restored = restore_store(order);
  REQUIRE(restored.ok());
  CHECK(read_file(order.store).value() == kContent);
  CHECK_FALSE(fs::exists(order.store + "-wal"));
  CHECK(read_file(restored->set_aside).value() == "older");
  CHECK(read_file(restored->set_aside + "-wal").value() == "its log");
}

TEST_CASE("restore: nothing that the list does not have", "[ctl][backup][hostile]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir, kContent, "packages/2.pkg"));
  const auto order = order_in(dir);
  CHECK_THAT(refused(order), ContainsSubstring("other files than its list"));
  CHECK_FALSE(fs::exists(order.store));
}

TEST_CASE("restore: through no link that lies there", "[ctl][backup][hostile]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  const auto order = order_in(dir);
  fs::create_directories(dir.file("store"));
  static_cast<void>(dir.write("victim", "kept"));
  fs::create_symlink(dir.file("victim"), order.store + kNewEpochSuffix);
  REQUIRE(restore_store(order).ok());
  CHECK(read_file(dir.file("victim")).value() == "kept");
  CHECK(parse_uint(first_line(read_file(order.store + kNewEpochSuffix).value())) > 1'000'000);
}

TEST_CASE("restore: packages alone are something that is there", "[ctl][backup]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  auto order = order_in(dir);
  order.packages = dir.file("contents");
  fs::create_directories(order.packages);
  static_cast<void>(dir.write("contents/old.pkg", "old"));
  CHECK_THAT(refused(order), ContainsSubstring("--overwrite"));
  order.overwrite = true;
  REQUIRE(restore_store(order).ok());
  CHECK(read_file(order.packages + "/1.pkg").value() == kOnePackage);
  CHECK_FALSE(fs::exists(order.packages + "/old.pkg"));
}

TEST_CASE("restore: what is damaged or cut off is refused, and nothing is touched",
          "[ctl][backup]") {
  const TempDir dir;
  const auto path = make_backup(dir);
  const auto order = order_in(dir);
  const auto whole = read_file(path).value();
  for (const auto size : {whole.size() / 8, whole.size() / 2, whole.size() * 3 / 4}) {
    CAPTURE(size);
    static_cast<void>(dir.write("backup.tar", whole.substr(0, size)));
    CHECK_THAT(refused(order), ContainsSubstring("backup.tar"));
    CHECK_FALSE(fs::exists(order.store));
    CHECK_FALSE(fs::exists(order.store + kRestoringSuffix));
    CHECK_FALSE(fs::exists(order.store + kNewEpochSuffix));
  }
  static_cast<void>(dir.write("backup.tar", "no archive at all"));
  CHECK_THAT(refused(order), ContainsSubstring("backup.tar"));
  static_cast<void>(make_backup(dir, "the databasf"));
  CHECK_THAT(refused(order), ContainsSubstring("store.sqlite is not what was backed up"));
  static_cast<void>(make_backup(dir));
  auto other = order;
  other.sha256 = std::string(64, '0');
  CHECK_THAT(refused(other), ContainsSubstring("SHA-256"));
  CHECK(refused(order) == "restored");
}

TEST_CASE("restore: not while an orchestrator works on it", "[ctl][backup]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  const auto order = order_in(dir);
  fs::create_directories(dir.file("store"));
  const auto lock = FileLock::take(order.store + kLockSuffix).value();
  CHECK_THAT(refused(order), ContainsSubstring("stop it first"));
  static_cast<void>(dir.write("store/mx2.sqlite", "x"));
  CHECK_FALSE(accept_store(order.store).ok());
}

TEST_CASE("restore: one that was interrupted is done again", "[ctl][backup]") {
  const TempDir dir;
  static_cast<void>(make_backup(dir));
  const auto order = order_in(dir);
  fs::create_directories(order.store + kRestoringSuffix + "/packages");
  CHECK_FALSE(accept_store(order.store).ok());
  CHECK(restore_store(order).ok());
  CHECK_FALSE(fs::exists(order.store + kRestoringSuffix));
}

TEST_CASE("restore --as-is: a new epoch is ordered", "[ctl][backup]") {
  const TempDir dir;
  CHECK_FALSE(accept_store(dir.file("none")).ok());
  const auto store = dir.write("mx2.sqlite", "x");
  REQUIRE(accept_store(store).ok());
  CHECK(fs::exists(store + kNewEpochSuffix));
  CHECK(read_file(store).value() == "x");
}

}  // namespace
}  // namespace mx2::ctl
