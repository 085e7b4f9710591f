// The store: everything the orchestrator must not forget, behind a seam.
//
// Writes are units of work. Whoever wants something durable submits one and goes on; a single
// writer thread runs many waiting units in one transaction, each isolated from the failure of the
// others, commits once for all of them (group commit), and then tells each how it ended. So a unit
// decides in run(), on the latest durable state, and publishes and answers in done().
// Pattern: the single plan applier of HashiCorp Nomad; group commit as in any log-structured store.
//
// Real: SqliteStore. SQL stays in orchestrator/store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/base/result.h"
#include "api/mec/app_package.h"
#include "api/operator/backup.h"
#include "api/operator/types.h"
#include "notifier/outbox.h"
#include "orchestrator/store/set_aside.h"

namespace mx2 {

// So much later background work is tried again that the storage has failed, so that it does not
// fail as fast as it can.
inline constexpr std::chrono::seconds kStoreRetry{1};

// An application context as it is kept. `document` is its MEC 016 V2.2.1 JSON, ready to be sent.
struct ContextRecord {
  std::string context_id;  // 32 hexadecimal digits
  std::uint64_t revision = 1;
  std::string app_d_id;
  std::string dev_app_id;
  std::string subject;  // who owns it, when requests are authenticated
  std::string client_ip;
  std::string host_id;        // of the first instance; empty for a literal endpoint or none yet
  std::string reference_uri;  // likewise
  std::string ue;             // selector of the row that decided
  std::uint32_t waits = 0;    // what items without an address wait for: core/asked_locations.h
  bool legacy = false;        // created in the V1.1.1 dialect
  bool has_callback = false;
  std::int64_t created_ms = 0;
  std::string document;
};

// How much of the past of the table is kept; what is older is forgotten.
struct HistoryOptions {
  std::size_t versions_max = 10'000;
  std::size_t rows_max = 1'000'000;
};

// A stretch of all contexts, by identifier.
struct ContextScan {
  std::vector<ContextRecord> contexts;
  std::string last;  // identifier looked at last; empty: the end is reached
};

// What is kept as one document under one identifier, and has nothing else to be asked for.
enum class Stored : std::uint8_t {
  kApp,
  kHost,
  kPackage,
  kPackageSubscription,
  kRewritePiece,
  kFact,  // about the whole, by name
};

// What a unit of work may do. Only inside UnitOfWork::run(), on the writer thread. Every method
// fails with `unavailable` when the storage does.
class StoreTransaction {
 public:
  virtual ~StoreTransaction() = default;

  virtual Result<void> insert_context(const ContextRecord& context) = 0;
  virtual Result<std::optional<ContextRecord>> find_context(const std::string& context_id) = 0;
  virtual Result<void> update_context(const ContextRecord& context) = 0;
  virtual Result<void> delete_context(const std::string& context_id) = 0;

  virtual Result<void> put_document(Stored kind, const std::string& id,
                                    const std::string& document) = 0;
  virtual Result<void> delete_document(Stored kind, const std::string& id) = 0;
  // As documents.
  Result<void> put(const App& app);
  Result<void> put(const Host& host);
  Result<void> put(const Package& package);
  Result<void> put(const PackageSubscription& subscription);
  Result<void> set_table_version(std::uint64_t version);
  // True while contexts may lag behind the model; survives a crash.
  Result<void> set_relocating(bool relocating);
  // Whether operators want no plans; survives restarts of whoever plans.
  Result<void> set_optimizer_paused(bool paused);
  // Which store this is and how new, and where it is begun.
  Result<void> set_epoch(const StoreEpoch& epoch, const std::string& place);

  virtual Result<void> put_row(const Association& row) = 0;
  virtual Result<void> delete_row(const UeSelector& ue, const std::string& app_d_id) = 0;
  // One whose targets cannot be read has none, and is whose it is all the same: a pin stays one.
  virtual Result<std::optional<Association>> find_row(const UeSelector& ue,
                                                      const std::string& app_d_id) = 0;

  // The history of the table: its versions, and what each row was before a version changed it.
  virtual Result<void> put_table_version(const TableVersion& version) = 0;
  // `before`: nothing when there was no such row. The first of a version counts.
  virtual Result<void> put_row_before(std::uint64_t version, const UeSelector& ue,
                                      const std::string& app_d_id,
                                      const std::optional<Association>& before) = 0;
  // Whether that is kept.
  virtual Result<bool> has_row_before(std::uint64_t version, const UeSelector& ue,
                                      const std::string& app_d_id) = 0;
  // If the history is longer than it may be, nobody goes back beyond its oldest version any more,
  // and what is kept of it goes in bounded parts. False when there is nothing left to do.
  virtual Result<bool> shorten_history() = 0;

