#include "orchestrator/store/sqlite_copy.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

#include "api/base/fd.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2::sqlite {
namespace {

constexpr int kPagesOfStep = 256;  // between two looks at `go_on`

// Nobody else may read it, whatever the umask.
Result<void> make_private(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd.is_open()) return unavailable("cannot make " + file);
  return {};
}

Result<void> copy_pages(const std::string& from, const std::string& to,
                        const std::function<bool()>& go_on) {
  SQLite::Database source(from, SQLite::OPEN_READONLY, kBusyTimeoutMs);
  SQLite::Database copy(to, SQLite::OPEN_READWRITE);
  copy.exec("PRAGMA synchronous = OFF");  // who wants it durable flushes it
  source.exec("BEGIN");
  SQLite::Statement(source, "SELECT COUNT(*) FROM meta").executeStep();
  SQLite::Backup backup(copy, source);
  while (backup.executeStep(kPagesOfStep) != SQLITE_DONE) {
    if (!go_on()) return unavailable("the copy of the store was interrupted");
  }
  return {};
}

}  // namespace

Result<void> copy_database(const std::string& from, const std::string& to,
                           const std::function<bool()>& go_on) {
  if (auto made = make_private(to); !made) return made;
  auto copied = [&]() -> Result<void> {
    try {
      return copy_pages(from, to, go_on);
    } catch (const SQLite::Exception& e) {
      return storage_error(e);
    }
  }();
  std::error_code ignored;
  if (!copied) std::filesystem::remove(to, ignored);
  std::filesystem::remove(to + "-journal", ignored);
  return copied;
}

}  // namespace mx2::sqlite
