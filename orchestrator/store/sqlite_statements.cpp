#include "orchestrator/store/sqlite_statements.h"

namespace mx2 {
namespace {

// Of one run of the program: a relay that reads on over a restart must never see a number again.
constexpr std::int64_t kSequencesPerRun = std::int64_t{1} << 32;

// Operators' systems may be away for good while packages come and go.
constexpr std::int64_t kPackageNotificationsMax = 1000;  // owed to one subscription

// Of contexts' documents, which may be large, in one stretch.
constexpr std::size_t kScannedBytes = std::size_t{64} << 10U;

std::string put_notification_sql() {
  return std::string("INSERT INTO outbox (") + sqlite::kOutboxColumns +
         ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,0,$13) "
         "ON CONFLICT (context_id, topic) DO UPDATE SET sequence = excluded.sequence, "
         "revision = excluded.revision, callback_reference = excluded.callback_reference, "
         "type = excluded.type, body = excluded.body, written_ms = excluded.written_ms, "
         "due_ms = excluded.due_ms, attempts = 0, dead = 0, last_error = '', waited_ms = 0";
}

}  // namespace

Error SqliteTransaction::full() {
  return unavailable("the storage is full: a reader of the store holds its write-ahead log");
}

SqliteTransaction::SqliteTransaction(SQLite::Database& db, const HistoryOptions& history,
                                     SetAside& aside)
    : aside_(aside),
      insert_context_(db, std::string("INSERT INTO contexts (") + sqlite::kContextColumns +
                              ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"),
      find_context_(db, std::string("SELECT ") + sqlite::kContextColumns +
                            " FROM contexts WHERE context_id = $1"),
      // SQLite counts $n by first appearance, PostgreSQL by n: keep both the same.
      update_context_(db,
                      "UPDATE contexts SET revision = $1, host_id = $2, reference_uri = $3, "
                      "ue = $4, has_callback = $5, document = $6, waits = $7 "
                      "WHERE context_id = $8"),
      delete_context_(db, "DELETE FROM contexts WHERE context_id = $1"),
      put_row_(db,
               "INSERT INTO associations VALUES ($1,$2,$3,$4,$5,$6,$7) "
               "ON CONFLICT (app_d_id, ue) DO UPDATE SET targets = excluded.targets, "
               "writer = excluded.writer, reason = excluded.reason, version = excluded.version, "
               "updated_ms = excluded.updated_ms"),
      delete_row_(db, "DELETE FROM associations WHERE app_d_id = $1 AND ue = $2"),
      find_row_(db, std::string("SELECT ") + sqlite::kRowColumns +
                        " FROM associations WHERE app_d_id = $1 AND ue = $2"),
      scan_contexts_(db, std::string("SELECT ") + sqlite::kContextColumns +
                             " FROM contexts WHERE context_id > $1 ORDER BY context_id LIMIT $2"),
      put_notification_(db, put_notification_sql()),
      put_alike_(db, put_notification_sql() + " WHERE outbox.type = excluded.type"),
      find_notification_(db, std::string("SELECT ") + sqlite::kOutboxColumns +
                                 " FROM outbox WHERE context_id = $1 AND topic = $2"),
      owed_(db,
            "SELECT sequence, callback_reference FROM outbox WHERE context_id = $1 "
            "ORDER BY sequence"),
      dead_(db,
            "SELECT sequence, callback_reference FROM outbox WHERE dead = 1 "
            "AND ($1 = '' OR context_id = $1) ORDER BY sequence"),
      renew_notification_(
          db,
          "UPDATE outbox SET sequence = $1, callback_reference = $2, written_ms = $3, due_ms = $3, "
          "attempts = 0, dead = 0, waited_ms = 0 WHERE sequence = $4"),
      delete_notification_(db, "DELETE FROM outbox WHERE context_id = $1 AND topic = $2"),
      // "0" comes after "/".
      delete_notifications_(db,
                            "DELETE FROM outbox WHERE context_id >= $1 AND context_id < $1 || '0'"),
      shorten_packages_(db,
                        "WITH owed AS (SELECT sequence FROM outbox WHERE topic = 2 "
                        "AND context_id > $1 || '/' AND context_id < $1 || '0') "
                        "DELETE FROM outbox WHERE sequence IN owed AND sequence <= (SELECT "
                        "sequence FROM owed ORDER BY sequence DESC LIMIT 1 OFFSET $2)"),
      delete_delivered_(db, "DELETE FROM outbox WHERE sequence = $1 AND context_id = $2"),
      retry_notification_(db,
                          "UPDATE outbox SET due_ms = $1, attempts = $2, dead = $3, "
                          "last_error = $4, waited_ms = $5 WHERE sequence = $6 "
                          "AND context_id = $7"),
      history_options_(history),
      history_(db) {
  for (const auto& table : sqlite::kDocumentTables) documents_.emplace_back(db, table);
}

SqliteTransaction::Documents::Documents(SQLite::Database& db, const sqlite::DocumentTable& in)
    : table(in),
      put(db, std::string("INSERT INTO ") + in.name + " VALUES ($1, $2) ON CONFLICT (" + in.key +
                  ") DO UPDATE SET " + in.document + " = excluded." + in.document),
      remove(db, std::string("DELETE FROM ") + in.name + " WHERE " + in.key + " = $1") {}

void SqliteTransaction::forget_replaced(std::size_t from, bool durable) {
  for (auto i = from; durable && i < replaced_.size(); ++i) {
    aside_.forget(replaced_[i].first, replaced_[i].second);
  }
  replaced_.resize(std::min(from, replaced_.size()));
}

Result<void> SqliteTransaction::insert_context(const ContextRecord& c) {
  return write(insert_context_, c.context_id, c.revision, c.app_d_id, c.dev_app_id, c.subject,
               c.client_ip, c.host_id, c.reference_uri, c.ue, c.legacy, c.has_callback,
               c.created_ms, c.document, c.waits);
}

Result<std::optional<ContextRecord>> SqliteTransaction::find_context(
    const std::string& context_id) {
  return find(find_context_, sqlite::read_context, context_id);
}

Result<void> SqliteTransaction::update_context(const ContextRecord& c) {
  replaces("context", c.context_id);
  return write(update_context_, c.revision, c.host_id, c.reference_uri, c.ue, c.has_callback,
               c.document, c.waits, c.context_id);
}

Result<void> SqliteTransaction::delete_context(const std::string& context_id) {
  replaces("context", context_id);
  return write(delete_context_, context_id);
}

Result<void> SqliteTransaction::put_document(Stored kind, const std::string& id,
                                             const std::string& document) {
  auto& documents = documents_of(kind);
  replaces(documents.table.kind, id);
  return write(documents.put, id, document);
}

Result<void> SqliteTransaction::delete_document(Stored kind, const std::string& id) {
  return write(documents_of(kind).remove, id);
}

Result<void> SqliteTransaction::put_row(const Association& row) {
  replaces("row", sqlite::row_id(row.app_d_id, row.ue.text()));
  return write(put_row_, row.app_d_id, row.ue.text(), sqlite::join_targets(row.targets), row.writer,
               row.reason, row.version, row.updated_ms);
}

Result<void> SqliteTransaction::delete_row(const UeSelector& ue, const std::string& app_d_id) {
  replaces("row", sqlite::row_id(app_d_id, ue.text()));
  return write(delete_row_, app_d_id, ue.text());
}

Result<std::optional<Association>> SqliteTransaction::find_row(const UeSelector& ue,
                                                               const std::string& app_d_id) {
  const auto read = [&](SQLite::Statement& found) {
    auto row = sqlite::read_row(found);
    if (row) return std::move(*row);
    aside_.add("row", sqlite::row_id(app_d_id, ue.text()), row.error().detail);
    return sqlite::read_row_without_targets(found, ue);
  };
  return find(find_row_, read, app_d_id, ue.text());
}

Result<ContextScan> SqliteTransaction::scan_contexts(const std::string& after, std::size_t limit,
                                                     const std::set<std::string>& apps) {
  try {
    const sqlite::Reset reset(scan_contexts_);
    sqlite::bind_all(scan_contexts_, after, limit);
    ContextScan scan;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    while (bytes < kScannedBytes) {
      if (!scan_contexts_.executeStep()) {
        if (seen < limit) scan.last.clear();
        break;
      }
      ++seen;
      scan.last = scan_contexts_.getColumn(0).getString();
      if (apps.count(scan_contexts_.getColumn(2).getString()) == 0) continue;
      bytes += scan.contexts.emplace_back(sqlite::read_context(scan_contexts_)).document.size();
    }
    return scan;
  } catch (const SQLite::Exception& e) {
    return storage_error(e);
  }
}

Result<void> SqliteTransaction::reserve_sequences(SQLite::Database& db) {
  try {
    SQLite::Statement query(db, "SELECT value FROM meta WHERE name = 'outbox_sequence'");
    query.executeStep();
    sequence_ = query.getColumn(0).getInt64();
    SQLite::Statement update(db, "UPDATE meta SET value = $1 WHERE name = 'outbox_sequence'");
    return write(update, std::to_string(sequence_ + kSequencesPerRun));
  } catch (const SQLite::Exception& e) {
    return storage_error(e);
  }
}

Result<void> SqliteTransaction::put_notification(const notifier::OutboxEntry& entry) {
  auto put = put_notification(put_notification_, entry);
  if (!put || entry.topic != notifier::Topic::kPackages) return put;
  const auto& id = entry.context_id;
  return write(shorten_packages_, id.substr(0, id.find('/')), kPackageNotificationsMax);
}

Result<bool> SqliteTransaction::put_notification_alike(const notifier::OutboxEntry& entry) {
  if (auto put = put_notification(put_alike_, entry); !put) return put.error();
  return put_alike_.getChanges() > 0;
}

Result<void> SqliteTransaction::put_notification(SQLite::Statement& statement,
                                                 const notifier::OutboxEntry& e) {
  notified_ = true;
  return write(statement, ++sequence_, e.context_id, e.revision, e.callback_reference, e.type,
               e.body, e.created_ms, e.written_ms, e.due_ms, 0, 0, std::string(), e.topic);
}

Result<std::optional<notifier::OutboxEntry>> SqliteTransaction::find_notification(
    const std::string& context_id, notifier::Topic topic) {
  return find(find_notification_, sqlite::read_entry, context_id, topic);
}

Result<std::size_t> SqliteTransaction::renew_notifications(SQLite::Statement& which,
                                                           const std::string& context_id,
                                                           const std::string& callback_reference,
                                                           std::int64_t now_ms) {
  notified_ = true;
  try {
    std::vector<std::pair<std::int64_t, std::string>> found;
    {
      const sqlite::Reset reset(which);
      sqlite::bind_all(which, context_id);
      while (which.executeStep()) {
        found.emplace_back(which.getColumn(0).getInt64(), which.getColumn(1).getString());
      }
    }
    for (const auto& [sequence, callback] : found) {
      const auto& to = callback_reference.empty() ? callback : callback_reference;
      auto renewed = write(renew_notification_, ++sequence_, to, now_ms, sequence);
      if (!renewed) return renewed.error();
    }
    return found.size();
  } catch (const SQLite::Exception& e) {
    return storage_error(e);
  }
}

Result<void> SqliteTransaction::redirect_notifications(const std::string& context_id,
                                                       const std::string& callback_reference,
                                                       std::int64_t now_ms) {
  const auto renewed = renew_notifications(owed_, context_id, callback_reference, now_ms);
  return renewed ? Result<void>() : renewed.error();
}

Result<void> SqliteTransaction::delete_notification(const std::string& context_id,
                                                    notifier::Topic topic) {
  return write(delete_notification_, context_id, topic);
}

Result<void> SqliteTransaction::delete_notifications(const std::string& id) {
  return write(delete_notifications_, id);
}

Result<void> SqliteTransaction::settle_notification(const notifier::Outcome& outcome) {
  if (outcome.kind == notifier::Outcome::Kind::kDelivered) {
    return write(delete_delivered_, outcome.sequence, outcome.context_id);
  }
  const bool dead = outcome.kind == notifier::Outcome::Kind::kDead;
  return write(retry_notification_, outcome.due_ms, outcome.attempts, dead, outcome.error,
               outcome.waited_ms, outcome.sequence, outcome.context_id);
}

Result<std::size_t> SqliteTransaction::revive_notifications(const std::string& context_id,
                                                            std::int64_t now_ms) {
  return renew_notifications(dead_, context_id, {}, now_ms);
}

}  // namespace mx2
