// Files of earlier releases are taken over with all they have.
#include <SQLiteCpp/SQLiteCpp.h>

#include "orchestrator/store/store_outbox.h"
#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::apply;
using test::entry_of;
using test::StoreInDir;

// A store in which nothing is yet, made into one of an earlier release.
void change_empty(StoreInDir& files, const char* sql) {
  files.open().value()->close();
  SQLite::Database(files.options.path, SQLite::OPEN_READWRITE).exec(sql);
}

// As a release with one entry for each context left it.
TEST_CASE("outbox: a file of schema 6 is taken over with what it owes", "[store][outbox]") {
  StoreInDir files;
  change_empty(files, R"(
    DROP TABLE outbox;
    CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, context_id TEXT NOT NULL UNIQUE,
      revision INTEGER NOT NULL, callback_reference TEXT NOT NULL, type TEXT NOT NULL,
      body TEXT NOT NULL, created_ms INTEGER NOT NULL, written_ms INTEGER NOT NULL,
      due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, dead INTEGER NOT NULL,
      last_error TEXT NOT NULL, waited_ms INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX outbox_dead ON outbox (sequence) WHERE dead = 1;
    INSERT INTO outbox VALUES
      (3, 'c', 5, 'http://ue.example/c', 'AddressChangeNotification', '{}', 1, 2, 3, 4, 0, 'e', 6),
      (4, 'd', 6, 'http://ue.example/d', 'ApplicationLocationAvailabilityNotification', '[]',
       7, 8, 9, 10, 1, 'f', 11);
    CREATE TABLE removed_rows (app_d_id TEXT NOT NULL, ue TEXT NOT NULL,
      version INTEGER NOT NULL, PRIMARY KEY (app_d_id, ue)) WITHOUT ROWID;
    ALTER TABLE table_versions DROP COLUMN by_whom;
    UPDATE meta SET value = '6' WHERE name = 'schema';
  )");
  auto store = files.open().value();
  const auto living = store->notifications(0, 10).value();
  REQUIRE(living.size() == 1);
  CHECK(living[0].sequence == 3);
  CHECK(living[0].topic == notifier::Topic::kInstances);
  CHECK(living[0].waited_ms == 6);
  CHECK(living[0].last_error == "e");
  REQUIRE(apply(*store, [](StoreTransaction& tx) -> Result<void> {
            const auto dead = tx.find_notification("d", notifier::Topic::kLocations).value();
            REQUIRE(dead);
            CHECK(dead->dead);
            CHECK(dead->attempts == 10);
            CHECK(dead->body == "[]");
            return tx.put_notification(entry_of("d"));
          }).ok());
  CHECK(store->outbox(true, "", 10)->dead == 1);
  CHECK(store->notifications(0, 10)->size() == 2);
}

// As a release that marked removals while a rewrite was under way left it: removed at version 4.
TEST_CASE("history: a file of schema 7 is taken over with the removals during a rewrite",
          "[store][history]") {
  StoreInDir files;
  change_empty(files, R"(
    CREATE TABLE removed_rows (app_d_id TEXT NOT NULL, ue TEXT NOT NULL,
      version INTEGER NOT NULL, PRIMARY KEY (app_d_id, ue)) WITHOUT ROWID;
    ALTER TABLE table_versions DROP COLUMN by_whom;
    INSERT INTO table_versions VALUES (3, 1, '', 0, 0, 0), (4, 0, '', 2, 0, 1);
    INSERT INTO rows_before VALUES (4, 'a', 'dev:x', 'host:north', 1, '', 2, 0),
      (4, 'a', 'dev:y', 'host:north', 1, '', 2, 0);
    INSERT INTO removed_rows VALUES ('a', 'dev:x', 4);
    UPDATE meta SET value = '7' WHERE name = 'schema';
  )");
  auto store = files.open().value();
  const auto has_had_its_turn = [&](const std::string& ue) {
    bool found = false;
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              found = tx.has_row_before(3, UeSelector::parse(ue).value(), "a").value();
              return {};
            }).ok());
    return found;
  };
  CHECK(has_had_its_turn("dev:x"));
  CHECK(has_had_its_turn("dev:y"));  // changed at version 4, and removed later by this release
  CHECK_FALSE(has_had_its_turn("dev:z"));
  const auto back = store->changes_back_to(2).value();
  REQUIRE(back.size() == 2);
  for (const auto& change : back) CHECK(change.row.version == 2);
}

