// Copies of the store: made while it is used, or of its main file alone.
#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "api/operator/backup.h"
#include "orchestrator/store/log_mark.h"
#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

namespace fs = std::filesystem;
using test::ContainsSubstring;
using test::insert;
using test::load;
using test::sample_record;
using test::StoreInDir;

bool go_on() { return true; }

void check_lacks_log(StoreInDir& files) {
  const auto opened = files.open();
  REQUIRE_FALSE(opened.ok());
  CHECK_THAT(opened.error().detail, ContainsSubstring("without its log"));
  CHECK_THAT(opened.error().detail, ContainsSubstring("mx2ctl restore"));
  CHECK_FALSE(fs::exists(log_of(files.options.path)));
}

std::size_t contexts_in(StoreInDir& files) {
  const auto opened = files.open();
  REQUIRE((opened.ok() ? "" : opened.error().detail).empty());
  return load(**opened)->contexts;
}

// What `cp` makes of the main file alone while the store is open; its log stays behind.
void copy_main(const StoreInDir& from, StoreInDir& to) {
  fs::copy_file(from.options.path, to.options.path, fs::copy_options::overwrite_existing);
}

TEST_CASE("store: a main file that was copied while it was used is refused", "[store][backup]") {
  StoreInDir files;
  StoreInDir copy;
  for (int life = 0; life < 2; ++life) {
    const auto store = files.open();
    REQUIRE(store.ok());
    REQUIRE(load(**store).ok());
    REQUIRE(insert(**store, sample_record(std::to_string(life))).ok());
    copy_main(files, copy);
    check_lacks_log(copy);
  }
  // Taken as it is: what was in the log is lost.
  static_cast<void>(copy.directory.write("store.sqlite.epoch", "5\n"));
  CHECK(contexts_in(copy) == 1);
}

TEST_CASE("store: a main file that was closed is a whole one", "[store][backup]") {
  StoreInDir files;
  REQUIRE(insert(*files.open().value(), sample_record("1")).ok());
  CHECK_FALSE(fs::exists(log_of(files.options.path)));
  StoreInDir copy;
  copy_main(files, copy);
  CHECK(contexts_in(copy) == 1);
  CHECK(contexts_in(copy) == 1);
  CHECK(contexts_in(files) == 1);
}

TEST_CASE("store: whoever copies by means of SQLite has all of it", "[store][backup]") {
  StoreInDir files;
  const auto store = files.open().value();
  for (int i = 0; i < 20; ++i) REQUIRE(insert(*store, sample_record(std::to_string(i))).ok());
  SQLite::Database source(files.options.path, SQLite::OPEN_READONLY);
  StoreInDir copy;
  SQLite::Database target(copy.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Backup(target, source).executeStep();
  CHECK(contexts_in(copy) == 20);
  StoreInDir vacuumed;
  source.exec("VACUUM INTO '" + vacuumed.options.path + "'");
  CHECK(contexts_in(vacuumed) == 20);
}

// A crash, in place: our connections are left open, as nobody closes them.
TEST_CASE("store: a log that another program has moved after a crash is not missed",
          "[store][backup]") {
  StoreInDir files;
  StoreInDir crashed;
  {
    const auto store = files.open().value();
    REQUIRE(load(*store).ok());
    REQUIRE(insert(*store, sample_record("1")).ok());
    for (const char* part : {"", "-wal", ".lock"}) {
      fs::copy_file(files.options.path + part, crashed.options.path + part);
    }
  }
  {
    SQLite::Database shell(crashed.options.path, SQLite::OPEN_READWRITE);
    CHECK(shell.execAndGet("SELECT COUNT(*) FROM contexts").getInt() == 1);
  }
  REQUIRE_FALSE(fs::exists(log_of(crashed.options.path)));
  CHECK(contexts_in(crashed) == 1);
}

TEST_CASE("store: a log that is gone after a crash is missed", "[store][backup]") {
  StoreInDir files;
  StoreInDir crashed;
  const auto store = files.open().value();
  REQUIRE(load(*store).ok());
  REQUIRE(insert(*store, sample_record("1")).ok());
  for (const char* part : {"", ".lock"}) {
    fs::copy_file(files.options.path + part, crashed.options.path + part);
  }
  check_lacks_log(crashed);
}

TEST_CASE("store: a copy while it is written has all that was acknowledged before",
          "[store][backup]") {
  StoreInDir files;
  files.options.checkpoint_pages = 50;
  const auto store = files.open().value();
  REQUIRE(load(*store).ok());
  std::atomic<int> acknowledged{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      if (insert(*store, sample_record(std::to_string(100'000 + acknowledged))).ok()) {
        ++acknowledged;
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    while (acknowledged < 200 * (round + 1)) std::this_thread::yield();
    StoreInDir copy;
    const auto before = static_cast<std::size_t>(acknowledged);
    REQUIRE(store->copy_to(copy.options.path, go_on).ok());
    CHECK(contexts_in(copy) >= before);
    const auto mode = fs::status(copy.options.path).permissions();
    CHECK((mode & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  }
  stop = true;
  writer.join();
}

TEST_CASE("store: of a copy that fails or is interrupted nothing is left", "[store][backup]") {
  StoreInDir files;
  const auto store = files.open().value();
  for (int i = 0; i < 400; ++i) {
    auto record = sample_record(std::to_string(i));
    record.document = std::string(3000, 'x');
    REQUIRE(insert(*store, record).ok());
  }
  const auto to = files.directory.file("copy");
  CHECK_FALSE(store->copy_to(to, [] { return false; }).ok());
  CHECK_FALSE(fs::exists(to));
  CHECK_FALSE(store->copy_to(files.directory.file("no/such/folder"), go_on).ok());
  static_cast<void>(files.directory.write("copy", "somebody's"));
  CHECK_FALSE(store->copy_to(to, go_on).ok());
  CHECK(fs::file_size(to) == 10);
}

TEST_CASE("store: while a restore has not come to its end nothing starts", "[store][backup]") {
  StoreInDir files;
  fs::create_directory(files.options.path + kRestoringSuffix);
  const auto opened = files.open();
  REQUIRE_FALSE(opened.ok());
  CHECK_THAT(opened.error().detail, ContainsSubstring("restore"));
  CHECK_FALSE(fs::exists(files.options.path));
}

TEST_CASE("store: identity, epoch and place are kept", "[store][backup]") {
  StoreInDir files;
  const StoreEpoch epoch{std::string(32, 'a'), 7};
  {
    const auto store = files.open().value();
    REQUIRE(test::apply(*store, [&](StoreTransaction& tx) {
              return tx.set_epoch(epoch, "here");
            }).ok());
  }
  const auto loaded = files.open().value()->load(
      {[](App&&) { return Result<void>(); }, [](Host&&) { return Result<void>(); },
       [](TableChange&&) { return Result<void>(); }, [](const ContextRecord&) {}});
  REQUIRE(loaded.ok());
  CHECK(loaded->epoch == epoch);
  CHECK(loaded->place == "here");
}

}  // namespace
}  // namespace mx2