  // Looks at the next contexts after an identifier, `limit` of them or fewer large ones, and gives
  // those of these apps.
  virtual Result<ContextScan> scan_contexts(const std::string& after, std::size_t limit,
                                            const std::set<std::string>& apps) = 0;

  // Takes the place of an entry of the same context and topic. Gives it its sequence. Of those
  // about packages the newest 1000 are kept.
  virtual Result<void> put_notification(const notifier::OutboxEntry& entry) = 0;
  // The same, but false, and nothing is written, if that entry, dead or not, is of another type.
  virtual Result<bool> put_notification_alike(const notifier::OutboxEntry& entry) = 0;
  // The entry of a context, dead or not.
  virtual Result<std::optional<notifier::OutboxEntry>> find_notification(
      const std::string& context_id, notifier::Topic topic) = 0;
  // What is owed to a context goes to another callback, as new entries.
  virtual Result<void> redirect_notifications(const std::string& context_id,
                                              const std::string& callback_reference,
                                              std::int64_t now_ms) = 0;
  virtual Result<void> delete_notification(const std::string& context_id,
                                           notifier::Topic topic) = 0;
  // Of all topics of a context, or of all packages to a subscription.
  virtual Result<void> delete_notifications(const std::string& id) = 0;
  virtual Result<void> settle_notification(const notifier::Outcome& outcome) = 0;
  // True when background work has had its share of time and should go on in another unit.
  [[nodiscard]] virtual bool time_is_up() const = 0;

  // Dead entries become due now, as new ones: of one context, or of all when it is empty. How many.
  virtual Result<std::size_t> revive_notifications(const std::string& context_id,
                                                   std::int64_t now_ms) = 0;
};

class UnitOfWork {
 public:
  virtual ~UnitOfWork() = default;
  // An error undoes this unit alone.
  virtual Result<void> run(StoreTransaction& transaction) = 0;
  // Called once, on the writer thread, in the order of run(): after the commit, or with the reason
  // why nothing of this unit is stored.
  virtual void done(const Result<void>& outcome) noexcept = 0;
  // True for changes of the model: such a unit is committed alone, so that no other unit decides
  // on a model that is already old on disk.
  [[nodiscard]] virtual bool changes_model() const { return false; }
  // True for work that no client waits for: it takes turns with what clients wait for, in batches
  // of its own, which are short while there are such clients.
  [[nodiscard]] virtual bool background() const { return false; }
  // True for a unit that writes at most once, or whose writes stand for themselves: it needs no
  // savepoint, as a single write that fails has changed nothing.
  [[nodiscard]] virtual bool writes_once() const { return false; }
};

struct ContextFilter {
  std::string app_d_id;    // empty: any
  std::string dev_app_id;  // empty: any
  std::string host_id;     // empty: any
  // That are looked at for one page, which may then have fewer, or none, and a next one all the
  // same; 0: as many as it takes.
  std::size_t look_max = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Any thread; never waits for the disk. When too much waits, or after close(), the unit is not
  // run and its done() is called here and now with `unavailable`.
  virtual void submit(std::unique_ptr<UnitOfWork> work) = 0;
  // Waits until all that was submitted is done, then takes no more.
  virtual void close() = 0;

  // Reads: what is durable, from any thread; they may wait for the disk.
  [[nodiscard]] virtual Result<Page<ContextSummary>> contexts(const ContextFilter& filter,
                                                              const std::string& cursor,
                                                              std::size_t limit) = 0;
  // Rows ordered by app and selector; empty app or ue: all. With both it is a look-up.
  [[nodiscard]] virtual Result<Page<Association>> rows(const std::string& app_d_id,
                                                       const std::string& ue,
                                                       const std::string& cursor,
                                                       std::size_t limit) = 0;

  // The same, of those that name this host and are whose; few at once are looked at, so a page may
  // have none, and a next one all the same.
  [[nodiscard]] virtual Result<Page<Association>> rows_of_host(const std::string& host_id,
                                                               Writer writer,
                                                               const std::string& cursor,
                                                               std::size_t limit) = 0;

  // Newest first; the cursor is a version.
  [[nodiscard]] virtual Result<Page<TableVersion>> table_versions(const std::string& cursor,
                                                                  std::size_t limit) = 0;
  // What makes the table what it was at `version`; gone when that is too long ago. A row whose past
  // cannot be read is set aside, and stays as it is.
  [[nodiscard]] virtual Result<std::vector<TableChange>> changes_back_to(std::uint64_t version) = 0;
  // What differs between two versions, `from` < `to`, by app and selector; gone when `from` is too
  // long ago. Each page looks at all that was changed since `from`.
  [[nodiscard]] virtual Result<Page<TableDifference>> table_differences(std::uint64_t from,
                                                                        std::uint64_t to,
                                                                        const std::string& cursor,
                                                                        std::size_t limit) = 0;