TEST_CASE(
    "history: a file of schema 8 is taken over, and nobody is known to have made its versions",
    "[store][history]") {
  StoreInDir files;
  change_empty(files, R"(
    ALTER TABLE table_versions DROP COLUMN by_whom;
    INSERT INTO table_versions VALUES (3, 0, 'first content', 2, 0, 1);
    UPDATE meta SET value = '8' WHERE name = 'schema';
  )");
  auto store = files.open().value();
  const auto versions = store->table_versions("", 10).value();
  REQUIRE(versions.items.size() == 1);
  CHECK(versions.items[0].summary == "first content");
  CHECK(versions.items[0].by.empty());
}

// What the program before the outbox wrote: its one migration, as it was released.
constexpr const char* kFirstSchema = R"(
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE apps (app_d_id TEXT PRIMARY KEY, document TEXT NOT NULL);
  CREATE TABLE hosts (host_id TEXT PRIMARY KEY, document TEXT NOT NULL);
  CREATE TABLE associations (app_d_id TEXT NOT NULL, ue TEXT NOT NULL, targets TEXT NOT NULL,
    writer INTEGER NOT NULL, reason TEXT NOT NULL, version INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, PRIMARY KEY (app_d_id, ue)) WITHOUT ROWID;
  CREATE TABLE contexts (context_id TEXT PRIMARY KEY, revision INTEGER NOT NULL,
    app_d_id TEXT NOT NULL, dev_app_id TEXT NOT NULL, subject TEXT NOT NULL,
    client_ip TEXT NOT NULL, host_id TEXT NOT NULL, reference_uri TEXT NOT NULL,
    ue TEXT NOT NULL, legacy INTEGER NOT NULL, has_callback INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('table_version', '7');
  INSERT INTO meta VALUES ('schema', '1');
  INSERT INTO contexts VALUES ('00000000000000000000000000000001', 3, 'a', 'ue', '', '10.0.0.1',
    'north', 'http://north.example/a', '*', 0, 1, 5, '{"contextId":"1"}');
  INSERT INTO associations VALUES ('a', '*', 'host:north', 0, '', 7, 5);
)";

TEST_CASE("outbox: a file of schema 1 is taken over with all it has", "[store][outbox]") {
  StoreInDir files;
  {
    SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(kFirstSchema);
  }
  for (int opened = 0; opened < 2; ++opened) {  // the second time there is nothing to migrate
    auto store = files.open().value();
    const auto loaded = test::load(*store).value();
    CHECK(loaded.table_version == 7);
    CHECK(loaded.contexts == 1);
    CHECK(loaded.rows == std::vector<std::string>{"* host:north"});
    CHECK(store->notifications(0, 10)->size() == static_cast<std::size_t>(opened));
    REQUIRE(apply(*store, [](StoreTransaction& tx) {
              return tx.put_notification(entry_of("00000000000000000000000000000001", 4));
            }).ok());
    CHECK(store->notifications(0, 10)->size() == 1);
  }
}

TEST_CASE("outbox: a program that must not migrate refuses a file of schema 1", "[store][outbox]") {
  StoreInDir files;
  {
    SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(kFirstSchema);
  }
  files.options.beside_orchestrator = true;
  const auto opened = files.open();
  REQUIRE_FALSE(opened.ok());
  CHECK_THAT(opened.error().detail, test::ContainsSubstring("an older release"));
}

}  // namespace
}  // namespace mx2
