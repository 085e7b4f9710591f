#include "orchestrator/store/schema.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <array>
#include <string>

namespace mx2 {
namespace {

// Element i takes a file from version i to version i + 1. Never edit one that was released: append.
constexpr std::array<const char*, 9> kMigrations{R"(
  CREATE TABLE apps (
    app_d_id TEXT PRIMARY KEY,
    document TEXT NOT NULL
  );
  CREATE TABLE hosts (
    host_id  TEXT PRIMARY KEY,
    document TEXT NOT NULL
  );
  CREATE TABLE associations (
    app_d_id   TEXT NOT NULL,
    ue         TEXT NOT NULL,
    targets    TEXT NOT NULL,
    writer     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (app_d_id, ue)
  ) WITHOUT ROWID;
  CREATE TABLE contexts (
    context_id    TEXT PRIMARY KEY,
    revision      INTEGER NOT NULL,
    app_d_id      TEXT NOT NULL,
    dev_app_id    TEXT NOT NULL,
    subject       TEXT NOT NULL,
    client_ip     TEXT NOT NULL,
    host_id       TEXT NOT NULL,
    reference_uri TEXT NOT NULL,
    ue            TEXT NOT NULL,
    legacy        INTEGER NOT NULL,
    has_callback  INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    document      TEXT NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('table_version', '0');
)",
                                                 R"(
  CREATE TABLE outbox (
    sequence           INTEGER PRIMARY KEY,
    context_id         TEXT NOT NULL UNIQUE,
    revision           INTEGER NOT NULL,
    callback_reference TEXT NOT NULL,
    type               TEXT NOT NULL,
    body               TEXT NOT NULL,
    created_ms         INTEGER NOT NULL,
    written_ms         INTEGER NOT NULL,
    due_ms             INTEGER NOT NULL,
    attempts           INTEGER NOT NULL,
    dead               INTEGER NOT NULL,
    last_error         TEXT NOT NULL
  );
  CREATE INDEX outbox_dead ON outbox (sequence) WHERE dead = 1;
  INSERT INTO meta VALUES ('outbox_sequence', '0');
  INSERT INTO meta VALUES ('relocating', '0');
)",
                                                 R"(
  CREATE TABLE table_versions (
    version    INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,
    summary    TEXT NOT NULL,
    rows       INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    finished   INTEGER NOT NULL
  );
  CREATE TABLE rows_before (
    made_by    INTEGER NOT NULL,
    app_d_id   TEXT NOT NULL,
    ue         TEXT NOT NULL,
    targets    TEXT NOT NULL,
    writer     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (made_by, app_d_id, ue)
  ) WITHOUT ROWID;
  CREATE TABLE rewrite_pieces (
    piece    INTEGER PRIMARY KEY,
    document TEXT NOT NULL
  );
)",
                                                 R"(
  CREATE TABLE packages (
    package_id TEXT PRIMARY KEY,
    document   TEXT NOT NULL
  );
  CREATE TABLE package_subscriptions (
    subscription_id TEXT PRIMARY KEY,
    document        TEXT NOT NULL
  );
)",
                                                 R"(
  ALTER TABLE outbox ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;
)",
                                                 R"(
  -- Removals while a rewrite is under way; what items of a context wait for.
  CREATE TABLE removed_rows (
    app_d_id TEXT NOT NULL,
    ue       TEXT NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (app_d_id, ue)
  ) WITHOUT ROWID;
  ALTER TABLE contexts ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
  UPDATE contexts SET
    waits = CASE ue WHEN 'offered' THEN 2 WHEN 'requested' THEN 3 ELSE 1 END,
    ue = CASE WHEN ue IN ('offered', 'requested') THEN '' ELSE ue END
  WHERE reference_uri = '';
)",
                                                 R"(
  -- One entry for each context and topic.
  CREATE TABLE outbox_of_topics (
    sequence           INTEGER PRIMARY KEY,
    context_id         TEXT NOT NULL,
    revision           INTEGER NOT NULL,
    callback_reference TEXT NOT NULL,
    type               TEXT NOT NULL,
    body               TEXT NOT NULL,
    created_ms         INTEGER NOT NULL,
    written_ms         INTEGER NOT NULL,
    due_ms             INTEGER NOT NULL,
    attempts           INTEGER NOT NULL,
    dead               INTEGER NOT NULL,
    last_error         TEXT NOT NULL,
    waited_ms          INTEGER NOT NULL,
    topic              INTEGER NOT NULL,
    UNIQUE (context_id, topic)
  );
  INSERT INTO outbox_of_topics
    SELECT sequence, context_id, revision, callback_reference, type, body, created_ms, written_ms,
      due_ms, attempts, dead, last_error, waited_ms,
      CASE type WHEN 'ApplicationLocationAvailabilityNotification' THEN 1 ELSE 0 END
    FROM outbox;
  DROP TABLE outbox;
  ALTER TABLE outbox_of_topics RENAME TO outbox;
  CREATE INDEX outbox_dead ON outbox (sequence) WHERE dead = 1;
)",
                                                 R"(
  -- A row that was changed after a rewrite that is under way has had its turn in it.
  INSERT INTO rows_before
    SELECT rewrite.version, later.app_d_id, later.ue, later.targets, later.writer, later.reason,
      later.version, later.updated_ms
    FROM table_versions AS rewrite
    JOIN (SELECT app_d_id, ue, MIN(made_by) AS made_by FROM rows_before
          WHERE made_by > (SELECT MIN(version) FROM table_versions WHERE finished = 0)
          GROUP BY app_d_id, ue) AS first
    JOIN rows_before AS later ON later.made_by = first.made_by
      AND later.app_d_id = first.app_d_id AND later.ue = first.ue
    WHERE rewrite.finished = 0 AND rewrite.version < first.made_by
    ON CONFLICT (made_by, app_d_id, ue) DO NOTHING;
  DROP TABLE removed_rows;
)",
                                                 R"(
  ALTER TABLE table_versions ADD COLUMN by_whom TEXT NOT NULL DEFAULT '';
)"};

int stored_version(SQLite::Database& database) {
  if (!database.tableExists("meta")) return 0;
  SQLite::Statement query(database, "SELECT value FROM meta WHERE name = 'schema'");
  return query.executeStep() ? query.getColumn(0).getInt() : 0;
}

}  // namespace

int newest_schema() { return static_cast<int>(kMigrations.size()); }

Result<void> check_schema(SQLite::Database& database) {
  const int version = stored_version(database);
  if (version == newest_schema()) return {};
  return unavailable("the store has schema " + std::to_string(version) + ", this program knows " +
                     std::to_string(newest_schema()) + ": it was written by " +
                     (version > newest_schema() ? "a newer" : "an older") + " release");
}

Result<void> migrate(SQLite::Database& database) {
  const int version = stored_version(database);
  if (version >= newest_schema()) return check_schema(database);
  SQLite::Transaction transaction(database);
  database.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
  for (int step = version; step < newest_schema(); ++step) {
    database.exec(kMigrations.at(static_cast<std::size_t>(step)));
  }
  SQLite::Statement mark(database,
                         "INSERT INTO meta VALUES ('schema', ?1) "
                         "ON CONFLICT (name) DO UPDATE SET value = excluded.value");
  mark.bind(1, std::to_string(newest_schema()));
  mark.exec();
  transaction.commit();
  return {};
}

}  // namespace mx2
