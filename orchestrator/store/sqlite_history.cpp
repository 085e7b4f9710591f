#include "orchestrator/store/sqlite_history.h"

#include <limits>
#include <set>

#include "api/base/text.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2::sqlite {
namespace {

constexpr std::int64_t kForgottenAtOnce = 256;
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

}  // namespace

// A row that did not exist before has no targets in rows_before.
History::History(SQLite::Database& db, const HistoryOptions& options)
    : options_(options),
      put_version_(db,
                   "INSERT INTO table_versions VALUES ($1,$2,$3,$4,$5,$6) "
                   "ON CONFLICT (version) DO UPDATE SET rows = excluded.rows, "
                   "finished = excluded.finished"),
      put_before_(db,
                  "INSERT INTO rows_before VALUES ($1,$2,$3,$4,$5,$6,$7,$8) "
                  "ON CONFLICT (made_by, app_d_id, ue) DO NOTHING"),
      measure_(db, "SELECT COUNT(*), SUM(rows) FROM table_versions"),
      oldest_(db, "SELECT version, finished FROM table_versions ORDER BY version LIMIT 1"),
      delete_before_(db,
                     "DELETE FROM rows_before WHERE made_by = $1 AND (app_d_id, ue) IN "
                     "(SELECT app_d_id, ue FROM rows_before WHERE made_by = $1 "
                     "ORDER BY app_d_id, ue LIMIT $2)"),
      count_before_(db, "SELECT 1 FROM rows_before WHERE made_by = $1 LIMIT 1"),
      delete_version_(db, "DELETE FROM table_versions WHERE version = $1"),
      put_piece_(db, "INSERT INTO rewrite_pieces VALUES ($1, $2)"),
      delete_piece_(db, "DELETE FROM rewrite_pieces WHERE piece = $1") {}

void History::put_version(const TableVersion& v) {
  write(put_version_, static_cast<std::int64_t>(v.version), static_cast<std::int64_t>(v.kind),
        v.summary, static_cast<std::int64_t>(v.rows), v.created_ms, std::int64_t{v.finished});
}

void History::put_row_before(std::uint64_t version, const UeSelector& ue,
                             const std::string& app_d_id,
                             const std::optional<Association>& before) {
  static const Association kAbsent;
  const auto& row = before ? *before : kAbsent;
  write(put_before_, static_cast<std::int64_t>(version), app_d_id, ue.text(),
        join_targets(row.targets), static_cast<std::int64_t>(row.writer), row.reason,
        static_cast<std::int64_t>(row.version), row.updated_ms);
}

bool History::too_long() {
  const Reset reset(measure_);
  measure_.executeStep();
  const auto versions = static_cast<std::size_t>(measure_.getColumn(0).getInt64());
  const auto rows = static_cast<std::size_t>(measure_.getColumn(1).getInt64());
  return versions > 1 && (versions > options_.versions_max || rows > options_.rows_max);
}

bool History::shorten() {
  if (!too_long()) return false;
  std::int64_t version = 0;
  {
    const Reset reset(oldest_);
    oldest_.executeStep();
    version = oldest_.getColumn(0).getInt64();
    if (oldest_.getColumn(1).getInt() == 0) return false;
  }
  write(delete_before_, version, kForgottenAtOnce);
  bool some_left = false;
  {
    const Reset reset(count_before_);
    bind_all(count_before_, version);
    some_left = count_before_.executeStep();
  }
  if (!some_left) write(delete_version_, version);
  return true;
}

void History::put_piece(std::size_t piece, const std::string& document) {
  write(put_piece_, static_cast<std::int64_t>(piece), document);
}

void History::delete_piece(std::size_t piece) {
  write(delete_piece_, static_cast<std::int64_t>(piece));
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

Result<std::vector<TableChange>> changes_back_to(SQLite::Database& db, std::uint64_t version) {
  const auto oldest = oldest_version(db);
  if (!oldest || version + 1 < *oldest) {
    return gone("the history of the table does not reach back to version " +
                std::to_string(version));
  }
  SQLite::Statement query(db, std::string("SELECT ") + kRowColumns +
                                  " FROM rows_before WHERE made_by > $1 ORDER BY made_by");
  bind_all(query, static_cast<std::int64_t>(version));
  std::vector<TableChange> changes;
  std::set<std::pair<std::string, std::string>> seen;
  while (query.executeStep()) {
    // The oldest is what the row was at that version.
    if (!seen.emplace(query.getColumn(0).getString(), query.getColumn(1).getString()).second) {
      continue;
    }
    auto row = read_row(query);
    if (!row) return row.error();
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
