#include "orchestrator/store/sqlite_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "api/base/file_lock.h"
#include "api/base/log.h"
#include "orchestrator/store/checkpointer.h"
#include "orchestrator/store/log_mark.h"
#include "orchestrator/store/schema.h"
#include "orchestrator/store/sqlite_connection.h"
#include "orchestrator/store/sqlite_copy.h"
#include "orchestrator/store/sqlite_queries.h"
#include "orchestrator/store/sqlite_statements.h"
#include "orchestrator/store/sqlite_values.h"
#include "orchestrator/store/store_files.h"

namespace mx2 {
namespace {

using Units = std::vector<std::unique_ptr<UnitOfWork>>;
using Queue = std::deque<std::unique_ptr<UnitOfWork>>;

// Background work: how much of it one batch takes while clients wait for others, and otherwise.
using Time = std::chrono::steady_clock::time_point;
constexpr auto kClientsLately = std::chrono::milliseconds(50);
constexpr auto kShortShare = std::chrono::microseconds(300);
constexpr auto kLongShare = std::chrono::milliseconds(15);
constexpr std::size_t kFewUnits = 2;
constexpr std::size_t kManyUnits = 64;

// A second writer gives the first this many times what it takes itself.
constexpr int kTurnsOfOrchestrator = 4;
constexpr std::chrono::steady_clock::duration kTurnLeast = std::chrono::milliseconds(5);
constexpr std::chrono::steady_clock::duration kTurnMost = std::chrono::milliseconds(50);

void execute(SQLite::Statement& statement) {
  const sqlite::Reset reset(statement);
  statement.exec();
}

// A unit that changes the model is a batch of its own: it ends the batch before it and is followed
// by a new one.
Units take_units(Queue& queue, std::size_t most) {
  Units batch;
  while (!queue.empty() && batch.size() < most) {
    const bool alone = queue.front()->changes_model();
    if (alone && !batch.empty()) break;
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
    if (alone) break;
  }
  return batch;
}

}  // namespace

struct SqliteStore::Impl {
  Impl(std::unique_ptr<FileLock> file_lock, const SqliteOptions& store_options,
       metrics::Registry& registry)
      : lock(std::move(file_lock)),
        options(store_options),
        writer(options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, sqlite::kBusyTimeoutMs),
        batch_size(registry.histogram("mx2_store_batch_units", "Units of work in one commit", {},
                                      {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})),
        commit_seconds(registry.histogram("mx2_store_commit_seconds",
                                          "Time of one batch, from begin to durable", {},
                                          metrics::latency_bounds())),
        failures(registry.counter("mx2_store_failures_total", "Batches that could not be stored")),
        waiting(registry.gauge("mx2_store_waiting_units", "Units of work not yet begun")),
        aside(registry),
        all_metrics(registry) {}

  Result<void> prepare() {
    sqlite::keep_log(writer, !options.beside_orchestrator && !log_was_empty);
    sqlite::configure(writer, options);
    if (auto ready = options.beside_orchestrator ? check_schema(writer) : migrate(writer); !ready) {
      return ready;
    }
    sqlite::limit_size(writer, options);  // which a migration may have to exceed for a moment
    transaction = std::make_unique<SqliteTransaction>(writer, options.history, aside);
    if (!options.beside_orchestrator) {
      if (auto reserved = transaction->reserve_sequences(writer); !reserved) return reserved;
      begin_log();
    }
    begin = std::make_unique<SQLite::Statement>(writer, "BEGIN IMMEDIATE");
    commit_all = std::make_unique<SQLite::Statement>(writer, "COMMIT");
    savepoint = std::make_unique<SQLite::Statement>(writer, "SAVEPOINT unit");
    release = std::make_unique<SQLite::Statement>(writer, "RELEASE unit");
    undo = std::make_unique<SQLite::Statement>(writer, "ROLLBACK TO unit");
    reader.open(options.path);
    outbox_reader.open(options.path);
    history_reader.open(options.path);
    if (!options.beside_orchestrator) {
      checkpointer = std::make_unique<Checkpointer>(options.path, options.checkpoint_pages,
                                                    options.size_bytes_max, all_metrics);
      checkpointer->attach(writer.getHandle());
    }
    thread = std::thread([this] { write_until_closed(); });
    return {};
  }

