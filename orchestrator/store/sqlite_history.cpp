#include "orchestrator/store/sqlite_history.h"

#include <SQLiteCpp/Transaction.h>

#include <limits>
#include <set>

#include "api/base/text.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2::sqlite {
namespace {

constexpr std::int64_t kForgottenAtOnce = 256;
constexpr int kRowColumnCount = 7;  // of kRowColumns
constexpr const char* kVersionColumns = "version, kind, summary, rows, created_ms, finished";

template <typename... Values>
void write(SQLite::Statement& statement, const Values&... values) {
  const Reset reset(statement);
  bind_all(statement, values...);
  statement.exec();
}

TableVersion read_version(SQLite::Statement& row) {
  TableVersion version;
  version.version = static_cast<std::uint64_t>(row.getColumn(0).getInt64());
  version.kind = static_cast<TableVersion::Kind>(row.getColumn(1).getInt());
  version.summary = row.getColumn(2).getString();
  version.rows = static_cast<std::size_t>(row.getColumn(3).getInt64());
  version.created_ms = row.getColumn(4).getInt64();
  version.finished = row.getColumn(5).getInt() != 0;
  return version;
}

std::optional<std::uint64_t> oldest_version(SQLite::Database& db) {
  SQLite::Statement query(db, "SELECT version FROM table_versions ORDER BY version LIMIT 1");
  if (!query.executeStep()) return std::nullopt;
  return static_cast<std::uint64_t>(query.getColumn(0).getInt64());
}

void set_past_aside(SetAside& aside, const std::string& version, SQLite::Statement& row, int first,
                    const Error& error) {
  const auto id = row_id(row.getColumn(first).getString(), row.getColumn(first + 1).getString());
  aside.add("pastRow", id + " before version " + version, error.detail);
}

// In rows_before, a row that was not there has no targets.
const Association& as_kept(const std::optional<Association>& before) {
  static const Association kAbsent;
  return before ? *before : kAbsent;
}

}  // namespace

// Rows in rows_before of versions that are not in table_versions are forgotten, and go bit by bit.
History::History(SQLite::Database& db, const HistoryOptions& options, SetAside& aside)
    : options_(options),
      aside_(aside),
      put_version_(db,
                   "INSERT INTO table_versions VALUES ($1,$2,$3,$4,$5,$6) "
                   "ON CONFLICT (version) DO UPDATE SET rows = excluded.rows, "
                   "finished = excluded.finished"),
      put_before_(db,
                  "INSERT INTO rows_before VALUES ($1,$2,$3,$4,$5,$6,$7,$8) "
                  "ON CONFLICT (made_by, app_d_id, ue) DO NOTHING"),
      replace_before_(db,
                      "UPDATE rows_before SET targets = $1, writer = $2, reason = $3, "
                      "version = $4, updated_ms = $5 "
                      "WHERE made_by = $6 AND app_d_id = $7 AND ue = $8"),
      // By versions, of which there are few: a row may be one of very many.
      first_after_(db, std::string("SELECT made_by, ") + kRowColumns +
                           " FROM (SELECT version AS later FROM table_versions "
                           "WHERE version > $1 ORDER BY version) AS versions "
                           "CROSS JOIN rows_before WHERE made_by = later "
                           "AND app_d_id = $2 AND ue = $3 ORDER BY later LIMIT 1"),
      mark_removed_(db,
                    "INSERT INTO removed_rows SELECT $1, $2, $3 "
                    "WHERE EXISTS (SELECT 1 FROM table_versions WHERE finished = 0) AND NOT EXISTS "
                    "(SELECT 1 FROM table_versions WHERE version = $3 AND finished = 0) "
                    "ON CONFLICT (app_d_id, ue) DO UPDATE SET version = excluded.version"),
      removed_at_(db, "SELECT version FROM removed_rows WHERE app_d_id = $1 AND ue = $2"),
      measure_(db, "SELECT COUNT(*), SUM(rows) FROM table_versions"),
      oldest_(db, "SELECT version, finished FROM table_versions ORDER BY version LIMIT 1"),
      forget_before_(
          db,
          "DELETE FROM rows_before WHERE made_by = (SELECT MIN(made_by) FROM rows_before) "
          "AND made_by < (SELECT MIN(version) FROM table_versions) "
          "AND (app_d_id, ue) <= (SELECT app_d_id, ue FROM "
          "(SELECT app_d_id, ue FROM rows_before WHERE made_by = "
          "(SELECT MIN(made_by) FROM rows_before) ORDER BY app_d_id, ue LIMIT $1) "
          "AS first ORDER BY app_d_id DESC, ue DESC LIMIT 1)"),
      forget_removed_(db,
                      "DELETE FROM removed_rows WHERE (app_d_id, ue) IN "
                      "(SELECT app_d_id, ue FROM removed_rows "
                      "WHERE NOT EXISTS (SELECT 1 FROM table_versions WHERE finished = 0) "
                      "LIMIT $1)"),
      delete_version_(db, "DELETE FROM table_versions WHERE version = $1") {}

