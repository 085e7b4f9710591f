#include "orchestrator/store/log_mark.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <filesystem>
#include <optional>

#include "api/base/text.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2 {
namespace {

struct Mark {
  std::string own;
  std::string before;
};

// Not by the index: while a log is being moved, the main file has some pages of it and others not.
Mark read_mark(SQLite::Database& database) {
  if (!database.tableExists("meta")) return {};
  SQLite::Statement query(database, "SELECT value FROM meta WHERE +name = 'log'");
  if (!query.executeStep()) return {};
  const auto text = query.getColumn(0).getString();
  const auto space = text.find(' ');
  if (space == std::string::npos) return {text, {}};
  return {text.substr(0, space), text.substr(space + 1)};
}

// The main file without its log; nothing when it cannot be read like that, as a log may be needed.
std::optional<Mark> mark_of_main(const std::string& path) {
  try {
    SQLite::Database alone("file:" + percent_encode(path) + "?immutable=1",
                           SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    return read_mark(alone);
  } catch (const SQLite::Exception&) {
    return std::nullopt;
  }
}

Error foreign(const std::string& path, const std::string& why) {
  return unavailable("the store " + path + " is " + why + ": " + advice_on_log(path));
}

}  // namespace

std::string log_of(const std::string& path) { return path + "-wal"; }

std::size_t size_of(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<std::size_t>(size);
}

std::string advice_on_log(const std::string& path) {
  return "if it was copied here, the log beside it belongs to the file that was there before; "
         "move " +
         log_of(path) + " and " + path + "-shm away and start again";
}

Result<void> check_log(const std::string& path) {
  if (size_of(path) == 0 || size_of(log_of(path)) == 0) return {};
  const auto main = mark_of_main(path);
  try {
    SQLite::Database both(path, SQLite::OPEN_READONLY, sqlite::kBusyTimeoutMs);
    sqlite3_db_config(both.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    const auto log = read_mark(both);
    if (!main || main->own == log.own || main->own == log.before) return {};
    return foreign(path, "not the one that its log was written for");
  } catch (const SQLite::Exception& e) {
    const bool damaged = e.getErrorCode() == SQLITE_CORRUPT || e.getErrorCode() == SQLITE_NOTADB;
    if (damaged && main) return foreign(path, "damaged together with its log");
    return {};  // opening it says what is wrong
  }
}

LogMark::LogMark(SQLite::Database& writer)
    : current_(read_mark(writer).own),
      put_(writer,
           "INSERT INTO meta VALUES ('log', $1) "
           "ON CONFLICT (name) DO UPDATE SET value = excluded.value") {}

void LogMark::renew() {
  const auto own = std::to_string(random_());
  const sqlite::Reset reset(put_);
  const auto mark = own + " " + current_;
  sqlite::bind_all(put_, mark);
  put_.exec();
  current_ = own;
}

}  // namespace mx2
