// The table's past in the store: whoever goes back reads all of it or is told that it is gone, also
// while it is made shorter; and what nobody can go back to takes no room.
#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::apply;
using test::sample_row;
using test::StoreInDir;

constexpr std::size_t kRowsOfVersion = 600;

Association history_row(std::size_t i, std::uint64_t version) {
  auto row = sample_row("dev:ue-" + std::to_string(i), "a", {"host:north"}).row;
  row.version = version;
  return row;
}

// A version that puts all rows anew.
void put_rows(Store& store, std::uint64_t number, bool finished = true) {
  REQUIRE(apply(store, [&](StoreTransaction& tx) -> Result<void> {
            for (std::size_t i = 0; i < kRowsOfVersion; ++i) {
              const auto row = history_row(i, number);
              const auto before = tx.find_row(row.ue, "a").value();
              if (auto kept = tx.put_row_before(number, row.ue, "a", before); !kept) return kept;
              if (auto put = tx.put_row(row); !put) return put;
            }
            TableVersion version;
            version.version = number;
            version.rows = kRowsOfVersion;
            version.finished = finished;
            return tx.put_table_version(version);
          }).ok());
}

bool shorten(Store& store) {
  bool more = false;
  REQUIRE(apply(store, [&](StoreTransaction& tx) -> Result<void> {
            more = tx.shorten_history().value();
            return {};
          }).ok());
  return more;
}

std::int64_t rows_in(const StoreInDir& files, const std::string& from) {
  const SQLite::Database database(files.options.path, SQLite::OPEN_READONLY);
  SQLite::Statement query(database, "SELECT COUNT(*) FROM " + from);
  query.executeStep();
  return query.getColumn(0).getInt64();
}

TEST_CASE("history: what differs between two versions, page by page", "[store][history]") {
  StoreInDir files;
  const auto store = files.open().value();
  for (std::uint64_t version = 1; version <= 3; ++version) put_rows(*store, version);
  // At version 4 a few lead elsewhere, one of them back again at version 5, and one goes.
  const auto change = [&](std::uint64_t version, std::size_t i, const char* target) {
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              auto row = sample_row("dev:ue-" + std::to_string(i), "a", {target}).row;
              row.version = version;
              const auto before = tx.find_row(row.ue, "a").value();
              if (auto kept = tx.put_row_before(version, row.ue, "a", before); !kept) return kept;
              TableVersion about;
              about.version = version;
              about.by = "somebody";
              if (auto put = tx.put_table_version(about); !put) return put;
              return tx.put_row(row);
            }).ok());
  };
  for (std::size_t i = 0; i < 5; ++i) change(4, i, "host:south");
  change(5, 3, "host:north");
  change(6, 4, "host:cloud");
  REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
            const auto ue = UeSelector::parse("dev:ue-0").value();
            const auto before = tx.find_row(ue, "a").value();
            if (auto kept = tx.put_row_before(6, ue, "a", before); !kept) return kept;
            return tx.delete_row(ue, "a");
          }).ok());
  CHECK(store->table_versions("", 1)->items[0].by == "somebody");

  std::vector<std::string> told;
  std::string cursor;
  std::size_t pages = 0;
  do {
    const auto page = store->table_differences(3, 6, cursor, 2).value();
    for (const auto& row : page.items) {
      REQUIRE(row.before);
      told.push_back(row.ue.text() + " " + row.before->targets[0].value + " " +
                     (row.after ? row.after->targets[0].value : "-"));
    }
    cursor = page.next;
    ++pages;
  } while (!cursor.empty());
  CHECK(told == std::vector<std::string>{"dev:ue-0 north -", "dev:ue-1 north south",
                                         "dev:ue-2 north south", "dev:ue-4 north cloud"});
  CHECK(pages == 3);
  const auto past = store->table_differences(3, 4, "", 10).value();  // changed again since
  REQUIRE(past.items.size() == 5);
  CHECK(past.items[3].after->targets[0].value == "south");
  CHECK(store->table_differences(0, 6, "", 1000)->items.size() == kRowsOfVersion - 1);
}

