// The tables of the store and their history. A file remembers its schema version; older ones are
// migrated forward step by step in one transaction, newer ones are refused.
#pragma once

#include <SQLiteCpp/Database.h>

#include "api/base/result.h"

namespace mx2 {

[[nodiscard]] int newest_schema();

// Creates or migrates. unavailable with a readable text when the file is newer or no store of ours.
[[nodiscard]] Result<void> migrate(SQLite::Database& database);

// unavailable when the file is of another schema: for programs that must not migrate it.
[[nodiscard]] Result<void> check_schema(SQLite::Database& database);

}  // namespace mx2