  // With a log that was empty at open, so the main file is the whole truth: from now on an older
  // copy of it differs by its mark.
  void begin_log() {
    mark = std::make_unique<LogMark>(writer);
    if (!log_was_empty) return;
    lock->set_text(mark->begin(writer));
    if (sqlite::empty_log(writer.getHandle())) mark->renew();
  }

  void write_until_closed();
  void follow_log();
  void leave_turn(std::chrono::steady_clock::duration took);
  Units next_batch();
  Units take_background();
  void commit(Units batch);
  Result<void> run_isolated(UnitOfWork& unit);
  Result<void> run_all(const Units& batch, std::vector<Result<void>>& outcomes);

  std::unique_ptr<FileLock> lock;
  const SqliteOptions options;
  const bool log_was_empty = size_of(log_of(options.path)) == 0;
  SQLite::Database writer;
  std::unique_ptr<LogMark> mark;               // null: beside an orchestrator
  std::unique_ptr<Checkpointer> checkpointer;  // likewise
  std::unique_ptr<SqliteTransaction> transaction;
  std::unique_ptr<SQLite::Statement> begin;
  std::unique_ptr<SQLite::Statement> commit_all;
  std::unique_ptr<SQLite::Statement> savepoint;
  std::unique_ptr<SQLite::Statement> release;
  std::unique_ptr<SQLite::Statement> undo;

  sqlite::Reader reader;
  // Of their own, so that neither an operator's long list nor the way back to an old version of the
  // table delays a notification.
  sqlite::Reader outbox_reader;
  sqlite::Reader history_reader;
  std::unique_ptr<SQLite::Statement> find_notification;
  std::function<void()> notification_hook;

  std::mutex queue_mutex;
  std::condition_variable queue_changed;
  Queue queue;       // what clients wait for
  Queue background;  // what nobody waits for
  bool background_was_last = false;
  Time last_request{};
  bool closed = false;
  std::thread thread;