TEST_CASE("contexts and rows: a page looks at no more than it may", "[store]") {
  StoreInDir files;
  const auto store = files.open().value();
  put_rows(*store, 1);
  REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
            for (std::size_t i = 0; i < 100; ++i) {
              ContextRecord context;
              context.context_id =
                  std::string(29, '0') + std::to_string(10 + i % 90) + (i < 90 ? "0" : "1");
              context.host_id = i % 50 == 7 ? "north" : "south";
              context.document = "{}";
              if (auto put = tx.insert_context(context); !put) return put;
            }
            return {};
          }).ok());
  std::size_t found = 0;
  std::size_t pages = 0;
  std::string cursor;
  do {
    const auto page = store->contexts({"", "", "north", 30}, cursor, 10).value();
    found += page.items.size();
    cursor = page.next;
    ++pages;
  } while (!cursor.empty());
  CHECK(found == 2);
  CHECK(pages == 4);
  CHECK(store->rows_of_host("north", Writer::kOperator, "", 10)->items.size() == 10);
  CHECK(store->rows_of_host("north", Writer::kOptimizer, "", 10)->items.empty());
  CHECK(store->rows_of_host("nort", Writer::kOperator, "", 1000)->items.empty());
  CHECK(store->rows("a", "dev:ue-7", "", 10)->items.size() == 1);
}

TEST_CASE("history: going back finds all rows or none, however much has been forgotten",
          "[store][history]") {
  StoreInDir files;
  files.options.history.versions_max = 2;
  const auto store = files.open().value();
  for (std::uint64_t version = 1; version <= 4; ++version) put_rows(*store, version);
  std::size_t steps = 0;
  do {
    for (std::uint64_t version = 0; version < 4; ++version) {
      CAPTURE(steps, version);
      const auto changes = store->changes_back_to(version);
      if (!changes) {
        CHECK(changes.error().code == ErrorCode::kGone);
        CHECK(version < 2);
        continue;
      }
      CHECK(changes->size() == kRowsOfVersion);
      for (const auto& change : *changes) CHECK(change.row.version == version);
    }
    ++steps;
  } while (shorten(*store));
  CHECK(steps > 2 * kRowsOfVersion / 256);  // bit by bit
  CHECK(rows_in(files, "table_versions") == 2);
  CHECK(rows_in(files, "rows_before") == 2 * kRowsOfVersion);
  CHECK(store->changes_back_to(2)->size() == kRowsOfVersion);
}

TEST_CASE("history: a stop in the middle of forgetting is made good by the next start",
          "[store][history]") {
  StoreInDir files;
  files.options.history.versions_max = 1;
  auto store = files.open().value();
  for (std::uint64_t version = 1; version <= 3; ++version) put_rows(*store, version);
  CHECK(shorten(*store));
  CHECK(shorten(*store));
  store.reset();
  store = files.open().value();
  CHECK(store->changes_back_to(0).error().code == ErrorCode::kGone);
  while (shorten(*store)) {
  }
  CHECK(rows_in(files, "rows_before") == kRowsOfVersion);
}

TEST_CASE("history: a rewrite that is under way is not forgotten, nor what came after it",
          "[store][history]") {
  StoreInDir files;
  files.options.history.versions_max = 1;
  const auto store = files.open().value();
  put_rows(*store, 1, false);
  put_rows(*store, 2);
  CHECK_FALSE(shorten(*store));
  CHECK(store->changes_back_to(0)->size() == kRowsOfVersion);
}

TEST_CASE("history: whether a version has had its turn at a row is known while it is kept",
          "[store][history]") {
  StoreInDir files;
  files.options.history.versions_max = 1;
  const auto store = files.open().value();
  const auto has = [&](std::size_t i, std::uint64_t version) {
    bool found = false;
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              found = tx.has_row_before(version, history_row(i, 0).ue, "a").value();
              return {};
            }).ok());
    return found;
  };
  CHECK_FALSE(has(1, 1));
  put_rows(*store, 1, false);
  CHECK(has(1, 1));
  CHECK_FALSE(has(1, 2));
  CHECK_FALSE(has(kRowsOfVersion, 1));
  put_rows(*store, 2);
  CHECK_FALSE(shorten(*store));
  CHECK(has(1, 1));
  put_rows(*store, 1);  // finished
  while (shorten(*store)) {
  }
  CHECK_FALSE(has(1, 1));
  CHECK(has(1, 2));
}

}  // namespace
}  // namespace mx2
