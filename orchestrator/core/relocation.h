// After a change of the model, the contexts that exist follow it: each gets the addresses it should
// have now, and its device application is owed a notification, in the same transaction.
//
// A change may concern a million contexts, so it is followed in pieces of a few milliseconds, as
// background work of the store: creates go on between them, and the clock is looked at after each
// context. Those that ask for areas are worked out by a thread of their own first, in turns of
// their owners; the others do not wait for them. Until the last piece the store remembers that
// contexts may lag behind, and after a crash or a stop all of them are looked at again. Looking
// twice does no harm: what is right already is left alone.
//
// Contexts of strategy `baseline`, and those whose app has gone, keep what they have. So does a
// context that nobody can serve any more; it is counted, and if an instance could be started for it
// somewhere, that is asked for. An item that waits for a location (appLocationUpdates) is told
// once that the location has become available; its device application then asks for it (PUT). That
// other items have moved meanwhile is told beside it.
//
// Threads: the store writer's; resume() before it starts, stop() any, before the store is closed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "orchestrator/core/assignment.h"
#include "orchestrator/core/context_ledger.h"
#include "orchestrator/core/fair_queue.h"
#include "orchestrator/core/instantiation.h"
#include "orchestrator/core/location_worker.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// Contexts that a change may concern: those of an app, or of one device application for it.
struct RelocationScope {
  std::string app_d_id;
  std::string dev_app_id;  // empty: all
};
using RelocationScopes = std::vector<RelocationScope>;

class Relocation {
 public:
  Relocation(LiveModel& model, Store& store, const Clock& clock, ContextLedger& ledger,
             const StrategyOptions& strategy, metrics::Registry& registry);
  ~Relocation() { stop(); }
  Relocation(const Relocation&) = delete;
  Relocation& operator=(const Relocation&) = delete;

  // False for apps whose contexts keep what they have.
  [[nodiscard]] bool follows(const App& app) const {
    return strategy_of(app, strategy_) != Strategy::kBaseline;
  }
  // The dispatchers' rows concern the contexts of others.
  [[nodiscard]] bool follows(const std::string& app_d_id) const;

  // In the transaction of the change, for scopes of apps that follow: contexts may lag behind now.
  Result<void> announce(StoreTransaction& transaction, const RelocationScopes& scopes);
  // After its commit, when the model shows it.
  void begin(const RelocationScopes& scopes);
  // Who starts λ for contexts that nobody can serve. Before the first change.
  void use(Instantiation& instantiation) { instantiation_ = &instantiation; }
  // At start-up: `lagging` as the store says.
  void resume(bool lagging);
  // What is not done by then is done after the next start.
  void stop();

 private:
  // How far one piece has come; taken over when it is durable.
  struct Progress {
    std::size_t worked_out_done = 0;
    // Contexts that ask for areas, with their owners: found, and of those that wait now with
    // the worker.
    std::vector<std::pair<std::string, std::string>> areas;
    std::size_t areas_done = 0;
    std::vector<LocationWorker::Job> jobs;
    bool blocked = false;  // too many of them wait
    bool begun = false;    // some context was looked at: the time may be up
    std::size_t devices_done = 0;
    std::vector<std::string> contexts;  // of the last of these, still to be looked at
    std::string cursor;
    bool wrapped = false;
    bool sweep_done = false;
    bool all_done = false;
    std::size_t moved = 0;
    std::size_t unserved = 0;
    std::vector<ContextLedger::Entry> changed;
    std::set<Start> starts;
  };

  void sweep(const std::string& app_d_id);
  void sweep_instead();
  void submit_piece();
  void submit_again();
  Result<Progress> run_piece(StoreTransaction& transaction);
  Result<void> run_worked_out(StoreTransaction& transaction, Progress& progress);
  Result<void> run_areas(StoreTransaction& transaction, Progress& progress);
  Result<void> run_devices(StoreTransaction& transaction, Progress& progress);
  Result<void> run_sweep(StoreTransaction& transaction, Progress& progress);
  [[nodiscard]] static bool must_end(const StoreTransaction& transaction, const Progress& progress);
  Result<void> relocate(StoreTransaction& transaction, ContextRecord& record, Progress& progress);
  Result<void> relocate(StoreTransaction& transaction, ContextRecord& record, AppContext& context,
                        const AskedLocations& locations, Progress& progress);
  void note_unreadable(const std::string& context_id, const Error& error);
  static void let_wait(const ContextRecord& record, Progress& progress);
  [[nodiscard]] std::size_t room_of_worker() const;
  [[nodiscard]] bool can_go_on(const Progress& progress) const;
  Result<void> tell_move(StoreTransaction& transaction, const ContextRecord& record,
                         const AppContext& context, const Notification& notification,
                         ContextLedger::Entry& entry);
  Result<void> tell_offers(StoreTransaction& transaction, const ContextRecord& record,
                           const AppContext& context, std::vector<LocationConstraints> offered,
                           Progress& progress);
  void finish_piece(Result<Progress> outcome);
  void publish(Progress& progress);
  void report();

  LiveModel& model_;
  Store& store_;
  const Clock& clock_;
  ContextLedger& ledger_;
  const StrategyOptions strategy_;
  Instantiation* instantiation_ = nullptr;
  metrics::Counter& moves_;
  metrics::Counter& unserved_;

  bool announced_ = false;                 // as the store has it
  std::atomic<bool> outstanding_ = false;  // a piece
  std::deque<LocationWorker::Done> worked_out_;
  FairQueue areas_;  // contexts that the worker is to have
  std::deque<RelocationScope> devices_;
  std::vector<std::string> contexts_;  // of the device application before these
  // One walk around all contexts serves all apps: it ends where it was when the last was added.
  std::set<std::string> swept_apps_;
  std::string cursor_;
  std::string sweep_end_;
  bool wrapped_ = false;
  std::chrono::steady_clock::time_point began_;
  std::size_t moved_now_ = 0;
  std::size_t unserved_now_ = 0;

  Worker retry_{Worker::kWhenWoken};
  LocationWorker worker_;
};

}  // namespace mx2
