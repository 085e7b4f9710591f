#include "orchestrator/store/sqlite_connection.h"

#include <sqlite3.h>

#include <algorithm>

#include "orchestrator/store/log_mark.h"

namespace mx2::sqlite {
namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

void configure(SQLite::Database& db, const SqliteOptions& options) {
  // Checkpoints are the orchestrator's, as long as there is one.
  const auto pages = options.beside_orchestrator ? 2 * options.checkpoint_pages : 0;
  db.exec("PRAGMA wal_autocheckpoint = " + std::to_string(pages));
  wait_in_small_steps(db.getHandle());
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA cache_size = -65536");  // KiB
  db.exec("PRAGMA journal_size_limit = " + std::to_string(options.checkpoint_pages * kPageBytes));
}

void limit_size(SQLite::Database& db, const SqliteOptions& options) {
  if (options.size_bytes_max == 0) return;
  db.exec("PRAGMA max_page_count = " +
          std::to_string(std::max<std::size_t>(16, options.size_bytes_max / kPageBytes)));
}

void keep_log(SQLite::Database& db, bool keep) {
  sqlite3_db_config(db.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

bool empty_log(sqlite3* writer, std::chrono::milliseconds readers) {
  sqlite3_busy_timeout(writer, static_cast<int>(readers.count()));
  const int code =
      sqlite3_wal_checkpoint_v2(writer, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  wait_in_small_steps(writer);
  return code == SQLITE_OK;
}

std::string advice(const Error& error, const std::string& path) {
  const bool damaged = error.detail == storage_damaged().detail;
  return damaged && size_of(log_of(path)) > 0 ? ": " + advice_on_log(path) : "";
}

}  // namespace mx2::sqlite
