// Between SQLite's rows and our values: what statements (writes) and queries (reads) share. Private
// to orchestrator/store.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>

#include "api/base/result.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// What an SQLite failure means to a caller; `e` is what SQLiteCpp threw.
[[nodiscard]] Error storage_error(const SQLite::Exception& e);

[[nodiscard]] Error storage_damaged(std::string internal_text = {});

namespace sqlite {

// How long a connection waits for a lock that another one holds.
inline constexpr int kBusyTimeoutMs = 5000;
// SQLite itself waits in steps that grow to 100 ms, and misses the short turns of another writer.
void wait_in_small_steps(sqlite3* connection);

// Where documents are kept: two columns, both texts or taken for one.
struct DocumentTable {
  const char* kind;  // as it is set aside
  const char* name;
  const char* key;
  const char* document;
};
// By Stored.
inline constexpr std::array<DocumentTable, 6> kDocumentTables{{
    {"app", "apps", "app_d_id", "document"},
    {"host", "hosts", "host_id", "document"},
    {"package", "packages", "package_id", "document"},
    {"subscription", "package_subscriptions", "subscription_id", "document"},
    {"rewrite", "rewrite_pieces", "piece", "document"},
    {"fact", "meta", "name", "value"},
}};

// In the order in which read_context() and read_entry() take them.
inline constexpr const char* kContextColumns =
    "context_id, revision, app_d_id, dev_app_id, subject, client_ip, host_id, reference_uri, ue, "
    "legacy, has_callback, created_ms, document, waits";
inline constexpr const char* kOutboxColumns =
    "sequence, context_id, revision, callback_reference, type, body, created_ms, written_ms, "
    "due_ms, attempts, dead, last_error, waited_ms, topic";

inline constexpr const char* kRowColumns =
    "app_d_id, ue, targets, writer, reason, version, updated_ms";

// The columns kRowColumns.
[[nodiscard]] Result<Association> read_row(SQLite::Statement& row);
// The same but for the targets; nothing in it can be unreadable.
[[nodiscard]] Association read_row_without_targets(SQLite::Statement& row, const UeSelector& ue);
// A row's name, for people.
[[nodiscard]] std::string row_id(const std::string& app_d_id, const std::string& ue);
[[nodiscard]] std::string join_targets(const std::vector<Target>& targets);
[[nodiscard]] ContextRecord read_context(SQLite::Statement& row);
[[nodiscard]] notifier::OutboxEntry read_entry(SQLite::Statement& row);

template <typename T>
concept Number = std::is_integral_v<T> || std::is_enum_v<T>;

inline void bind_value(SQLite::Statement& statement, int at, const std::string& text) {
  statement.bindNoCopy(at, text);
}
template <Number T>
void bind_value(SQLite::Statement& statement, int at, T number) {
  statement.bind(at, static_cast<std::int64_t>(number));
}

// `values` must outlive the execution: texts are not copied.
template <typename... Values>
void bind_all([[maybe_unused]] SQLite::Statement& statement, const Values&... values) {
  [[maybe_unused]] int at = 0;
  (bind_value(statement, ++at, values), ...);
}

inline void take_value(const SQLite::Column& column, std::string& text) {
  text = column.getString();
}
template <Number T>
void take_value(const SQLite::Column& column, T& number) {
  number = static_cast<T>(column.getInt64());
}

// The first columns of a row, in this order.
template <typename... Values>
void read_columns(SQLite::Statement& row, Values&... values) {
  int at = 0;
  (take_value(row.getColumn(at++), values), ...);
}

// Leaves the statement ready for the next use, whatever happens.
class Reset {
 public:
  explicit Reset(SQLite::Statement& statement) : statement_(statement) {}
  ~Reset() { statement_.tryReset(); }
  Reset(const Reset&) = delete;
  Reset& operator=(const Reset&) = delete;

 private:
  SQLite::Statement& statement_;
};

}  // namespace sqlite
}  // namespace mx2
