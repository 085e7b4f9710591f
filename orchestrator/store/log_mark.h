// Whether the write-ahead log beside a store's main file belongs to it. SQLite does not notice when
// the main file alone is replaced by a copy: it carries out the log on whatever it finds, and keeps
// the result.
//
// Each log begins with a mark: a random number of its own, and that of the log before. A log begins
// anew only when all of the one before is in the main file, so the main file by itself holds one
// of the two numbers.
// Private to orchestrator/store.
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

// Before the store is opened; nothing is written. unavailable: the log is that of another file.
[[nodiscard]] Result<void> check_log(const std::string& path);

// Threads: the writer's.
class LogMark {
 public:
  explicit LogMark(SQLite::Database& writer);
  // In a transaction of its own, when the log has begun anew: once for each log. Throws
  // SQLite::Exception.
  void renew();

 private:
  std::string current_;
  SQLite::Statement put_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace mx2
