// The files of a store, before it is opened: whose they are, and whether they fit one another.
#pragma once

#include <memory>

#include "api/base/file_lock.h"
#include "api/base/result.h"
#include "orchestrator/store/sqlite_store.h"

namespace mx2 {

// Makes the directory, takes the lock, which the store holds as long as it is open, and makes the
// files their owner's alone. Null for a program beside the orchestrator, whose files they are.
// `unavailable` with what to do: another orchestrator has them, a restore is not finished, the main
// file and the log are not of one moment, or, beside an orchestrator, there is no store. Throws
// filesystem_error.
[[nodiscard]] Result<std::unique_ptr<FileLock>> take_files(const SqliteOptions& options);

}  // namespace mx2
