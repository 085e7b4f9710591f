// Files that cannot be used, and storage that runs out.
#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>

#include "orchestrator/store/schema.h"
#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::apply;
using test::ContainsSubstring;
using test::insert;
using test::load;
using test::sample_record;
using test::StoreInDir;

void check_refused(StoreInDir& files, const std::string& text) {
  const auto opened = files.open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kUnavailable);
  CHECK_THAT(opened.error().detail, ContainsSubstring(text));
}

TEST_CASE("store: a file of a newer release is refused and left alone", "[store]") {
  StoreInDir files;
  REQUIRE(insert(*files.open().value(), sample_record("1")).ok());
  {
    SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE);
    db.exec("UPDATE meta SET value = '" + std::to_string(newest_schema() + 1) +
            "' WHERE name = 'schema'");
  }
  check_refused(files, "newer release");
  {
    SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE);
    db.exec("UPDATE meta SET value = '" + std::to_string(newest_schema()) +
            "' WHERE name = 'schema'");
  }
  CHECK(load(*files.open().value())->contexts == 1);
}

TEST_CASE("store: what is no SQLite file is refused and left alone", "[store]") {
  StoreInDir files;
  const std::string text = "this is certainly no database, but somebody's only copy of a letter\n";
  std::string letter;
  for (int i = 0; i < 100; ++i) letter += text;
  static_cast<void>(files.directory.write("store.sqlite", letter));
  check_refused(files, "damaged");
  CHECK(std::filesystem::file_size(files.options.path) == letter.size());
}

TEST_CASE("store: a damaged file is an error when it is loaded, not a crash", "[store]") {
  StoreInDir files;
  {
    auto store = files.open().value();
    for (int i = 0; i < 200; ++i) {
      REQUIRE(insert(*store, sample_record(std::to_string(1000 + i))).ok());
    }
  }
  {
    std::fstream file(files.options.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    const std::string noise(std::filesystem::file_size(files.options.path) - 4096, '\xA5');
    file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  auto opened = files.open();
  const auto failed = opened.ok() ? load(**opened).ok() ? "" : load(**opened).error().detail
                                  : opened.error().detail;
  CHECK_THAT(failed, ContainsSubstring("damaged"));
}

TEST_CASE("store: a foreign SQLite file with the same table names is not taken for ours",
          "[store]") {
  StoreInDir files;
  {
    SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE apps (x)");
  }
  CHECK_FALSE(files.open().ok());
}

TEST_CASE("store: a directory that cannot be written", "[store]") {
  if (::geteuid() == 0) {
    WARN("SKIPPED: root may write everywhere");
    return;
  }
  StoreInDir files;
  std::filesystem::permissions(files.directory.path(), std::filesystem::perms::owner_read |
                                                           std::filesystem::perms::owner_exec);
  check_refused(files, "cannot write");
  std::filesystem::permissions(files.directory.path(), std::filesystem::perms::owner_all);
}

TEST_CASE("store: a path that cannot be a directory", "[store]") {
  StoreInDir files;
  static_cast<void>(files.directory.write("file", "x"));
  files.options.path = files.directory.file("file/store.sqlite");
  CHECK_FALSE(files.open().ok());
}

TEST_CASE("store: a directory is made when it is missing", "[store]") {
  StoreInDir files;
  files.options.path = files.directory.file("a/b/store.sqlite");
  CHECK(files.open().ok());
}

void check_private(const StoreInDir& files) {
  using std::filesystem::perms;
  for (const char* beside : {"", "-wal", "-shm", ".lock"}) {
    const auto file = files.options.path + beside;
    CAPTURE(file);
    REQUIRE(std::filesystem::exists(file));
    CHECK(std::filesystem::status(file).permissions() == (perms::owner_read | perms::owner_write));
  }
}

TEST_CASE("store: its files are their owner's alone, whatever the umask and earlier versions",
          "[store]") {
  const auto mask = ::umask(0);
  StoreInDir files;
  {
    const auto store = files.open().value();
    REQUIRE(insert(*store, sample_record("1")).ok());
    check_private(files);
  }
  std::filesystem::permissions(files.options.path, std::filesystem::perms(0664));
  {
    const auto store = files.open().value();
    REQUIRE(insert(*store, sample_record("2")).ok());
    check_private(files);
    CHECK(load(*store)->contexts == 2);
  }
  ::umask(mask);
}

TEST_CASE("store: a second orchestrator on the same file is refused", "[store]") {
  StoreInDir files;
  const auto first = files.open();
  REQUIRE(first.ok());
  check_refused(files, "in use");
}

TEST_CASE("store: a second process on the same file is refused", "[store]") {
  StoreInDir files;
  const auto first = files.open();
  REQUIRE(first.ok());
  const auto child = ::fork();
  if (child == 0) {
    metrics::Registry registry;
    ::_exit(SqliteStore::open(files.options, registry).ok() ? 1 : 0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("store: full storage is unavailable, and what was acknowledged is intact", "[store]") {
  StoreInDir files;
  files.options.size_bytes_max = 400UL * 1024;
  std::size_t acknowledged = 0;
  {
    auto store = files.open().value();
    Result<void> outcome;
    while (acknowledged < 10000) {
      auto record = sample_record(std::to_string(100000 + acknowledged));
      record.document = std::string(2000, 'x');
      outcome = insert(*store, record);
      if (!outcome) break;
      ++acknowledged;
    }
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().code == ErrorCode::kUnavailable);
    CHECK(outcome.error().detail == "the storage is full");
    CHECK(outcome.error().retry_after_s > 0);
    CHECK(store->contexts({}, "", 20000)->items.size() == acknowledged);
    for (int i = 0; i < 20; ++i) {
      REQUIRE(apply(*store, [i](StoreTransaction& tx) {
                return tx.delete_context(std::to_string(100000 + i));
              }).ok());
    }
    CHECK(insert(*store, sample_record("after")).ok());
  }
  CHECK(load(*files.open().value())->contexts == acknowledged - 20 + 1);
}

TEST_CASE("store: a batch in which storage runs out stores all or nothing of each unit",
          "[store]") {
  StoreInDir files;
  files.options.size_bytes_max = 200UL * 1024;
  auto store = files.open().value();
  std::vector<std::string> acknowledged;
  for (int i = 0; i < 300; ++i) {
    store->submit(std::make_unique<test::LambdaUnit>(
        [i](StoreTransaction& tx) -> Result<void> {
          for (const char* half : {"a", "b"}) {
            auto record = sample_record(std::to_string(1000 + i) + half);
            record.document = std::string(700, 'x');
            if (auto stored = tx.insert_context(record); !stored) return stored;
          }
          return {};
        },
        [&, i](const Result<void>& outcome) {
          if (outcome.ok()) acknowledged.push_back(std::to_string(1000 + i));
        }));
  }
  store->close();
  std::vector<std::string> stored;
  const auto page = store->contexts({}, "", 20000).value();
  for (const auto& item : page.items) stored.push_back(item.context_id);
  REQUIRE(stored.size() == 2 * acknowledged.size());
  for (std::size_t i = 0; i < acknowledged.size(); ++i) {
    CHECK(stored[2 * i] == acknowledged[i] + "a");
    CHECK(stored[2 * i + 1] == acknowledged[i] + "b");
  }
}

}  // namespace
}  // namespace mx2
