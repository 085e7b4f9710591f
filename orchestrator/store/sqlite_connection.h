// Connections to the store's file: how the writer's is set up, those for reads, and what is done
// with the log beside the file. Private to orchestrator/store.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "api/base/result.h"
#include "orchestrator/store/sqlite_store.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2::sqlite {

inline constexpr std::chrono::milliseconds kQuickReaders{20};

void configure(SQLite::Database& writer, const SqliteOptions& options);
// Of the main file.
void limit_size(SQLite::Database& writer, const SqliteOptions& options);

// While it is kept nothing of the log is moved into the main file, also not when the file is
// closed: who has to repair something finds both as they were.
void keep_log(SQLite::Database& writer, bool keep);

// Moves all of the log and cuts it. Waits for readers, by default only for our own, who are quick;
// false: one holds it.
[[nodiscard]] bool empty_log(sqlite3* writer, std::chrono::milliseconds readers = kQuickReaders);

// For a file that is damaged: what to do, if the log beside it may be why.
[[nodiscard]] std::string advice(const Error& error, const std::string& path);

// A connection for reads, and who uses it now.
struct Reader {
  std::mutex mutex;
  std::unique_ptr<SQLite::Database> database;

  void open(const std::string& path) {
    database = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY, kBusyTimeoutMs);
  }

  template <typename F, typename... Arguments>
  auto read(F&& query, const Arguments&... arguments) -> decltype(query(*database, arguments...)) {
    const std::lock_guard guard(mutex);
    try {
      return query(*database, arguments...);
    } catch (const SQLite::Exception& e) {
      return storage_error(e);
    }
  }
};

}  // namespace mx2::sqlite
