#include "orchestrator/store/sqlite_values.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>

#include "api/base/text.h"

namespace mx2 {

Error storage_damaged(std::string internal_text) {
  return unavailable("the store file is damaged", std::move(internal_text));
}

Error storage_error(const SQLite::Exception& e) {
  switch (e.getErrorCode()) {
    case SQLITE_FULL: return unavailable("the storage is full", e.what());
    case SQLITE_READONLY: return unavailable("the storage is read-only", e.what());
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return storage_damaged(e.what());
    case SQLITE_IOERR: return unavailable("the storage does not work", e.what());
    case SQLITE_BUSY: return unavailable("the store is in use by another process", e.what());
    default: return internal(std::string("SQLite: ") + e.what());
  }
}

namespace sqlite {

void wait_in_small_steps(sqlite3* connection) {
  const auto wait = [](void* /*unused*/, int waited_ms) {
    if (waited_ms >= kBusyTimeoutMs) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 1;
  };
  sqlite3_busy_handler(connection, wait, nullptr);
}

Association read_row_without_targets(SQLite::Statement& row, const UeSelector& ue) {
  Association association;
  association.app_d_id = row.getColumn(0).getString();
  association.ue = ue;
  association.writer = row.getColumn(3).getInt() == 0 ? Writer::kOperator : Writer::kOptimizer;
  association.reason = row.getColumn(4).getString();
  association.version = static_cast<std::uint64_t>(row.getColumn(5).getInt64());
  association.updated_ms = row.getColumn(6).getInt64();
  return association;
}

Result<Association> read_row(SQLite::Statement& row) {
  auto ue = UeSelector::parse(row.getColumn(1).getString());
  if (!ue) return ue.error();
  auto association = read_row_without_targets(row, *ue);
  for (const auto text : split(row.getColumn(2).getText(), ' ')) {
    if (text.empty()) continue;  // of a row that was not there
    auto target = Target::parse(text);
    if (!target) return target.error();
    association.targets.push_back(std::move(*target));
  }
  return association;
}

std::string row_id(const std::string& app_d_id, const std::string& ue) {
  return app_d_id + " " + ue;
}

std::string join_targets(const std::vector<Target>& targets) {
  std::string text;
  for (const auto& target : targets) text += (text.empty() ? "" : " ") + target.text();
  return text;
}

ContextRecord read_context(SQLite::Statement& row) {
  ContextRecord c;
  read_columns(row, c.context_id, c.revision, c.app_d_id, c.dev_app_id, c.subject, c.client_ip,
               c.host_id, c.reference_uri, c.ue, c.legacy, c.has_callback, c.created_ms, c.document,
               c.waits);
  return c;
}

notifier::OutboxEntry read_entry(SQLite::Statement& row) {
  notifier::OutboxEntry e;
  read_columns(row, e.sequence, e.context_id, e.revision, e.callback_reference, e.type, e.body,
               e.created_ms, e.written_ms, e.due_ms, e.attempts, e.dead, e.last_error, e.waited_ms,
               e.topic);
  return e;
}

}  // namespace sqlite
}  // namespace mx2
