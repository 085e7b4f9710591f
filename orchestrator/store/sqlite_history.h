// The table's past: what writes and reads it. Private to orchestrator/store.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <vector>

#include "orchestrator/store/store.h"

namespace mx2 {

namespace sqlite {

// The writer thread's statements; see StoreTransaction. They throw SQLite::Exception.
class History {
 public:
  History(SQLite::Database& database, const HistoryOptions& options, SetAside& aside);

  void put_version(const TableVersion& version);
  void put_row_before(std::uint64_t version, const UeSelector& ue, const std::string& app_d_id,
                      const std::optional<Association>& before);
  void replace_row_before(std::uint64_t version, const UeSelector& ue, const std::string& app_d_id,
                          const std::optional<Association>& before);
  [[nodiscard]] std::optional<RowChange> first_change_after(std::uint64_t version,
                                                            const UeSelector& ue,
                                                            const std::string& app_d_id);
  void mark_removed(std::uint64_t version, const UeSelector& ue, const std::string& app_d_id);
  [[nodiscard]] std::uint64_t removed_at(const UeSelector& ue, const std::string& app_d_id);
  bool shorten();

 private:
  [[nodiscard]] bool too_long();
  [[nodiscard]] int forget(SQLite::Statement& some);

  const HistoryOptions options_;
  SetAside& aside_;
  SQLite::Statement put_version_;
  SQLite::Statement put_before_;
  SQLite::Statement replace_before_;
  SQLite::Statement first_after_;
  SQLite::Statement mark_removed_;
  SQLite::Statement removed_at_;
  SQLite::Statement measure_;
  SQLite::Statement oldest_;
  SQLite::Statement forget_before_;
  SQLite::Statement forget_removed_;
  SQLite::Statement delete_version_;
};

[[nodiscard]] Result<Page<TableVersion>> table_versions(SQLite::Database& db,
                                                        const std::string& cursor,
                                                        std::size_t limit);
[[nodiscard]] Result<std::vector<TableChange>> changes_back_to(SQLite::Database& db,
                                                               std::uint64_t version,
                                                               SetAside& aside);
void load_rewrite(SQLite::Database& db, Store::Loaded& loaded);

}  // namespace sqlite
}  // namespace mx2
