// The SQL of a StoreTransaction; reads outside of units of work are in sqlite_queries. Private to
// orchestrator/store. SQL is kept to what PostgreSQL understands too, `WITHOUT ROWID` apart;
// SQLite counts $n by first appearance, so parameters first appear in ascending order.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <deque>
#include <utility>

#include "orchestrator/store/sqlite_history.h"
#include "orchestrator/store/sqlite_values.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// The writer thread's prepared statements.
class SqliteTransaction final : public StoreTransaction {
 public:
  SqliteTransaction(SQLite::Database& database, const HistoryOptions& history, SetAside& aside);

  // Before the first put_notification(), outside of a transaction.
  Result<void> reserve_sequences(SQLite::Database& database);

  Result<void> insert_context(const ContextRecord& context) override;
  Result<std::optional<ContextRecord>> find_context(const std::string& context_id) override;
  Result<void> update_context(const ContextRecord& context) override;
  Result<void> delete_context(const std::string& context_id) override;
  Result<void> put_document(Stored kind, const std::string& id,
                            const std::string& document) override;
  Result<void> delete_document(Stored kind, const std::string& id) override;
  Result<void> put_row(const Association& row) override;
  Result<void> delete_row(const UeSelector& ue, const std::string& app_d_id) override;
  Result<std::optional<Association>> find_row(const UeSelector& ue,
                                              const std::string& app_d_id) override;
  Result<void> put_table_version(const TableVersion& version) override;
  Result<void> put_row_before(std::uint64_t version, const UeSelector& ue,
                              const std::string& app_d_id,
                              const std::optional<Association>& before) override;
  Result<bool> has_row_before(std::uint64_t version, const UeSelector& ue,
                              const std::string& app_d_id) override;
  Result<bool> shorten_history() override;
  Result<ContextScan> scan_contexts(const std::string& after, std::size_t limit,
                                    const std::set<std::string>& apps) override;
  Result<void> put_notification(const notifier::OutboxEntry& entry) override;
  Result<bool> put_notification_alike(const notifier::OutboxEntry& entry) override;
  Result<std::optional<notifier::OutboxEntry>> find_notification(const std::string& context_id,
                                                                 notifier::Topic topic) override;
  Result<void> redirect_notifications(const std::string& context_id,
                                      const std::string& callback_reference,
                                      std::int64_t now_ms) override;
  Result<void> delete_notification(const std::string& context_id, notifier::Topic topic) override;
  Result<void> delete_notifications(const std::string& id) override;
  Result<void> settle_notification(const notifier::Outcome& outcome) override;
  Result<std::size_t> revive_notifications(const std::string& context_id,
                                           std::int64_t now_ms) override;

  bool time_is_up() const override { return std::chrono::steady_clock::now() >= deadline_; }

  // Of background work in the batch that begins now.
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  // Nothing can be written from now on, or again; what is read is.
  void set_full(bool full) { is_full_ = full; }
  // What has been written in the place of something that was set aside: how much so far; and what
  // came after `from` is durable, or undone.
  [[nodiscard]] std::size_t replaced() const { return replaced_.size(); }
  void forget_replaced(std::size_t from, bool durable);
  // True when a relay has something new to read since this was asked last.
  [[nodiscard]] bool take_notified() { return std::exchange(notified_, false); }

 private:
  [[nodiscard]] static Error full();
  // Both leave the statement ready for the next, whatever happens.
  template <typename... Values>
  Result<void> write(SQLite::Statement& statement, const Values&... values) {
    if (is_full_) return full();
    try {
      const sqlite::Reset reset(statement);
      sqlite::bind_all(statement, values...);
      statement.exec();
      return {};
    } catch (const SQLite::Exception& e) {
      return storage_error(e);
    }
  }
  template <typename Read, typename... Values>
  auto find(SQLite::Statement& statement, Read read, const Values&... values)
      -> Result<std::optional<decltype(read(statement))>> {
    try {
      const sqlite::Reset reset(statement);
      sqlite::bind_all(statement, values...);
      std::optional<decltype(read(statement))> found;
      if (statement.executeStep()) found = read(statement);
      return found;
    } catch (const SQLite::Exception& e) {
      return storage_error(e);
    }
  }
  // Almost always nothing is set aside.
  void replaces(const char* kind, std::string id) {
    if (aside_.size() > 0) replaced_.emplace_back(kind, std::move(id));
  }
  Result<void> put_notification(SQLite::Statement& statement, const notifier::OutboxEntry& entry);
  // In the order of their writing. `callback_reference`: empty: each its own.
  Result<std::size_t> renew_notifications(SQLite::Statement& which, const std::string& context_id,
                                          const std::string& callback_reference,
                                          std::int64_t now_ms);

  // Of one kind of documents.
  struct Documents {
    Documents(SQLite::Database& database, const sqlite::DocumentTable& in);
    const sqlite::DocumentTable& table;
    SQLite::Statement put;
    SQLite::Statement remove;
  };
  Documents& documents_of(Stored kind) { return documents_[static_cast<std::size_t>(kind)]; }

  SetAside& aside_;
  bool is_full_ = false;
  SQLite::Statement insert_context_;
  SQLite::Statement find_context_;
  SQLite::Statement update_context_;
  SQLite::Statement delete_context_;
  SQLite::Statement put_row_;
  SQLite::Statement delete_row_;
  SQLite::Statement find_row_;
  SQLite::Statement scan_contexts_;
  SQLite::Statement put_notification_;
  SQLite::Statement put_alike_;
  SQLite::Statement find_notification_;
  SQLite::Statement owed_;
  SQLite::Statement dead_;
  SQLite::Statement renew_notification_;
  SQLite::Statement delete_notification_;
  SQLite::Statement delete_notifications_;
  SQLite::Statement shorten_packages_;
  SQLite::Statement delete_delivered_;
  SQLite::Statement retry_notification_;
  std::deque<Documents> documents_;  // by kind
  const HistoryOptions history_options_;
  sqlite::HistoryStatements history_;
  std::int64_t sequence_ = 0;  // last one given
  bool notified_ = false;
  std::vector<std::pair<std::string, std::string>> replaced_;  // kinds and identifiers
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace mx2
