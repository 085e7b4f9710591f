#include "orchestrator/store/sqlite_history.h"

#include <SQLiteCpp/Transaction.h>

#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "api/base/text.h"
#include "orchestrator/store/sqlite_statements.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2 {
namespace sqlite {
namespace {

constexpr int kRowColumnCount = 7;  // of kRowColumns
constexpr const char* kVersionColumns =
    "version, kind, summary, rows, created_ms, finished, by_whom";

TableVersion read_version(SQLite::Statement& row) {
  TableVersion v;
  read_columns(row, v.version, v.kind, v.summary, v.rows, v.created_ms, v.finished, v.by);
  return v;
}

std::optional<std::uint64_t> oldest_version(SQLite::Database& db) {
  SQLite::Statement query(db, "SELECT version FROM table_versions ORDER BY version LIMIT 1");
  if (!query.executeStep()) return std::nullopt;
  return static_cast<std::uint64_t>(query.getColumn(0).getInt64());
}

Result<void> check_kept(SQLite::Database& db, std::uint64_t version) {
  const auto oldest = oldest_version(db);
  if (oldest && version + 1 >= *oldest) return {};
  return gone("the history of the table does not reach back to version " + std::to_string(version));
}

// What was changed between two versions, as it was and as it became: of the first rows after a
// cursor, so many.
class Differences {
 public:
  using Key = std::pair<std::string, std::string>;  // appDId, selector

  Differences(SetAside& aside, Key after, std::size_t most)
      : aside_(aside), after_(std::move(after)), most_(most) {}

  // Rows of rows_before in the order in which they were changed.
  void take_before(SQLite::Statement& query) {
    auto key = key_of(query);
    if (key <= after_ || (rows_.size() == most_ && key > rows_.rbegin()->first)) return;
    const auto [it, fresh] = rows_.try_emplace(std::move(key));
    if (!fresh) return;
    it->second.before = past_row(query);
    if (rows_.size() > most_) rows_.erase(std::prev(rows_.end()));
  }
  // The same of later versions: what a row was before the first of them.
  void take_after(SQLite::Statement& query) {
    const auto it = rows_.find(key_of(query));
    if (it == rows_.end() || it->second.after) return;
    it->second.after = past_row(query);
  }
  // Those that no later version has changed are as they are now.
  void take_present(SQLite::Statement& find) {
    for (auto& [key, row] : rows_) {
      if (row.after) continue;
      const Reset reset(find);
      bind_all(find, key.first, key.second);
      row.after = find.executeStep() ? past_row(find) : Past();
    }
  }
  // Of all but the last, if there are so many; the first of these is what comes after them.
  [[nodiscard]] Page<TableDifference> page() const {
    Page<TableDifference> page;
    std::size_t left = most_ - 1;
    const Key* last = nullptr;
    for (const auto& [key, row] : rows_) {
      if (left-- == 0) {
        page.next = last->first + "\n" + last->second;
        break;
      }
      last = &key;
      add(key, row, page.items);
    }
    return page;
  }

 private:
  struct Past {
    bool unreadable = false;
    std::optional<Association> row;
  };
  struct Row {
    Past before;
    std::optional<Past> after;
  };

  static Key key_of(SQLite::Statement& query) {
    return {query.getColumn(0).getString(), query.getColumn(1).getString()};
  }
  // A row that was not there has no targets.
  Past past_row(SQLite::Statement& query) {
    auto row = read_row(query);
    if (!row) {
      aside_.add("pastRow", row_id(query.getColumn(0).getString(), query.getColumn(1).getString()),
                 row.error().detail);
      return {true, {}};
    }
    Past past;
    if (!row->targets.empty()) past.row = std::move(*row);
    return past;
  }
  static bool same(const std::optional<Association>& a, const std::optional<Association>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->targets == b->targets && a->writer == b->writer && a->reason == b->reason;
  }
  static void add(const Key& key, const Row& row, std::vector<TableDifference>& out) {
    const bool readable = !row.before.unreadable && !row.after->unreadable;
    const auto selector = UeSelector::parse(key.second);
    if (!readable || !selector || same(row.before.row, row.after->row)) return;
    out.push_back({*selector, key.first, row.before.row, row.after->row});
  }

  SetAside& aside_;
  const Key after_;
  const std::size_t most_;
  std::map<Key, Row> rows_;
};

}  // namespace

// Rows in rows_before of versions that are not in table_versions are forgotten, and go bit by bit.
HistoryStatements::HistoryStatements(SQLite::Database& db)
    : put_version(db,
                  "INSERT INTO table_versions VALUES ($1,$2,$3,$4,$5,$6,$7) "
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
  if (auto kept = check_kept(db, version); !kept) return kept.error();
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

Result<Page<TableDifference>> table_differences(SQLite::Database& db, std::uint64_t from,
                                                std::uint64_t to, const std::string& cursor,
                                                std::size_t limit, SetAside& aside) {
  const auto newline = cursor.find('\n');
  if (!cursor.empty() && newline == std::string::npos) return invalid_argument("bad cursor");
  Differences::Key after;
  if (!cursor.empty()) after = {cursor.substr(0, newline), cursor.substr(newline + 1)};
  const SQLite::Transaction one_past(db);
  if (auto kept = check_kept(db, from); !kept) return kept.error();
  Differences differences(aside, std::move(after), limit + 1);
  const auto changed =
      std::string("SELECT ") + kRowColumns + " FROM rows_before WHERE made_by > $1";
  SQLite::Statement between(db, changed + " AND made_by <= $2 ORDER BY made_by");
  bind_all(between, from, to);
  while (between.executeStep()) differences.take_before(between);
  SQLite::Statement later(db, changed + " ORDER BY made_by");
  bind_all(later, to);
  while (later.executeStep()) differences.take_after(later);
  SQLite::Statement present(db, std::string("SELECT ") + kRowColumns +
                                    " FROM associations WHERE app_d_id = $1 AND ue = $2");
  differences.take_present(present);
  return differences.page();
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
  return write(history_.put_version, v.version, v.kind, v.summary, v.rows, v.created_ms, v.finished,
               v.by);
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
