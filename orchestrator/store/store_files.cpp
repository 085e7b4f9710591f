#include "orchestrator/store/store_files.h"

#include <filesystem>
#include <string>
#include <utility>

#include "api/base/file.h"
#include "api/operator/backup.h"
#include "orchestrator/store/log_mark.h"

namespace mx2 {
namespace {

// SQLite gives the log and its index the permissions that the main file has when it makes them.
void be_private(const std::string& path) {
  make_private(path);
  for (const char* beside : {"-wal", "-shm"}) keep_private(path + beside);
}

}  // namespace

Result<std::unique_ptr<FileLock>> take_files(const SqliteOptions& options) {
  const auto& path = options.path;
  const auto directory = std::filesystem::path(path).parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory);
  if (options.beside_orchestrator) {
    if (std::filesystem::exists(path)) return std::unique_ptr<FileLock>();
    return unavailable("there is no store " + path + ": start the orchestrator first");
  }
  auto lock = FileLock::take(path + kLockSuffix);
  if (!lock) return lock.error();
  if (!*lock) return unavailable(path + " is in use by another orchestrator");
  if (std::filesystem::exists(path + kRestoringSuffix)) {
    return unavailable("a restore of the store " + path +
                       " has not come to its end: run mx2ctl restore again");
  }
  if (auto fits = check_log(path, (*lock)->text()); !fits) return fits.error();
  be_private(path);
  return std::move(*lock);
}

}  // namespace mx2
