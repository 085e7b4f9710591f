// Whether the write-ahead log beside a store's main file belongs to it. SQLite does not notice when
// the main file alone is replaced by a copy: it carries out the log on whatever it finds, and keeps
// the result.
//
// Each log begins with a mark: a random number of its own, and that of the log before. A log begins
// anew only when all of the one before is in the main file, so the main file by itself holds one
// of the two numbers.
//
// And whether a main file without a log lacks one. While an orchestrator has the store, a row of
// the main file says so, from before anything is acknowledged until all of the last log is moved.
// Beside it is SQLite's schema cookie: whoever copies by means of SQLite (its backup API, VACUUM
// INTO) reads the log as well, and its copy has another cookie; `cp` copies it as it is. Private to
// orchestrator/store.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <random>
#include <string>

#include "api/base/result.h"

namespace mx2 {

[[nodiscard]] std::string log_of(const std::string& path);
// Bytes; 0 when there is none.
[[nodiscard]] std::size_t size_of(const std::string& file);
// For a file that SQLite finds damaged: what may be wrong, and which files to remove.
[[nodiscard]] std::string advice_on_log(const std::string& path);

// Before the store is opened; nothing is written. unavailable: the log is that of another file, or
// there is none and one is needed. `last_run`: what begin() has given the last time that a store
// was begun here; then a log that has been moved by another program (sqlite3, after a crash) is
// told from one that is lost.
[[nodiscard]] Result<void> check_log(const std::string& path, const std::string& last_run);

// Threads: the writer's.
class LogMark {
 public:
  explicit LogMark(SQLite::Database& writer);
  // Of a store whose log is empty: from now on the main file lacks what is in the log. Gives a
  // number for this run. Throws SQLite::Exception.
  [[nodiscard]] std::string begin(SQLite::Database& writer);
  // Nothing comes any more: closing the file moves all of its log. If that cannot be noted the log
  // is not moved either.
  void end(SQLite::Database& writer) noexcept;
  // In a transaction of its own, when the log has begun anew: once for each log. Throws
  // SQLite::Exception.
  void renew();

 private:
  void put(const std::string& name, const std::string& value);

  std::string current_;
  SQLite::Statement put_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace mx2
