#include "orchestrator/store/sqlite_statements.h"

#include <sqlite3.h>

#include "api/base/text.h"
#include "api/operator/codec.h"

namespace mx2 {
namespace {

constexpr const char* kContextColumns =
    "context_id, revision, app_d_id, dev_app_id, subject, client_ip, host_id, reference_uri, ue, "
    "legacy, has_callback, created_ms, document";

void bind(SQLite::Statement& statement, int at, const std::string& text) {
  statement.bindNoCopy(at, text);
}
void bind(SQLite::Statement& statement, int at, std::int64_t number) { statement.bind(at, number); }

template <typename... Values>
void bind_all(SQLite::Statement& statement, const Values&... values) {
  int at = 0;
  (bind(statement, ++at, values), ...);
}

// Runs a write and leaves the statement ready for the next, whatever happens.
template <typename... Values>
Result<void> write(SQLite::Statement& statement, const Values&... values) {
  try {
    bind_all(statement, values...);
    statement.exec();
    statement.reset();
    return {};
  } catch (const SQLite::Exception& e) {
    statement.tryReset();
    return storage_error(e);
  }
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
  return context;
}

std::string join_targets(const std::vector<Target>& targets) {
  std::string text;
  for (const auto& target : targets) text += (text.empty() ? "" : " ") + target.text();
  return text;
}

Result<Association> read_row(SQLite::Statement& row) {
  Association association;
  association.app_d_id = row.getColumn(0).getString();
  auto ue = UeSelector::parse(row.getColumn(1).getString());
  if (!ue) return ue.error();
  association.ue = std::move(*ue);
  for (const auto text : split(row.getColumn(2).getText(), ' ')) {
    auto target = Target::parse(text);
    if (!target) return target.error();
    association.targets.push_back(std::move(*target));
  }
  association.writer = row.getColumn(3).getInt() == 0 ? Writer::kOperator : Writer::kOptimizer;
  association.reason = row.getColumn(4).getString();
  association.version = static_cast<std::uint64_t>(row.getColumn(5).getInt64());
  association.updated_ms = row.getColumn(6).getInt64();
  return association;
}

template <typename T, typename Decode, typename Sink>
Result<void> load_documents(SQLite::Database& db, const char* sql, Decode decode, Sink& sink) {
  SQLite::Statement query(db, sql);
  while (query.executeStep()) {
    const auto document = json::parse(query.getColumn(0).getText());
    if (!document) return document.error();
    Result<T> value = decode(*document);
    if (!value) return value.error();
    if (auto taken = sink(std::move(*value)); !taken) return taken.error();
  }
  return {};
}

Result<void> load_rows(SQLite::Database& db, const Store::Loader& loader) {
  SQLite::Statement query(
      db, "SELECT app_d_id, ue, targets, writer, reason, version, updated_ms FROM associations");
  while (query.executeStep()) {
    auto row = read_row(query);
    if (!row) return row.error();
    if (auto taken = loader.row({std::move(*row), false}); !taken) return taken.error();
  }
  return {};
}

}  // namespace

Error storage_error(const SQLite::Exception& e) {
  switch (e.getErrorCode()) {
    case SQLITE_FULL: return unavailable("the storage is full", e.what());
    case SQLITE_READONLY: return unavailable("the storage is read-only", e.what());
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return unavailable("the store file is damaged", e.what());
    case SQLITE_IOERR: return unavailable("the storage does not work", e.what());
    case SQLITE_BUSY: return unavailable("the store is in use by another process", e.what());
    default: return internal(std::string("SQLite: ") + e.what());
  }
}

SqliteTransaction::SqliteTransaction(SQLite::Database& db)
    : insert_context_(db, std::string("INSERT INTO contexts (") + kContextColumns +
                              ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)"),
      find_context_(
          db, std::string("SELECT ") + kContextColumns + " FROM contexts WHERE context_id = $1"),
      // SQLite counts $n by first appearance, PostgreSQL by n: keep both the same.
      update_context_(db,
                      "UPDATE contexts SET revision = $1, host_id = $2, reference_uri = $3, "
                      "ue = $4, has_callback = $5, document = $6 WHERE context_id = $7"),
      delete_context_(db, "DELETE FROM contexts WHERE context_id = $1"),
      put_app_(db,
               "INSERT INTO apps VALUES ($1, $2) "
               "ON CONFLICT (app_d_id) DO UPDATE SET document = excluded.document"),
      delete_app_(db, "DELETE FROM apps WHERE app_d_id = $1"),
      put_host_(db,
                "INSERT INTO hosts VALUES ($1, $2) "
                "ON CONFLICT (host_id) DO UPDATE SET document = excluded.document"),
      delete_host_(db, "DELETE FROM hosts WHERE host_id = $1"),
      put_row_(db,
               "INSERT INTO associations VALUES ($1,$2,$3,$4,$5,$6,$7) "
               "ON CONFLICT (app_d_id, ue) DO UPDATE SET targets = excluded.targets, "
               "writer = excluded.writer, reason = excluded.reason, version = excluded.version, "
               "updated_ms = excluded.updated_ms"),
      delete_row_(db, "DELETE FROM associations WHERE app_d_id = $1 AND ue = $2"),
      set_version_(db, "UPDATE meta SET value = $1 WHERE name = 'table_version'") {}

Result<void> SqliteTransaction::insert_context(const ContextRecord& c) {
  return write(insert_context_, c.context_id, static_cast<std::int64_t>(c.revision), c.app_d_id,
               c.dev_app_id, c.subject, c.client_ip, c.host_id, c.reference_uri, c.ue,
               std::int64_t{c.legacy}, std::int64_t{c.has_callback}, c.created_ms, c.document);
}

Result<std::optional<ContextRecord>> SqliteTransaction::find_context(
    const std::string& context_id) {
  try {
    bind_all(find_context_, context_id);
    std::optional<ContextRecord> found;
    if (find_context_.executeStep()) found = read_context(find_context_);
    find_context_.reset();
    return found;
  } catch (const SQLite::Exception& e) {
    find_context_.tryReset();
    return storage_error(e);
  }
}

Result<void> SqliteTransaction::update_context(const ContextRecord& c) {
  return write(update_context_, static_cast<std::int64_t>(c.revision), c.host_id, c.reference_uri,
               c.ue, std::int64_t{c.has_callback}, c.document, c.context_id);
}

Result<void> SqliteTransaction::delete_context(const std::string& context_id) {
  return write(delete_context_, context_id);
}

Result<void> SqliteTransaction::put_app(const App& app) {
  return write(put_app_, app.info.app_d_id, json::dump(codec::to_json(app)));
}

Result<void> SqliteTransaction::delete_app(const std::string& app_d_id) {
  return write(delete_app_, app_d_id);
}

Result<void> SqliteTransaction::put_host(const Host& host) {
  return write(put_host_, host.id, json::dump(codec::to_json(host)));
}

Result<void> SqliteTransaction::delete_host(const std::string& id) {
  return write(delete_host_, id);
}

Result<void> SqliteTransaction::put_row(const Association& row) {
  return write(put_row_, row.app_d_id, row.ue.text(), join_targets(row.targets),
               static_cast<std::int64_t>(row.writer), row.reason,
               static_cast<std::int64_t>(row.version), row.updated_ms);
}

Result<void> SqliteTransaction::delete_row(const UeSelector& ue, const std::string& app_d_id) {
  return write(delete_row_, app_d_id, ue.text());
}

Result<void> SqliteTransaction::set_table_version(std::uint64_t version) {
  return write(set_version_, std::to_string(version));
}

namespace sqlite {

Page<ContextSummary> contexts(SQLite::Database& db, const ContextFilter& filter,
                              const std::string& cursor, std::size_t limit) {
  SQLite::Statement query(
      db,
      "SELECT context_id, app_d_id, dev_app_id, client_ip, host_id, reference_uri, ue, created_ms, "
      "has_callback FROM contexts WHERE context_id > $1 AND ($2 = '' OR app_d_id = $2) "
      "AND ($3 = '' OR dev_app_id = $3) AND ($4 = '' OR host_id = $4) "
      "ORDER BY context_id LIMIT $5");
  bind_all(query, cursor, filter.app_d_id, filter.dev_app_id, filter.host_id,
           static_cast<std::int64_t>(limit + 1));
  Page<ContextSummary> page;
  while (query.executeStep()) {
    if (page.items.size() == limit) {
      page.next = page.items.back().context_id;
      break;
    }
    auto& item = page.items.emplace_back();
    item.context_id = query.getColumn(0).getString();
    item.app_d_id = query.getColumn(1).getString();
    item.dev_app_id = query.getColumn(2).getString();
    item.client_ip = query.getColumn(3).getString();
    item.host_id = query.getColumn(4).getString();
    item.reference_uri = query.getColumn(5).getString();
    item.ue = query.getColumn(6).getString();
    item.created_ms = query.getColumn(7).getInt64();
    item.has_callback = query.getColumn(8).getInt() != 0;
  }
  return page;
}

// The cursor is the last row's app and selector with a newline between: neither can hold one.
Result<Page<Association>> rows(SQLite::Database& db, const std::string& app_d_id,
                               const std::string& ue, const std::string& cursor,
                               std::size_t limit) {
  const auto newline = cursor.find('\n');
  if (!cursor.empty() && newline == std::string::npos) return invalid_argument("bad cursor");
  const std::string after_app = cursor.substr(0, newline);
  const std::string after_ue = cursor.empty() ? "" : cursor.substr(newline + 1);
  SQLite::Statement query(
      db,
      "SELECT app_d_id, ue, targets, writer, reason, version, updated_ms FROM associations "
      "WHERE (app_d_id > $1 OR (app_d_id = $1 AND ue > $2)) AND ($3 = '' OR app_d_id = $3) "
      "AND ($4 = '' OR ue = $4) ORDER BY app_d_id, ue LIMIT $5");
  bind_all(query, after_app, after_ue, app_d_id, ue, static_cast<std::int64_t>(limit + 1));
  Page<Association> page;
  while (query.executeStep()) {
    if (page.items.size() == limit) {
      page.next = page.items.back().app_d_id + "\n" + page.items.back().ue.text();
      break;
    }
    auto row = read_row(query);
    if (!row) return row.error();
    page.items.push_back(std::move(*row));
  }
  return page;
}

Result<std::uint64_t> load(SQLite::Database& db, const Store::Loader& loader) {
  auto apps = load_documents<App>(db, "SELECT document FROM apps", codec::decode_app, loader.app);
  if (!apps) return apps.error();
  auto hosts =
      load_documents<Host>(db, "SELECT document FROM hosts", codec::decode_host, loader.host);
  if (!hosts) return hosts.error();
  if (auto loaded = load_rows(db, loader); !loaded) return loaded.error();
  SQLite::Statement contexts(db, "SELECT subject, dev_app_id FROM contexts");
  while (contexts.executeStep()) {
    loader.context({contexts.getColumn(0).getString(), contexts.getColumn(1).getString()});
  }
  SQLite::Statement version(db, "SELECT value FROM meta WHERE name = 'table_version'");
  version.executeStep();
  return parse_uint(version.getColumn(0).getString()).value_or(0);
}

}  // namespace sqlite

}  // namespace mx2
