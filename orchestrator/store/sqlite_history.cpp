#include "orchestrator/store/sqlite_history.h"

#include <SQLiteCpp/Transaction.h>

#include <limits>
#include <set>

#include "api/base/text.h"
#include "orchestrator/store/sqlite_statements.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2 {
namespace sqlite {
namespace {

constexpr int kRowColumnCount = 7;  // of kRowColumns
constexpr const char* kVersionColumns = "version, kind, summary, rows, created_ms, finished";

TableVersion read_version(SQLite::Statement& row) {
  TableVersion v;
  read_columns(row, v.version, v.kind, v.summary, v.rows, v.created_ms, v.finished);
  return v;
}

std::optional<std::uint64_t> oldest_version(SQLite::Database& db) {
  SQLite::Statement query(db, "SELECT version FROM table_versions ORDER BY version LIMIT 1");
  if (!query.executeStep()) return std::nullopt;
  return static_cast<std::uint64_t>(query.getColumn(0).getInt64());
}

}  // namespace

// Rows in rows_before of versions that are not in table_versions are forgotten, and go bit by bit.
HistoryStatements::HistoryStatements(SQLite::Database& db)
    : put_version(db,
                  "INSERT INTO table_versions VALUES ($1,$2,$3,$4,$5,$6) "
                  "ON CONFLICT (version) DO UPDATE SET rows = excluded.rows, "
                  "finished = excluded.finished"),
      put_before(db,
                 "INSERT INTO rows_before VALUES ($1,$2,$3,$4,$5,$6,$7,$8) "
                 "ON CONFLICT (made_by, app_d_id, ue) DO NOTHING"),
      find_before(db, "SELECT 1 FROM rows_before WHERE made_by = $1 AND app_d_id = $2 AND ue = $3"),
      measure(db,
              "SELECT COUNT(*), SUM(rows), MIN(version), "
              "(SELECT finished FROM table_versions ORDER BY version LIMIT 1) FROM table_versions"),
      forget_before(
          db,
          "DELETE FROM rows_before WHERE made_by = (SELECT MIN(made_by) FROM rows_before) "
          "AND made_by < (SELECT MIN(version) FROM table_versions) "
          "AND (app_d_id, ue) <= (SELECT app_d_id, ue FROM "
          "(SELECT app_d_id, ue FROM rows_before WHERE made_by = "
          "(SELECT MIN(made_by) FROM rows_before) ORDER BY app_d_id, ue LIMIT $1) "
          "AS first ORDER BY app_d_id DESC, ue DESC LIMIT 1)"),
      delete_version(db, "DELETE FROM table_versions WHERE version = $1") {}

Result<Page<TableVersion>> table_versions(SQLite::Database& db, const std::string& cursor,
                                          std::size_t limit) {
  auto before = std::numeric_limits<std::int64_t>::max();
  if (!cursor.empty()) {
    const auto number = parse_uint(cursor);
    if (!number) return invalid_argument("bad cursor");
    before = static_cast<std::int64_t>(*number);
  }
  SQLite::Statement query(db, std::string("SELECT ") + kVersionColumns +
                                  " FROM table_versions WHERE version < $1 "
                                  "ORDER BY version DESC LIMIT $2");
  bind_all(query, before, limit + 1);
  Page<TableVersion> page;
  while (query.executeStep()) {
    if (page.items.size() == limit) {
      page.next = std::to_string(page.items.back().version);
      break;
    }
    page.items.push_back(read_version(query));
  }
  return page;
}

Result<std::vector<TableChange>> changes_back_to(SQLite::Database& db, std::uint64_t version,
                                                 SetAside& aside) {
  const SQLite::Transaction one_past(db);  // while it is written to, and shortened
  const auto oldest = oldest_version(db);
  if (!oldest || version + 1 < *oldest) {
    return gone("the history of the table does not reach back to version " +
                std::to_string(version));
  }
  SQLite::Statement query(db, std::string("SELECT ") + kRowColumns +
                                  ", made_by FROM rows_before WHERE made_by > $1 ORDER BY made_by");
  bind_all(query, version);
  std::vector<TableChange> changes;
  std::set<std::pair<std::string, std::string>> seen;
  while (query.executeStep()) {
    // The oldest is what the row was at that version.
    if (!seen.emplace(query.getColumn(0).getString(), query.getColumn(1).getString()).second) {
      continue;
    }
    auto row = read_row(query);
    if (!row) {
      aside.add("pastRow",
                row_id(query.getColumn(0).getString(), query.getColumn(1).getString()) +
                    " before version " + query.getColumn(kRowColumnCount).getString(),
                row.error().detail);
      continue;
    }
    const bool absent = row->targets.empty();
    changes.push_back({std::move(*row), absent});
  }
  return changes;
}

void load_rewrite(SQLite::Database& db, Store::Loaded& loaded) {
  SQLite::Statement version(
      db, std::string("SELECT ") + kVersionColumns + " FROM table_versions WHERE finished = 0");
  if (version.executeStep()) loaded.unfinished = read_version(version);
  SQLite::Statement pieces(db, "SELECT piece, document FROM rewrite_pieces ORDER BY piece");
  while (pieces.executeStep()) {
    std::size_t number = 0;
    std::string document;
    read_columns(pieces, number, document);
    loaded.rewrite_pieces[number] = std::move(document);
  }
}

}  // namespace sqlite

namespace {

constexpr std::int64_t kForgottenAtOnce = 256;

struct HistoryLength {
  std::size_t versions = 0;
  std::size_t rows = 0;
  std::int64_t oldest = 0;
  bool oldest_finished = false;
};

HistoryLength read_length(SQLite::Statement& row) {
  HistoryLength length;
  sqlite::read_columns(row, length.versions, length.rows, length.oldest, length.oldest_finished);
  return length;
}

}  // namespace

Result<void> SqliteTransaction::put_table_version(const TableVersion& v) {
  return write(history_.put_version, v.version, v.kind, v.summary, v.rows, v.created_ms,
               v.finished);
}

// A row that was not there has no targets.
Result<void> SqliteTransaction::put_row_before(std::uint64_t version, const UeSelector& ue,
                                               const std::string& app_d_id,
                                               const std::optional<Association>& before) {
  static const Association kAbsent;
  const auto& row = before ? *before : kAbsent;
  return write(history_.put_before, version, app_d_id, ue.text(), sqlite::join_targets(row.targets),
               row.writer, row.reason, row.version, row.updated_ms);
}

Result<bool> SqliteTransaction::has_row_before(std::uint64_t version, const UeSelector& ue,
                                               const std::string& app_d_id) {
  const auto found = find(
      history_.find_before, [](SQLite::Statement& /*row*/) { return true; }, version, app_d_id,
      ue.text());
  if (!found) return found.error();
  return found->has_value();
}

// The version first: whoever goes back sees all of it or none. Its rows are nobody's then.
Result<bool> SqliteTransaction::shorten_history() {
  if (auto forgot = write(history_.forget_before, kForgottenAtOnce); !forgot) {
    return forgot.error();
  }
  if (history_.forget_before.getChanges() > 0) return true;
  const auto found = find(history_.measure, read_length);
  if (!found) return found.error();
  const auto& length = **found;
  const bool too_long = length.versions > 1 && (length.versions > history_options_.versions_max ||
                                                length.rows > history_options_.rows_max);
  if (!too_long || !length.oldest_finished) return false;
  if (auto gone = write(history_.delete_version, length.oldest); !gone) return gone.error();
  return true;
}

}  // namespace mx2