void History::put_version(const TableVersion& v) {
  write(put_version_, static_cast<std::int64_t>(v.version), static_cast<std::int64_t>(v.kind),
        v.summary, static_cast<std::int64_t>(v.rows), v.created_ms, std::int64_t{v.finished});
}

void History::put_row_before(std::uint64_t version, const UeSelector& ue,
                             const std::string& app_d_id,
                             const std::optional<Association>& before) {
  const auto& row = as_kept(before);
  write(put_before_, static_cast<std::int64_t>(version), app_d_id, ue.text(),
        join_targets(row.targets), static_cast<std::int64_t>(row.writer), row.reason,
        static_cast<std::int64_t>(row.version), row.updated_ms);
}

void History::replace_row_before(std::uint64_t version, const UeSelector& ue,
                                 const std::string& app_d_id,
                                 const std::optional<Association>& before) {
  const auto& row = as_kept(before);
  write(replace_before_, join_targets(row.targets), static_cast<std::int64_t>(row.writer),
        row.reason, static_cast<std::int64_t>(row.version), row.updated_ms,
        static_cast<std::int64_t>(version), app_d_id, ue.text());
}

bool History::too_long() {
  const Reset reset(measure_);
  measure_.executeStep();
  const auto versions = static_cast<std::size_t>(measure_.getColumn(0).getInt64());
  const auto rows = static_cast<std::size_t>(measure_.getColumn(1).getInt64());
  return versions > 1 && (versions > options_.versions_max || rows > options_.rows_max);
}

// The version first: whoever goes back sees all of it or none. Its rows are nobody's then.
bool History::shorten() {
  if (forget(forget_before_) > 0 || forget(forget_removed_) > 0) return true;
  if (!too_long()) return false;
  std::int64_t version = 0;
  {
    const Reset reset(oldest_);
    oldest_.executeStep();
    version = oldest_.getColumn(0).getInt64();
    if (oldest_.getColumn(1).getInt() == 0) return false;
  }
  write(delete_version_, version);
  return true;
}

int History::forget(SQLite::Statement& some) {
  const Reset reset(some);
  bind_all(some, kForgottenAtOnce);
  return some.exec();
}

void History::mark_removed(std::uint64_t version, const UeSelector& ue,
                           const std::string& app_d_id) {
  write(mark_removed_, app_d_id, ue.text(), static_cast<std::int64_t>(version));
}

std::uint64_t History::removed_at(const UeSelector& ue, const std::string& app_d_id) {
  const Reset reset(removed_at_);
  const auto selector = ue.text();
  bind_all(removed_at_, app_d_id, selector);
  if (!removed_at_.executeStep()) return 0;
  return static_cast<std::uint64_t>(removed_at_.getColumn(0).getInt64());
}

std::optional<RowChange> History::first_change_after(std::uint64_t version, const UeSelector& ue,
                                                     const std::string& app_d_id) {
  const Reset reset(first_after_);
  const auto selector = ue.text();
  bind_all(first_after_, static_cast<std::int64_t>(version), app_d_id, selector);
  std::optional<RowChange> found;
  if (!first_after_.executeStep()) return found;
  auto row = read_row(first_after_, 1);
  if (!row) {
    set_past_aside(aside_, first_after_.getColumn(0).getString(), first_after_, 1, row.error());
    return found;
  }
  found.emplace().version = static_cast<std::uint64_t>(first_after_.getColumn(0).getInt64());
  if (!row->targets.empty()) found->before = std::move(*row);
  return found;
}

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
  bind_all(query, before, static_cast<std::int64_t>(limit + 1));
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
  bind_all(query, static_cast<std::int64_t>(version));
  std::vector<TableChange> changes;
  std::set<std::pair<std::string, std::string>> seen;
  while (query.executeStep()) {
    // The oldest is what the row was at that version.
    if (!seen.emplace(query.getColumn(0).getString(), query.getColumn(1).getString()).second) {
      continue;
    }
    auto row = read_row(query);
    if (!row) {
      set_past_aside(aside, query.getColumn(kRowColumnCount).getString(), query, 0, row.error());
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
    loaded.rewrite_pieces[static_cast<std::size_t>(pieces.getColumn(0).getInt64())] =
        pieces.getColumn(1).getString();
  }
}

}  // namespace mx2::sqlite