  metrics::Histogram& batch_size;
  metrics::Histogram& commit_seconds;
  metrics::Counter& failures;
  metrics::Gauge& waiting;
  SetAside aside;
  metrics::Registry& all_metrics;
};

// What clients wait for and background work take turns.
Units SqliteStore::Impl::next_batch() {
  std::unique_lock guard(queue_mutex);
  queue_changed.wait(guard, [&] { return closed || !queue.empty() || !background.empty(); });
  const bool turn_of_background = queue.empty() || !background_was_last;
  background_was_last = !background.empty() && turn_of_background;
  auto batch = background_was_last ? take_background() : take_units(queue, options.batch_max);
  waiting.set(static_cast<double>(queue.size() + background.size()));
  return batch;
}

Units SqliteStore::Impl::take_background() {
  const auto now = std::chrono::steady_clock::now();
  const bool clients = now - last_request < kClientsLately || options.beside_orchestrator;
  transaction->set_deadline(now + (clients ? kShortShare : kLongShare));
  return take_units(background, clients ? kFewUnits : kManyUnits);
}

void SqliteStore::Impl::write_until_closed() {
  for (auto batch = next_batch(); !batch.empty(); batch = next_batch()) {
    const auto start = std::chrono::steady_clock::now();
    if (checkpointer) transaction->set_full(!checkpointer->make_room(start));
    commit(std::move(batch));
    if (checkpointer) {
      follow_log();
    } else {
      leave_turn(std::chrono::steady_clock::now() - start);
    }
  }
  if (mark) mark->end(writer);
}

void SqliteStore::Impl::follow_log() {
  checkpointer->finish_if_near();
  if (!checkpointer->has_begun_anew()) return;
  try {
    mark->renew();
    // One mark for each log: this one may itself have been the first of the next.
    static_cast<void>(checkpointer->has_begun_anew());
  } catch (const SQLite::Exception& e) {
    log::debug("log not marked", {{"reason", e.what()}});  // it keeps the mark it has
  }
}

// SQLite's lock knows no order: whoever goes on at once keeps the other waiting.
void SqliteStore::Impl::leave_turn(std::chrono::steady_clock::duration took) {
  const auto pause = std::clamp(kTurnsOfOrchestrator * took, kTurnLeast, kTurnMost);
  std::unique_lock guard(queue_mutex);
  queue_changed.wait_for(guard, pause, [&] { return closed; });
}

Result<void> SqliteStore::Impl::run_isolated(UnitOfWork& unit) {
  const auto replaced = transaction->replaced();
  const bool isolate = !unit.writes_once();
  if (isolate) execute(*savepoint);
  Result<void> outcome;
  try {
    outcome = unit.run(*transaction);
  } catch (const std::exception& e) {
    outcome = internal(e.what());
  }
  if (!outcome) transaction->forget_replaced(replaced, false);
  // SQLite itself may have rolled everything back (disk full, I/O error): no savepoint is left.
  if (!isolate || sqlite3_get_autocommit(writer.getHandle()) != 0) return outcome;
  if (!outcome) execute(*undo);
  execute(*release);
  return outcome;
}

// An error: nothing of the batch is stored.
Result<void> SqliteStore::Impl::run_all(const Units& batch, std::vector<Result<void>>& outcomes) {
  try {
    execute(*begin);
    for (const auto& unit : batch) {
      outcomes.push_back(run_isolated(*unit));
      if (sqlite3_get_autocommit(writer.getHandle()) != 0) {
        return outcomes.back().ok() ? unavailable("the storage does not work") : outcomes.back();
      }
    }
    execute(*commit_all);
    return {};
  } catch (const SQLite::Exception& e) {
    if (sqlite3_get_autocommit(writer.getHandle()) == 0) writer.tryExec("ROLLBACK");
    return storage_error(e);
  }
}

void SqliteStore::Impl::commit(Units batch) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Result<void>> outcomes;
  outcomes.reserve(batch.size());
  const auto stored = run_all(batch, outcomes);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  transaction->forget_replaced(0, stored.ok());
  batch_size.observe(static_cast<double>(batch.size()));
  commit_seconds.observe(took.count());
  if (!stored) {
    failures.add();
    log::error("batch not stored", {{"reason", stored.error().detail},
                                    {"cause", stored.error().internal_text},
                                    {"units", batch.size()}});
    outcomes.assign(batch.size(), stored);
  }
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->done(outcomes[i]);
  // After the answers: what a batch has answered is on its way before it is followed up.
  if (transaction->take_notified() && stored && notification_hook) notification_hook();
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteOptions& options,
                                                       metrics::Registry& registry) {
  try {
    auto held = take_files(options);
    if (!held) return held.error();
    auto impl = std::make_unique<Impl>(std::move(*held), options, registry);
    if (auto ready = impl->prepare(); !ready) {
      return unavailable(options.path + ": " + ready.error().detail +
                         sqlite::advice(ready.error(), options.path));
    }
    return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(impl)));
  } catch (const SQLite::Exception& e) {
    const auto error = storage_error(e);
    return unavailable("cannot open the store " + options.path + ": " + error.detail + " (" +
                           e.what() + ")" + sqlite::advice(error, options.path),
                       e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return unavailable("cannot create the directory of the store: " + std::string(e.what()));
  }
}

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteStore::~SqliteStore() { close(); }

