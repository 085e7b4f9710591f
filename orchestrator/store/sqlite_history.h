// The table's past: what writes and reads it. Private to orchestrator/store.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <vector>

#include "orchestrator/store/store.h"

namespace mx2 {

namespace sqlite {

// The writer thread's; see SqliteTransaction.
struct HistoryStatements {
  explicit HistoryStatements(SQLite::Database& database);

  SQLite::Statement put_version;
  SQLite::Statement put_before;
  SQLite::Statement find_before;
  SQLite::Statement measure;
  SQLite::Statement forget_before;
  SQLite::Statement delete_version;
};

[[nodiscard]] Result<Page<TableVersion>> table_versions(SQLite::Database& db,
                                                        const std::string& cursor,
                                                        std::size_t limit);
[[nodiscard]] Result<std::vector<TableChange>> changes_back_to(SQLite::Database& db,
                                                               std::uint64_t version,
                                                               SetAside& aside);
[[nodiscard]] Result<Page<TableDifference>> table_differences(SQLite::Database& db,
                                                              std::uint64_t from, std::uint64_t to,
                                                              const std::string& cursor,
                                                              std::size_t limit, SetAside& aside);
void load_rewrite(SQLite::Database& db, Store::Loaded& loaded);

}  // namespace sqlite
}  // namespace mx2
