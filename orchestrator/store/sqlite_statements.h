// SQL of the store, in one place: the writes of a StoreTransaction and the reads. Private to
// orchestrator/store. SQL is kept to what PostgreSQL understands too, `WITHOUT ROWID` apart;
// SQLite counts $n by first appearance, so parameters first appear in ascending order.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "orchestrator/store/store.h"

namespace mx2 {

// What an SQLite failure means to a caller; `e` is what SQLiteCpp threw.
[[nodiscard]] Error storage_error(const SQLite::Exception& e);

// The writer thread's prepared statements.
class SqliteTransaction final : public StoreTransaction {
 public:
  explicit SqliteTransaction(SQLite::Database& database);

  Result<void> insert_context(const ContextRecord& context) override;
  Result<std::optional<ContextRecord>> find_context(const std::string& context_id) override;
  Result<void> update_context(const ContextRecord& context) override;
  Result<void> delete_context(const std::string& context_id) override;
  Result<void> put_app(const App& app) override;
  Result<void> delete_app(const std::string& app_d_id) override;
  Result<void> put_host(const Host& host) override;
  Result<void> delete_host(const std::string& id) override;
  Result<void> put_row(const Association& row) override;
  Result<void> delete_row(const UeSelector& ue, const std::string& app_d_id) override;
  Result<void> set_table_version(std::uint64_t version) override;

 private:
  SQLite::Statement insert_context_;
  SQLite::Statement find_context_;
  SQLite::Statement update_context_;
  SQLite::Statement delete_context_;
  SQLite::Statement put_app_;
  SQLite::Statement delete_app_;
  SQLite::Statement put_host_;
  SQLite::Statement delete_host_;
  SQLite::Statement put_row_;
  SQLite::Statement delete_row_;
  SQLite::Statement set_version_;
};

// Reads on a connection of their own. They throw SQLite::Exception; SqliteStore catches.
namespace sqlite {
[[nodiscard]] Page<ContextSummary> contexts(SQLite::Database& db, const ContextFilter& filter,
                                            const std::string& cursor, std::size_t limit);
[[nodiscard]] Result<Page<Association>> rows(SQLite::Database& db, const std::string& app_d_id,
                                             const std::string& ue, const std::string& cursor,
                                             std::size_t limit);
[[nodiscard]] Result<std::uint64_t> load(SQLite::Database& db, const Store::Loader& loader);
}  // namespace sqlite

}  // namespace mx2
