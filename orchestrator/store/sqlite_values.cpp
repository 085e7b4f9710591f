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
  ContextRecord context;
  context.context_id = row.getColumn(0).getString();
  context.revision = static_cast<std::uint64_t>(row.getColumn(1).getInt64());
  context.app_d_id = row.getColumn(2).getString();
  context.dev_app_id = row.getColumn(3).getString();
  context.subject = row.getColumn(4).getString();
  context.client_ip = row.getColumn(5).getString();
  context.host_id = row.getColumn(6).getString();
  context.reference_uri = row.getColumn(7).getString();
  context.ue = row.getColumn(8).getString();
  context.legacy = row.getColumn(9).getInt() != 0;
  context.has_callback = row.getColumn(10).getInt() != 0;
  context.created_ms = row.getColumn(11).getInt64();
  context.document = row.getColumn(12).getString();
  context.waits = row.getColumn(13).getUInt();
  return context;
}

notifier::OutboxEntry read_entry(SQLite::Statement& row) {
  notifier::OutboxEntry entry;
  entry.sequence = static_cast<std::uint64_t>(row.getColumn(0).getInt64());
  entry.context_id = row.getColumn(1).getString();
  entry.revision = static_cast<std::uint64_t>(row.getColumn(2).getInt64());
  entry.callback_reference = row.getColumn(3).getString();
  entry.type = row.getColumn(4).getString();
  entry.body = row.getColumn(5).getString();
  entry.created_ms = row.getColumn(6).getInt64();
  entry.written_ms = row.getColumn(7).getInt64();
  entry.due_ms = row.getColumn(8).getInt64();
  entry.attempts = row.getColumn(9).getUInt();
  entry.dead = row.getColumn(10).getInt() != 0;
  entry.last_error = row.getColumn(11).getString();
  entry.waited_ms = row.getColumn(12).getInt64();
  entry.topic = static_cast<notifier::Topic>(row.getColumn(13).getInt());
  return entry;
}

}  // namespace sqlite
}  // namespace mx2
