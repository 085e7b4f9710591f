#include "orchestrator/store/sqlite_queries.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/mec/codec_app_package.h"
#include "api/mx2/codec.h"
#include "api/operator/codec.h"
#include "orchestrator/store/sqlite_history.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2::sqlite {
namespace {

const std::string& id_of(const App& app) { return app.info.app_d_id; }
template <typename T>
const std::string& id_of(const T& value) {
  return value.id;
}

std::string reason_of(const Error& error) {
  return error.pointer.empty() ? error.detail : error.pointer + " " + error.detail;
}

template <typename T, typename Taken>
Result<void> take_document(const std::string& id, const char* text,
                           Result<T> (*decode)(const json::Value&),
                           const std::function<Taken(T&&)>& sink) {
  const auto document = json::parse(text);
  if (!document) return document.error();
  Result<T> value = decode(*document);
  if (!value) return value.error();
  if (id_of(*value) != id) return invalid_argument("is that of '" + id_of(*value) + "'");
  if constexpr (std::is_void_v<Taken>) {
    sink(std::move(*value));
    return {};
  } else {
    return sink(std::move(*value));
  }
}

// If they are wanted.
template <typename T, typename Taken>
void load_documents(SQLite::Database& db, Stored kind, Result<T> (*decode)(const json::Value&),
                    const std::function<Taken(T&&)>& sink, SetAside& aside) {
  if (!sink) return;
  const auto& table = kDocumentTables.at(static_cast<std::size_t>(kind));
  SQLite::Statement query(
      db, std::string("SELECT ") + table.key + ", " + table.document + " FROM " + table.name);
  while (query.executeStep()) {
    const auto id = query.getColumn(0).getString();
    const auto taken = take_document(id, query.getColumn(1).getText(), decode, sink);
    if (!taken) aside.add(table.kind, id, reason_of(taken.error()));
  }
}

// One that leads nowhere is none.
Result<Association> read_living_row(SQLite::Statement& query) {
  auto row = read_row(query);
  if (row.ok() && row->targets.empty()) return invalid_argument("has no targets");
  return row;
}

void load_rows(SQLite::Database& db, const Store::Loader& loader, SetAside& aside) {
  SQLite::Statement query(db, std::string("SELECT ") + kRowColumns + " FROM associations");
  while (query.executeStep()) {
    auto row = read_living_row(query);
    const auto taken = row ? loader.row({std::move(*row), false}) : Result<void>(row.error());
    if (taken.ok()) continue;
    aside.add("row", row_id(query.getColumn(0).getString(), query.getColumn(1).getString()),
              reason_of(taken.error()));
  }
}

std::string meta(SQLite::Database& db, const char* name) {
  SQLite::Statement query(db, "SELECT value FROM meta WHERE name = $1");
  query.bind(1, name);
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

// That are looked at for one page of those that name a host: some milliseconds.
constexpr std::size_t kRowsLookedAt = 20'000;

// Of documents whose locations are in one page of contexts.
constexpr std::size_t kListBytesMax = std::size_t{16} << 20U;

// Most contexts have none, and need not be parsed to see it.
std::optional<LocationConstraints> location_of(std::string_view document) {
  if (document.find("\"appLocation\"") == std::string_view::npos) return std::nullopt;
  const auto context = codec::decode_stored_context(document);
  if (!context) return std::nullopt;
  return context->app_info.user_app_instance_info.front().app_location;
}

// The cursor of rows: app and selector with a newline between, as neither can hold one.
struct RowKey {
  std::string app_d_id;
  std::string ue;
};

Result<RowKey> row_key(const std::string& cursor) {
  const auto newline = cursor.find('\n');
  if (cursor.empty()) return RowKey{};
  if (newline == std::string::npos) return invalid_argument("bad cursor");
  return RowKey{cursor.substr(0, newline), cursor.substr(newline + 1)};
}

std::string cursor_after(SQLite::Statement& query) {
  return query.getColumn(0).getString() + "\n" + query.getColumn(1).getString();
}

bool names_host(const Association& row, const std::string& host_id) {
  return std::any_of(row.targets.begin(), row.targets.end(), [&](const Target& target) {
    return target.kind == Target::Kind::kHost && target.value == host_id;
  });
}

// Where the query itself has no filter. Columns as in contexts().
bool is_of(const ContextFilter& filter, SQLite::Statement& query) {
  const auto fits = [&](int column, const std::string& wanted) {
    return wanted.empty() || query.getColumn(column).getText() == wanted;
  };
  return fits(1, filter.app_d_id) && fits(2, filter.dev_app_id) && fits(4, filter.host_id);
}

OutboxItem item_of(const notifier::OutboxEntry& entry) {
  return {entry.context_id, entry.type, entry.callback_reference, entry.attempts, entry.written_ms,
          entry.due_ms,     entry.dead, entry.last_error};
}

void count_outbox(SQLite::Database& db, OutboxPage& out) {
  SQLite::Statement counts(db,
                           "SELECT COUNT(CASE WHEN dead = 0 THEN 1 END), "
                           "COUNT(CASE WHEN dead = 1 THEN 1 END), "
                           "MIN(CASE WHEN dead = 0 THEN written_ms END) FROM outbox");
  counts.executeStep();
  read_columns(counts, out.pending, out.dead);
  if (out.pending > 0) out.oldest_ms = counts.getColumn(2).getInt64();
  SQLite::Statement error(db,
                          "SELECT last_error FROM outbox WHERE last_error <> '' "
                          "ORDER BY due_ms DESC LIMIT 1");
  if (error.executeStep()) out.last_error = error.getColumn(0).getString();
}

}  // namespace

Result<Page<ContextSummary>> contexts(SQLite::Database& db, const ContextFilter& filter,
                                      const std::string& cursor, std::size_t limit) {
  SQLite::Statement query(
      db,
      "SELECT context_id, app_d_id, dev_app_id, client_ip, host_id, reference_uri, ue, created_ms, "
      "has_callback, document FROM contexts WHERE context_id > $1 AND ($2 = '' OR app_d_id = $2) "
      "AND ($3 = '' OR dev_app_id = $3) AND ($4 = '' OR host_id = $4) "
      "ORDER BY context_id LIMIT $5");
  const bool bounded = filter.look_max > 0;
  const auto all = bounded ? ContextFilter() : filter;
  const auto most = bounded ? filter.look_max + 1 : limit + 1;
  bind_all(query, cursor, all.app_d_id, all.dev_app_id, all.host_id, most);
  Page<ContextSummary> page;
  std::size_t bytes = 0;
  std::string last;
  for (std::size_t looked = 0; query.executeStep(); ++looked) {
    if (page.items.size() == limit || bytes > kListBytesMax ||
        (bounded && looked == filter.look_max)) {
      page.next = last;
      break;
    }
    last = query.getColumn(0).getString();
    if (bounded && !is_of(filter, query)) continue;
    auto& item = page.items.emplace_back();
    read_columns(query, item.context_id, item.app_d_id, item.dev_app_id, item.client_ip,
                 item.host_id, item.reference_uri, item.ue, item.created_ms, item.has_callback);
    const std::string_view document = query.getColumn(9).getText();
    item.app_location = location_of(document);
    if (item.app_location) bytes += document.size();
  }
  return page;
}

Result<Page<Association>> rows(SQLite::Database& db, const std::string& app_d_id,
                               const std::string& ue, const std::string& cursor,
                               std::size_t limit) {
  const auto after = row_key(cursor);
  if (!after) return after.error();
  const bool is_one = !app_d_id.empty() && !ue.empty();  // by the primary key
  SQLite::Statement query(db, std::string("SELECT ") + kRowColumns +
                                  " FROM associations "
                                  "WHERE (app_d_id > $1 OR (app_d_id = $1 AND ue > $2)) AND " +
                                  (is_one ? "app_d_id = $3 AND ue = $4"
                                          : "($3 = '' OR app_d_id = $3) AND ($4 = '' OR ue = $4)") +
                                  " ORDER BY app_d_id, ue LIMIT $5");
  bind_all(query, after->app_d_id, after->ue, app_d_id, ue, limit + 1);
  Page<Association> page;
  std::string last;
  for (std::size_t seen = 0; query.executeStep(); ++seen) {
    if (seen == limit) {
      page.next = last;
      break;
    }
    last = cursor_after(query);
    // Others were set aside when they were loaded.
    if (auto row = read_living_row(query)) page.items.push_back(std::move(*row));
  }
  return page;
}

Result<Page<Association>> rows_of_host(SQLite::Database& db, const std::string& host_id,
                                       Writer writer, const std::string& cursor,
                                       std::size_t limit) {
  const auto after = row_key(cursor);
  if (!after) return after.error();
  SQLite::Statement query(db, std::string("SELECT ") + kRowColumns +
                                  " FROM associations WHERE (app_d_id, ue) > ($1, $2) "
                                  "ORDER BY app_d_id, ue LIMIT $3");
  bind_all(query, after->app_d_id, after->ue, kRowsLookedAt + 1);
  Page<Association> page;
  std::string last;
  for (std::size_t looked = 0; query.executeStep(); ++looked) {
    if (looked == kRowsLookedAt || page.items.size() == limit) {
      page.next = last;
      break;
    }
    last = cursor_after(query);
    auto row = read_living_row(query);
    if (row.ok() && row->writer == writer && names_host(*row, host_id)) {
      page.items.push_back(std::move(*row));
    }
  }
  return page;
}

Result<std::vector<notifier::OutboxEntry>> notifications(SQLite::Database& db,
                                                         std::uint64_t after_sequence,
                                                         std::size_t limit) {
  SQLite::Statement query(db, std::string("SELECT ") + kOutboxColumns +
                                  " FROM outbox WHERE sequence > $1 AND dead = 0 "
                                  "ORDER BY sequence LIMIT $2");
  bind_all(query, after_sequence, limit);
  std::vector<notifier::OutboxEntry> entries;
  while (query.executeStep()) entries.push_back(read_entry(query));
  return entries;
}

std::unique_ptr<SQLite::Statement> prepare_notification(SQLite::Database& db) {
  return std::make_unique<SQLite::Statement>(
      db, std::string("SELECT ") + kOutboxColumns +
              ", (SELECT c.revision FROM contexts AS c WHERE c.context_id = outbox.context_id) "
              "FROM outbox WHERE context_id = $1 AND topic = $2 AND dead = 0");
}

Result<std::optional<notifier::OutboxEntry>> notification(SQLite::Statement& prepared,
                                                          const std::string& context_id,
                                                          notifier::Topic topic) {
  const Reset reset(prepared);
  bind_all(prepared, context_id, topic);
  std::optional<notifier::OutboxEntry> found;
  if (!prepared.executeStep()) return found;
  found = read_entry(prepared);
  const auto now = prepared.getColumn(prepared.getColumnCount() - 1);  // null: it has ended
  if (!now.isNull()) found->revision = static_cast<std::uint64_t>(now.getInt64());
  return found;
}

Result<OutboxPage> outbox(SQLite::Database& db, bool dead, const std::string& cursor,
                          std::size_t limit) {
  OutboxPage out;
  count_outbox(db, out);
  SQLite::Statement query(db, std::string("SELECT ") + kOutboxColumns +
                                  " FROM outbox WHERE sequence > $1 AND dead = $2 "
                                  "ORDER BY sequence LIMIT $3");
  bind_all(query, parse_uint(cursor).value_or(0), dead, limit + 1);
  std::uint64_t last = 0;
  while (query.executeStep()) {
    if (out.page.items.size() == limit) {
      out.page.next = std::to_string(last);
      break;
    }
    const auto entry = read_entry(query);
    last = entry.sequence;
    out.page.items.push_back(item_of(entry));
  }
  return out;
}

Result<Store::Loaded> load(SQLite::Database& db, const Store::Loader& loader, SetAside& aside) {
  load_documents<App>(db, Stored::kApp, codec::decode_stored_app, loader.app, aside);
  load_documents<Host>(db, Stored::kHost, codec::decode_stored_host, loader.host, aside);
  load_rows(db, loader, aside);
  load_documents<Package>(db, Stored::kPackage, codec::decode_package, loader.package, aside);
  load_documents<PackageSubscription>(db, Stored::kPackageSubscription,
                                      codec::decode_stored_subscription,
                                      loader.package_subscription, aside);
  SQLite::Statement contexts(
      db, "SELECT subject, dev_app_id, app_d_id, context_id, host_id FROM contexts");
  ContextRecord context;
  while (contexts.executeStep()) {
    read_columns(contexts, context.subject, context.dev_app_id, context.app_d_id,
                 context.context_id, context.host_id);
    loader.context(context);
  }
  Store::Loaded loaded;
  loaded.table_version = parse_uint(meta(db, "table_version")).value_or(0);
  loaded.relocating = meta(db, "relocating") == "1";
  loaded.optimizer_paused = meta(db, "optimizer_paused") == "1";
  loaded.epoch = parse_store_epoch(meta(db, "epoch")).value_or(StoreEpoch());
  loaded.place = meta(db, "place");
  load_rewrite(db, loaded);
  return loaded;
}

}  // namespace mx2::sqlite
