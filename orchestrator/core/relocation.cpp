#include "orchestrator/core/relocation.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/mx2/codec.h"

namespace mx2 {
namespace {

constexpr std::size_t kDevicesMax = 100'000;
constexpr std::size_t kScanned = 16;        // contexts read at once
constexpr std::size_t kWorkedOutMax = 32;   // contexts with the worker, or back from it
constexpr std::size_t kAreasMax = 100'000;  // contexts that wait for it

// Whether life-cycle management had an instance there that has gone. What operators list is theirs
// to say.
bool lost_instance(const Model& model, const ContextRecord& record) {
  if (!model.is_packaged(record.app_d_id)) return false;
  const auto* host = model.host(record.host_id);
  if (host == nullptr || host->host.mepm_uri.empty()) return false;
  const auto& instances = host->host.instances;
  return std::none_of(instances.begin(), instances.end(), [&](const AppInstance& instance) {
    return instance.reference_uri == record.reference_uri;
  });
}

}  // namespace

Relocation::Relocation(LiveModel& model, Store& store, const Clock& clock, ContextLedger& ledger,
                       const StrategyOptions& strategy, metrics::Registry& registry)
    : model_(model),
      store_(store),
      clock_(clock),
      ledger_(ledger),
      strategy_(strategy),
      moves_(registry.counter("mx2_context_moves_total",
                              "Contexts that followed a change of the table to another address")),
      unserved_(registry.counter("mx2_contexts_unserved_total",
                                 "Contexts that kept their address because no host can serve them "
                                 "after a change")),
      worker_(model, [this] { submit_piece(); }) {
  retry_.start([this] {
    submit_again();
    return Worker::kWhenWoken;
  });
}

void Relocation::stop() {
  worker_.stop();
  retry_.stop();
}

bool Relocation::follows(const std::string& app_d_id) const {
  const auto* entry = model_.unlocked().app(app_d_id);
  return app_d_id == strategy_.dispatcher || (entry != nullptr && follows(entry->app));
}

Result<void> Relocation::announce(StoreTransaction& transaction, const RelocationScopes& scopes) {
  if (scopes.empty() || announced_) return {};
  return transaction.set_relocating(true);
}

void Relocation::begin(const RelocationScopes& scopes) {
  if (scopes.empty()) return;
  if (!announced_) {
    began_ = std::chrono::steady_clock::now();
    moved_now_ = unserved_now_ = 0;
  }
  announced_ = true;
  for (const auto& [changed, dev_app_id] : scopes) {
    for (auto& app_d_id : model_.unlocked().serves(changed)) {
      if (dev_app_id.empty()) {
        sweep(app_d_id);
      } else {
        devices_.push_back({std::move(app_d_id), dev_app_id});
      }
    }
  }
  if (devices_.size() > kDevicesMax) sweep_instead();
  submit_piece();
}

void Relocation::resume(bool lagging) {
  if (!lagging) return;
  announced_ = true;
  began_ = std::chrono::steady_clock::now();
  for (const auto& [app_d_id, entry] : model_.unlocked().apps()) sweep(app_d_id);
  submit_piece();
}

void Relocation::sweep(const std::string& app_d_id) {
  swept_apps_.insert(app_d_id);
  sweep_end_ = cursor_;
  wrapped_ = false;
}

// Changes that come faster than they can be followed one by one are followed all at once.
void Relocation::sweep_instead() {
  for (const auto& scope : devices_) sweep(scope.app_d_id);
  devices_.clear();
}

// Never a second one. Any thread.
void Relocation::submit_piece() {
  if (!outstanding_.exchange(true)) submit_again();
}

void Relocation::submit_again() {
  submit_unit(
      store_, kBackground, [this](StoreTransaction& tx) { return run_piece(tx); },
      [this](Result<Progress> progress) { finish_piece(std::move(progress)); });
}

Result<Relocation::Progress> Relocation::run_piece(StoreTransaction& transaction) {
  for (auto& done : worker_.take()) worked_out_.push_back(std::move(done));
  Progress progress;
  progress.contexts = contexts_;
  progress.cursor = cursor_;
  progress.wrapped = wrapped_;
  progress.sweep_done = swept_apps_.empty();
  if (auto done = run_worked_out(transaction, progress); !done) return done.error();
  if (auto done = run_areas(transaction, progress); !done) return done.error();
  if (auto done = run_devices(transaction, progress); !done) return done.error();
  if (auto done = run_sweep(transaction, progress); !done) return done.error();
  progress.all_done = progress.worked_out_done == worked_out_.size() && worker_.pending() == 0 &&
                      progress.jobs.empty() && progress.areas.empty() &&
                      progress.areas_done == areas_.size() && progress.contexts.empty() &&
                      progress.devices_done == devices_.size() && progress.sweep_done;
  if (progress.all_done) {
    if (auto done = transaction.set_relocating(false); !done) return done.error();
  }
  return progress;
}

// After each context; each piece gets on by one at least.
bool Relocation::must_end(const StoreTransaction& transaction, const Progress& progress) {
  return progress.blocked || (progress.begun && transaction.time_is_up());
}

Result<void> Relocation::run_worked_out(StoreTransaction& transaction, Progress& progress) {
  while (progress.worked_out_done < worked_out_.size() && !must_end(transaction, progress)) {
    auto& done = worked_out_[progress.worked_out_done++];
    progress.begun = true;
    auto found = transaction.find_context(done.context_id);
    if (!found) return found.error();
    if (!*found) continue;
    auto& record = **found;
    if (record.revision != done.revision) {
      let_wait(record, progress);  // also beyond kAreasMax: the worker has had it
      continue;
    }
    if (!done.context) {
      note_unreadable(record.context_id, done.context.error());
      continue;
    }
    auto context = *done.context;
    auto moved = relocate(transaction, record, context, done.locations, progress);
    if (!moved) return moved;
  }
  return {};
}

// Gives the worker what it has room for.
Result<void> Relocation::run_areas(StoreTransaction& transaction, Progress& progress) {
  for (const auto& context_id : areas_.first(room_of_worker())) {
    if (progress.begun && transaction.time_is_up()) return {};
    progress.begun = true;
    ++progress.areas_done;
    auto found = transaction.find_context(context_id);
    if (!found) return found.error();
    if (!*found) continue;
    auto& record = **found;
    progress.jobs.push_back(
        {std::move(record.context_id), record.revision, std::move(record.document)});
  }
  return {};
}

std::size_t Relocation::room_of_worker() const {
  return kWorkedOutMax - std::min(kWorkedOutMax, worker_.pending() + worked_out_.size());
}

Result<void> Relocation::run_devices(StoreTransaction& transaction, Progress& progress) {
  while (!must_end(transaction, progress)) {
    if (progress.contexts.empty()) {
      if (progress.devices_done == devices_.size()) return {};
      const auto& scope = devices_[progress.devices_done++];
      progress.begun = true;
      progress.contexts = ledger_.find(scope.app_d_id, scope.dev_app_id);
      continue;
    }
    auto found = transaction.find_context(progress.contexts.back());
    if (!found) return found.error();
    if (*found) {
      if (auto done = relocate(transaction, **found, progress); !done) return done;
      if (progress.blocked) return {};
    }
    progress.begun = true;
    progress.contexts.pop_back();
  }
  return {};
}

Result<void> Relocation::run_sweep(StoreTransaction& transaction, Progress& progress) {
  while (!progress.sweep_done && !must_end(transaction, progress)) {
    auto scan = transaction.scan_contexts(progress.cursor, kScanned, swept_apps_);
    if (!scan) return scan.error();
    for (auto& record : scan->contexts) {
      if (must_end(transaction, progress)) return {};
      if (auto done = relocate(transaction, record, progress); !done) return done;
      if (progress.blocked) return {};
      progress.begun = true;
      progress.cursor = record.context_id;
    }
    progress.begun = true;
    const bool passed_end = progress.wrapped && (scan->last.empty() || scan->last >= sweep_end_);
    progress.sweep_done = passed_end || (scan->last.empty() && sweep_end_.empty());
    progress.wrapped |= scan->last.empty();
    progress.cursor = std::move(scan->last);
  }
  return {};
}

// The others go on.
void Relocation::note_unreadable(const std::string& context_id, const Error& error) {
  store_.set_aside().add("context", context_id, error.detail);
}

// Or not yet: what asks for an area goes to the worker first, when its owner has a turn.
Result<void> Relocation::relocate(StoreTransaction& transaction, ContextRecord& record,
                                  Progress& progress) {
  const auto& model = model_.unlocked();
  const auto* entry = model.app(record.app_d_id);
  if (entry == nullptr) return {};
  // An app that follows nothing has contexts that wait for their first address all the same.
  if (record.waits == 0 && !follows(entry->app) && !lost_instance(model, record)) return {};
  if (may_ask_for_area(record.document)) {
    progress.blocked = areas_.size() + progress.areas.size() >= kAreasMax;
    if (!progress.blocked) let_wait(record, progress);
    return {};
  }
  auto context = codec::decode_stored_context(record.document);
  if (!context) {
    note_unreadable(record.context_id, context.error());
    return {};
  }
  const auto locations = AskedLocations::of(context->app_info.user_app_instance_info);
  return relocate(transaction, record, *context, locations, progress);
}

// For the worker.
void Relocation::let_wait(const ContextRecord& record, Progress& progress) {
  progress.areas.emplace_back(record.subject + '\n' + record.dev_app_id, record.context_id);
}

Result<void> Relocation::relocate(StoreTransaction& transaction, ContextRecord& record,
                                  AppContext& context, const AskedLocations& locations,
                                  Progress& progress) {
  const auto& model = model_.unlocked();
  const auto* entry = model.app(record.app_d_id);
  if (entry == nullptr) return {};
  const bool keeps = !follows(entry->app) && !lost_instance(model, record);
  const AssignmentBasis basis{model, strategy_of(entry->app, strategy_), strategy_, locations,
                              keeps};
  const auto host_before = record.host_id;
  const auto waits_before = record.waits;
  const bool knows_address = !record.reference_uri.empty();
  const auto reassigned = reassign(basis, record, context);
  progress.unserved += reassigned.unserved ? 1 : 0;
  progress.starts.insert(reassigned.starts.begin(), reassigned.starts.end());
  auto offered = offer_locations(basis, record, context);
  if (!reassigned.changed && record.waits == waits_before) return {};
  ++record.revision;
  if (reassigned.changed) record.document = codec::encode(context);
  if (auto stored = transaction.update_context(record); !stored) return stored;
  if (reassigned.changed) {
    ++progress.moved;
    auto& noted = progress.changed.emplace_back();
    noted = {record.context_id, record.revision, {}, host_before, place_of(record, context)};
    noted.escalated = escalation(model, record.app_d_id, record.dev_app_id, host_before,
                                 record.host_id, reassigned.escalated);
    auto told = tell_move(transaction, record, context,
                          notification_of(context, knows_address && !reassigned.list), noted);
    if (!told) return told;
  }
  if (record.waits == waits_before) return {};
  return tell_offers(transaction, record, context, std::move(offered), progress);
}

// Also that of those that are owed some are on offer no longer.
Result<void> Relocation::tell_offers(StoreTransaction& transaction, const ContextRecord& record,
                                     const AppContext& context,
                                     std::vector<LocationConstraints> offered, Progress& progress) {
  if (context.callback_reference) {
    auto owed = owe_offers(transaction, record, context, offered, clock_.now_ms());
    if (!owed) return owed;
  }
  if (!offered.empty() && ledger_.is_heard(record.context_id)) {
    ApplicationLocationAvailabilityNotification offer{record.context_id, std::move(offered)};
    progress.changed.push_back({record.context_id, record.revision, std::move(offer), {}, {}});
  }
  return {};
}

Result<void> Relocation::tell_move(StoreTransaction& transaction, const ContextRecord& record,
                                   const AppContext& context, const Notification& notification,
                                   ContextLedger::Entry& entry) {
  if (ledger_.is_heard(record.context_id)) entry.told = notification;
  if (!context.callback_reference) return {};
  return owe(transaction, record, context, notification, clock_.now_ms());
}

void Relocation::finish_piece(Result<Progress> outcome) {
  if (!outcome) {  // it stays outstanding: there is never a second one
    retry_.wake(Worker::in(kStoreRetry));
    return;
  }
  auto& progress = *outcome;
  worked_out_.erase(worked_out_.begin(),
                    worked_out_.begin() + static_cast<std::ptrdiff_t>(progress.worked_out_done));
  devices_.erase(devices_.begin(),
                 devices_.begin() + static_cast<std::ptrdiff_t>(progress.devices_done));
  contexts_ = std::move(progress.contexts);
  cursor_ = progress.cursor;
  wrapped_ = progress.wrapped;
  if (progress.sweep_done) swept_apps_.clear();
  areas_.drop(progress.areas_done);
  for (auto& [owner, context_id] : progress.areas) areas_.add(owner, std::move(context_id));
  for (auto& job : progress.jobs) worker_.submit(std::move(job));
  publish(progress);
  outstanding_ = false;
  if (progress.all_done) {
    announced_ = false;
    return report();
  }
  if (can_go_on(progress)) submit_piece();
}

// Without waiting for the worker, who submits the next piece otherwise.
bool Relocation::can_go_on(const Progress& progress) const {
  if (!worked_out_.empty() || worker_.is_ready()) return true;
  if (!areas_.empty() && room_of_worker() > 0) return true;
  if (progress.blocked) return false;
  return !contexts_.empty() || !devices_.empty() || !swept_apps_.empty();
}

void Relocation::publish(Progress& progress) {
  for (auto& entry : progress.changed) ledger_.changed(std::move(entry));
  for (const auto& [app_d_id, host] : progress.starts) {
    if (instantiation_ != nullptr) instantiation_->want(app_d_id, host);
  }
  moved_now_ += progress.moved;
  unserved_now_ += progress.unserved;
  moves_.add(static_cast<double>(progress.moved));
  unserved_.add(static_cast<double>(progress.unserved));
}

void Relocation::report() {
  if (moved_now_ == 0 && unserved_now_ == 0) return;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  log::info("contexts have followed the table",
            {{"table_version", model_.unlocked().table_version()},
             {"moved", moved_now_},
             {"unserved", unserved_now_},
             {"seconds", took.count()}});
}

}  // namespace mx2
