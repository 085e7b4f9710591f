// The reads of the store outside of units of work. They throw SQLite::Exception; SqliteStore
// catches. Private to orchestrator/store.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/store/store.h"

namespace mx2::sqlite {

[[nodiscard]] Result<Page<ContextSummary>> contexts(SQLite::Database& db,
                                                    const ContextFilter& filter,
                                                    const std::string& cursor, std::size_t limit);
[[nodiscard]] Result<Page<Association>> rows(SQLite::Database& db, const std::string& app_d_id,
                                             const std::string& ue, const std::string& cursor,
                                             std::size_t limit);
[[nodiscard]] Result<Page<Association>> rows_of_host(SQLite::Database& db,
                                                     const std::string& host_id, Writer writer,
                                                     const std::string& cursor, std::size_t limit);
[[nodiscard]] Result<std::vector<notifier::OutboxEntry>> notifications(SQLite::Database& db,
                                                                       std::uint64_t after_sequence,
                                                                       std::size_t limit);
// Kept prepared: asked before each notification that is sent.
[[nodiscard]] std::unique_ptr<SQLite::Statement> prepare_notification(SQLite::Database& db);
[[nodiscard]] Result<std::optional<notifier::OutboxEntry>> notification(
    SQLite::Statement& prepared, const std::string& context_id, notifier::Topic topic);
[[nodiscard]] Result<OutboxPage> outbox(SQLite::Database& db, bool dead, const std::string& cursor,
                                        std::size_t limit);
[[nodiscard]] Result<Store::Loaded> load(SQLite::Database& db, const Store::Loader& loader,
                                         SetAside& aside);

}  // namespace mx2::sqlite