void SqliteStore::submit(std::unique_ptr<UnitOfWork> work) {
  {
    const std::lock_guard guard(impl_->queue_mutex);
    const bool behind = work->background();
    auto& queue = behind ? impl_->background : impl_->queue;
    if (!impl_->closed && queue.size() < impl_->options.queue_max) {
      if (!behind) impl_->last_request = std::chrono::steady_clock::now();
      queue.push_back(std::move(work));
      impl_->queue_changed.notify_one();
      return;
    }
  }
  work->done(unavailable("too many requests are waiting for the storage"));
}

void SqliteStore::close() {
  {
    const std::lock_guard guard(impl_->queue_mutex);
    impl_->closed = true;
  }
  impl_->queue_changed.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<Page<ContextSummary>> SqliteStore::contexts(const ContextFilter& filter,
                                                   const std::string& cursor, std::size_t limit) {
  return impl_->reader.read(sqlite::contexts, filter, cursor, limit);
}

Result<Page<Association>> SqliteStore::rows(const std::string& app_d_id, const std::string& ue,
                                            const std::string& cursor, std::size_t limit) {
  return impl_->reader.read(sqlite::rows, app_d_id, ue, cursor, limit);
}

Result<Page<Association>> SqliteStore::rows_of_host(const std::string& host_id, Writer writer,
                                                    const std::string& cursor, std::size_t limit) {
  return impl_->reader.read(sqlite::rows_of_host, host_id, writer, cursor, limit);
}

Result<Page<TableVersion>> SqliteStore::table_versions(const std::string& cursor,
                                                       std::size_t limit) {
  return impl_->reader.read(sqlite::table_versions, cursor, limit);
}

Result<std::vector<TableChange>> SqliteStore::changes_back_to(std::uint64_t version) {
  return impl_->history_reader.read(
      [&](SQLite::Database& db) { return sqlite::changes_back_to(db, version, impl_->aside); });
}

Result<Page<TableDifference>> SqliteStore::table_differences(std::uint64_t from, std::uint64_t to,
                                                             const std::string& cursor,
                                                             std::size_t limit) {
  return impl_->history_reader.read([&](SQLite::Database& db) {
    return sqlite::table_differences(db, from, to, cursor, limit, impl_->aside);
  });
}

Result<std::vector<notifier::OutboxEntry>> SqliteStore::notifications(std::uint64_t after_sequence,
                                                                      std::size_t limit) {
  return impl_->outbox_reader.read(sqlite::notifications, after_sequence, limit);
}

Result<std::optional<notifier::OutboxEntry>> SqliteStore::notification(
    const std::string& context_id, notifier::Topic topic) {
  return impl_->outbox_reader.read([&](SQLite::Database& db) {
    if (!impl_->find_notification) impl_->find_notification = sqlite::prepare_notification(db);
    return sqlite::notification(*impl_->find_notification, context_id, topic);
  });
}

Result<OutboxPage> SqliteStore::outbox(bool dead, const std::string& cursor, std::size_t limit) {
  return impl_->reader.read(sqlite::outbox, dead, cursor, limit);
}

void SqliteStore::on_notification(std::function<void()> hook) {
  impl_->notification_hook = std::move(hook);
}

Result<Store::Loaded> SqliteStore::load(const Loader& loader) {
  auto loaded = impl_->reader.read(
      [&](SQLite::Database& db) { return sqlite::load(db, loader, impl_->aside); });
  if (!loaded) {
    auto error = loaded.error();
    error.detail += sqlite::advice(error, impl_->options.path);
    return error;
  }
  if (!impl_->options.beside_orchestrator) sqlite::keep_log(impl_->writer, false);
  return loaded;
}

Result<void> SqliteStore::copy_to(const std::string& file, const std::function<bool()>& go_on) {
  return sqlite::copy_database(impl_->options.path, file, go_on);
}

SetAside& SqliteStore::set_aside() { return impl_->aside; }

}  // namespace mx2
