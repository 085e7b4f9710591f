#include "orchestrator/store/log_mark.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/operator/backup.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2 {
namespace {

// Of ours; what SQLite gives a file that it makes is below.
constexpr std::uint64_t kCookieLeast = 1U << 20U;
constexpr std::uint64_t kCookies = 1U << 30U;

struct Mark {
  std::string own;
  std::string before;
};

// An orchestrator has the store, or has not closed it.
struct Begun {
  std::string cookie;
  std::string run;
  std::string mark;  // of the log whose end is in the main file; what came then is in the next
};

struct Main {
  Mark mark;
  std::optional<Begun> begun;
  std::string cookie;
};

// Not by the index: while a log is being moved, the main file has some pages of it and others not.
std::string read_fact(SQLite::Database& database, const char* name) {
  if (!database.tableExists("meta")) return {};
  SQLite::Statement query(database, "SELECT value FROM meta WHERE +name = $1");
  query.bind(1, name);
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

std::string cookie_of(SQLite::Database& database) {
  SQLite::Statement query(database, "PRAGMA schema_version");
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

Mark read_mark(SQLite::Database& database) {
  const auto text = read_fact(database, "log");
  const auto space = text.find(' ');
  if (space == std::string::npos) return {text, {}};
  return {text.substr(0, space), text.substr(space + 1)};
}

std::optional<Begun> read_begun(SQLite::Database& database) {
  const auto text = read_fact(database, "begun");
  const auto parts = split(text, ' ');
  if (parts.size() != 3) return std::nullopt;
  return Begun{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

// The main file without its log; nothing when it cannot be read like that, as a log may be needed.
template <typename Read>
auto read_alone(const std::string& path, const Read& read)
    -> std::optional<decltype(read(std::declval<SQLite::Database&>()))> {
  try {
    SQLite::Database alone("file:" + percent_encode(path) + "?immutable=1",
                           SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    return read(alone);
  } catch (const SQLite::Exception&) {
    return std::nullopt;
  }
}

Error foreign(const std::string& path, const std::string& why) {
  return unavailable("the store " + path + " is " + why + ": " + advice_on_log(path));
}

Error lacks_log(const std::string& path) {
  return unavailable(
      "the store " + path +
      " is a main file without its log, and what was stored last is missing: "
      "it was copied while an orchestrator had it, or " +
      log_of(path) +
      " is lost. Put the log back beside it, restore a backup (mx2ctl restore FILE --store " +
      path + "), or take it as it is (mx2ctl restore --as-is --store " + path + ")");
}

// As an operator wants it, if it is sound.
Result<void> check_sound(const std::string& path) {
  const auto said = read_alone(path, [](SQLite::Database& database) {
    SQLite::Statement query(database, "PRAGMA integrity_check(1)");
    return query.executeStep() ? query.getColumn(0).getString() : std::string();
  });
  if (said && *said == "ok") return {};
  return unavailable(
      "the store " + path +
      " cannot be taken as it is, as it is damaged without its log: restore a backup "
      "(mx2ctl restore FILE --overwrite --store " +
      path + ")");
}

Result<void> check_alone(const std::string& path, const std::string& last_run) {
  const auto main = read_alone(path, [](SQLite::Database& database) {
    return Main{read_mark(database), read_begun(database), cookie_of(database)};
  });
  if (!main || !main->begun || main->begun->cookie != main->cookie) return {};
  std::error_code ignored;
  if (std::filesystem::exists(path + kNewEpochSuffix, ignored)) return check_sound(path);
  // Where it was begun: whoever is the last to close a file moves its log and removes both.
  const bool moved = main->begun->run == last_run && main->begun->mark != main->mark.own &&
                     !std::filesystem::exists(path + "-shm", ignored);
  if (!moved) return lacks_log(path);
  log::warn(
      "the store was not closed by its orchestrator; another program has moved its log, or "
      "what was only there is missing",
      {{"store", path}});
  return {};
}

Result<void> check_both(const std::string& path) {
  const auto main = read_alone(path, read_mark);
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

Result<void> check_log(const std::string& path, const std::string& last_run) {
  std::error_code ignored;
  if (size_of(path) == 0) return {};
  if (!std::filesystem::exists(log_of(path), ignored)) return check_alone(path, last_run);
  return size_of(log_of(path)) == 0 ? Result<void>() : check_both(path);
}

LogMark::LogMark(SQLite::Database& writer)
    : current_(read_mark(writer).own),
      put_(writer,
           "INSERT INTO meta VALUES ($1, $2) "
           "ON CONFLICT (name) DO UPDATE SET value = excluded.value") {}

void LogMark::put(const std::string& name, const std::string& value) {
  const sqlite::Reset reset(put_);
  sqlite::bind_all(put_, name, value);
  put_.exec();
}

std::string LogMark::begin(SQLite::Database& writer) {
  auto cookie = parse_uint(cookie_of(writer)).value_or(0);
  if (cookie < kCookieLeast) {
    cookie = kCookieLeast + random_() % kCookies;
    writer.exec("PRAGMA schema_version = " + std::to_string(cookie));
  }
  renew();
  auto run = std::to_string(random_());
  put("begun", std::to_string(cookie) + " " + run + " " + current_);
  return run;
}

void LogMark::end(SQLite::Database& writer) noexcept {
  try {
    writer.exec("DELETE FROM meta WHERE name = 'begun'");
  } catch (const SQLite::Exception& e) {
    log::warn("the end of the store is not noted", {{"reason", e.what()}});
  }
}

void LogMark::renew() {
  auto own = std::to_string(random_());
  put("log", own + " " + current_);
  current_ = std::move(own);
}

}  // namespace mx2