  // Living entries of the outbox after `after_sequence`, in order.
  [[nodiscard]] virtual Result<std::vector<notifier::OutboxEntry>> notifications(
      std::uint64_t after_sequence, std::size_t limit) = 0;
  // The living entry of a context, with the revision that the context has now.
  [[nodiscard]] virtual Result<std::optional<notifier::OutboxEntry>> notification(
      const std::string& context_id, notifier::Topic topic = notifier::Topic::kInstances) = 0;
  // The outbox as operators see it.
  [[nodiscard]] virtual Result<OutboxPage> outbox(bool dead, const std::string& cursor,
                                                  std::size_t limit) = 0;
  // Called on the writer's thread after each commit that wrote to the outbox. Set it before the
  // first submit(), or while nothing is submitted.
  virtual void on_notification(std::function<void()> hook) = 0;

  // What is stored and cannot be read. load() adds what it meets; whoever meets more adds it.
  [[nodiscard]] virtual SetAside& set_aside() = 0;

  // At start-up, before the first submit(): everything, in an order in which references are known.
  // One that cannot be read, or that the loader does not take, is set aside.
  struct Loader {
    std::function<Result<void>(App&&)> app;
    std::function<Result<void>(Host&&)> host;
    std::function<Result<void>(TableChange&&)> row;
    // Only whose it is, its app, identifier and host.
    std::function<void(const ContextRecord&)> context;
    std::function<void(Package&&)> package{};  // empty: these are not wanted
    std::function<void(PackageSubscription&&)> package_subscription{};
  };
  struct Loaded {
    std::uint64_t table_version = 0;
    bool relocating = false;
    bool optimizer_paused = false;
    StoreEpoch epoch;   // without an identity: none has begun yet
    std::string place;  // where it was begun
    // A rewrite that a crash has interrupted: its pieces by number. Without a version it had not
    // begun.
    std::optional<TableVersion> unfinished;
    std::map<std::size_t, std::string> rewrite_pieces;
  };
  // Or why the file cannot be used.
  [[nodiscard]] virtual Result<Loaded> load(const Loader& loader) = 0;

  // All that is durable now, as a store of its own in a new file. Takes as long as the disk; writes
  // go on meanwhile, in a log that grows. Nothing is left of the file after an error: unavailable,
  // also when `go_on`, asked now and then, says no. Any thread.
  [[nodiscard]] virtual Result<void> copy_to(const std::string& /*file*/,
                                             const std::function<bool()>& /*go_on*/) {
    return unavailable("this store cannot be copied");
  }
};

// A unit of work of two functions, for those that need no class of their own: what it is to the
// store, and the functions.
struct UnitKind {
  bool changes_model = false;
  bool background = false;
  bool writes_once = false;
};
inline constexpr UnitKind kPlainUnit{};
inline constexpr UnitKind kChangesModel{true, false, false};
inline constexpr UnitKind kBackground{false, true, false};
inline constexpr UnitKind kWritesOnce{false, false, true};

template <typename Run, typename Done>
class FunctionUnit final : public UnitOfWork {
 public:
  FunctionUnit(const UnitKind& kind, Run run, Done done)
      : kind_(kind), run_(std::move(run)), done_(std::move(done)) {}

  Result<void> run(StoreTransaction& transaction) override {
    const auto& outcome = outcome_.emplace(run_(transaction));
    return outcome.ok() ? Result<void>() : Result<void>(outcome.error());
  }
  void done(const Result<void>& stored) noexcept override {
    done_(stored.ok() ? std::move(*outcome_) : Outcome(stored.error()));
  }
  [[nodiscard]] bool changes_model() const override { return kind_.changes_model; }
  [[nodiscard]] bool background() const override { return kind_.background; }
  [[nodiscard]] bool writes_once() const override { return kind_.writes_once; }

 private:
  using Outcome = std::invoke_result_t<Run&, StoreTransaction&>;

  const UnitKind kind_;
  Run run_;
  Done done_;
  std::optional<Outcome> outcome_;
};

// `run` gives a Result of some type out of the transaction; `done` takes it after the commit, or
// why nothing is stored.
template <typename Run, typename Done>
void submit_unit(Store& store, const UnitKind& kind, Run run, Done done) {
  store.submit(std::make_unique<FunctionUnit<Run, Done>>(kind, std::move(run), std::move(done)));
}

}  // namespace mx2
