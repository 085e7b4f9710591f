#include "orchestrator/core/table_rewriter.h"

#include <utility>

#include "api/base/log.h"
#include "api/operator/codec.h"

namespace mx2 {
namespace {

constexpr std::size_t kRowsOfPiece = 256;

Error stale(std::uint64_t asked, std::uint64_t now) {
  return precondition_failed("made for table version " + std::to_string(asked) +
                             ", the table is at " + std::to_string(now));
}

std::string name_of(const Association& row) { return row.app_d_id + '\n' + row.ue.text(); }

}  // namespace

TableRewriter::TableRewriter(Core& core) : core_(core) {
  retry_.start([this] {
    submit_step(stage_);
    return Worker::kWhenWoken;
  });
}

void TableRewriter::patch(std::vector<TableChange> changes, const Precondition& guard,
                          Callback<Result<Patched>> answer, const std::string& by) {
  const auto shared = std::make_shared<std::vector<TableChange>>(std::move(changes));
  TableVersion about;
  about.by = by;
  auto attempt = [this, shared, guard, about](const Model& model, StoreTransaction& tx,
                                              RelocationScopes& scopes) -> Result<Patched> {
    const auto etag = "\"" + std::to_string(model.table_version()) + "\"";
    if (auto ok = check(guard, true, etag); !ok) return ok.error();
    for (const auto& change : *shared) {
      if (auto ok = model.check(change); !ok) return ok.error();
    }
    for (const auto& change : *shared) {
      if (auto done = apply_ahead(tx, change.row); !done) return done.error();
    }
    add_contexts_of(*shared, core_.relocation, scopes);
    return store_rows(model, tx, *shared, about, core_.clock.now_ms());
  };
  auto publish = [this, shared](Model& model, ChangeFeed& feed) {
    publish_rows(model, feed, *shared);
    shorten_history(core_.store);
  };
  submit_change<Patched>(core_, std::move(attempt), std::move(publish), std::move(answer));
}

std::optional<Error> TableRewriter::reserve() {
  if (stopping_) return unavailable("stopping");
  if (busy_.exchange(true)) return conflict("another rewrite of the table is being carried out");
  return std::nullopt;
}

void TableRewriter::submit(RewriteOrder order, Callback<Result<Rewritten>> answer) {
  if (const auto refused = reserve()) return answer(*refused);
  carry_out(std::move(order), std::move(answer));
}

// The past is read when no other rewrite adds to it.
void TableRewriter::roll_back(std::uint64_t version, Callback<Result<Rewritten>> answer,
                              const std::string& by, bool dry_run) {
  if (const auto refused = reserve()) return answer(*refused);
  auto order = way_back(version);
  if (order) {
    order->by = by;
    order->dry_run = dry_run;
    return carry_out(std::move(*order), std::move(answer));
  }
  busy_ = false;
  answer(order.error());
}

// Whatever patches the table meanwhile makes the order old: it is refused before it begins.
Result<RewriteOrder> TableRewriter::way_back(std::uint64_t version) {
  const auto now = core_.model.read([](const Model& model) { return model.table_version(); });
  if (version >= now) {
    return invalid_argument("the table is at version " + std::to_string(now), "/version");
  }
  auto changes = core_.store.changes_back_to(version);
  if (!changes) return changes.error();
  return RewriteOrder{TableVersion::Kind::kRollback, std::move(*changes), now,
                      "back to version " + std::to_string(version)};
}

void TableRewriter::carry_out(RewriteOrder order, Callback<Result<Rewritten>> answer) {
  pieces_.clear();
  for (auto& change : order.changes) {
    if (pieces_.empty() || pieces_.back().changes.size() == kRowsOfPiece) {
      pieces_.push_back({first_piece_ + pieces_.size(), {}, {}});
    }
    pieces_.back().changes.push_back(std::move(change));
  }
  on_version_ = order.on_version;
  version_ = {};
  version_.kind = order.kind;
  version_.summary = std::move(order.summary);
  version_.by = std::move(order.by);
  cursor_ = {};
  counts_ = {};
  refusal_.reset();
  answer_.emplace(std::move(answer));
  if (order.dry_run) return submit_step(Stage::kTry);
  for (auto& piece : pieces_) piece.document = codec::encode_table_patch(piece.changes);
  index_rows();
  submit_step(Stage::kLog);
}

// Before it begins: nobody looks yet.
void TableRewriter::index_rows() {
  for (const auto& piece : pieces_) {
    for (const auto& change : piece.changes) by_row_[name_of(change.row)] = &change;
  }
}

Result<void> TableRewriter::resume(const Store::Loaded& loaded) {
  shorten_history(core_.store);
  for (const auto& [number, document] : loaded.rewrite_pieces) {
    auto changes = codec::decode_stored_patch(document);
    if (!changes) {  // what is logged from now on comes after it
      core_.store.set_aside().add("rewrite", std::to_string(number), changes.error().detail);
      first_piece_ = number + 1;
      continue;
    }
    pieces_.push_back({number, std::move(*changes), {}});
  }
  if (!loaded.unfinished && pieces_.empty()) return {};
  busy_ = true;
  if (!loaded.unfinished) {
    submit_step(Stage::kForget);
    return {};
  }
  index_rows();
  begun_ = true;
  version_ = *loaded.unfinished;
  counts_.table_version = version_.version;
  counts_.rows = version_.rows;
  log::info("rewrite of the table goes on",
            {{"table_version", version_.version}, {"pieces", pieces_.size()}});
  submit_step(Stage::kApply);
  return {};
}

void TableRewriter::stop() {
  stopping_ = true;
  if (retry_.stop()) interrupt();
}

void TableRewriter::submit_step(Stage stage) {
  stage_ = stage;
  if (stopping_) return interrupt();
  const UnitKind kind{stage == Stage::kBegin || stage == Stage::kApply, stage != Stage::kBegin,
                      false};
  submit_unit(
      core_.store, kind, [this, stage](StoreTransaction& tx) { return run(stage, tx); },
      [this, stage](const Result<void>& outcome) { finish(stage, outcome); });
}

Result<void> TableRewriter::run(Stage stage, StoreTransaction& transaction) {
  progress_ = {cursor_, counts_, {}, {}};
  switch (stage) {
    case Stage::kLog: return run_log(transaction);
    case Stage::kBegin: return run_begin(transaction);
    case Stage::kApply: return run_apply(transaction, Turn::kOwn);
    case Stage::kTry: return run_apply(transaction, Turn::kTried);
    case Stage::kForget: break;
  }
  return run_forget(transaction);
}

void TableRewriter::advance(Cursor& cursor) const {
  if (++cursor.row < pieces_[cursor.piece].changes.size()) return;
  ++cursor.piece;
  cursor.row = 0;
}

Result<void> TableRewriter::run_log(StoreTransaction& transaction) {
  const auto now = core_.model.unlocked().table_version();
  if (now != on_version_) return stale(on_version_, now);
  auto& next = progress_.cursor.piece;
  while (next < pieces_.size()) {
    const auto& piece = pieces_[next++];
    auto stored = transaction.put_document(Stored::kRewritePiece, std::to_string(piece.number),
                                           piece.document);
    if (!stored) return stored;
    if (transaction.time_is_up()) break;
  }
  return {};
}

Result<void> TableRewriter::run_begin(StoreTransaction& transaction) {
  const auto now = core_.model.unlocked().table_version();
  if (now != on_version_) return stale(on_version_, now);
  version_.version = now + 1;
  version_.created_ms = core_.clock.now_ms();
  version_.finished = false;
  if (auto stored = transaction.put_table_version(version_); !stored) return stored;
  return transaction.set_table_version(version_.version);
}

Result<void> TableRewriter::run_apply(StoreTransaction& transaction, Turn turn) {
  auto& cursor = progress_.cursor;
  while (!at_end(cursor)) {
    const auto& change = pieces_[cursor.piece].changes[cursor.row];
    if (auto done = apply(transaction, change, turn, progress_); !done) return done;
    advance(cursor);
    if (transaction.time_is_up()) break;
  }
  if (turn == Turn::kTried) return {};
  add_contexts_of(progress_.applied, core_.relocation, progress_.scopes);
  if (auto done = finish_pieces(transaction); !done) return done;
  return core_.relocation.announce(transaction, progress_.scopes);
}

Result<void> TableRewriter::finish_pieces(StoreTransaction& transaction) {
  for (auto i = cursor_.piece; i < progress_.cursor.piece; ++i) {
    const auto id = std::to_string(pieces_[i].number);
    if (auto done = transaction.delete_document(Stored::kRewritePiece, id); !done) return done;
  }
  auto version = version_;
  version.rows = progress_.counts.rows;
  version.finished = at_end(progress_.cursor);
  return transaction.put_table_version(version);
}

// Of a rewrite that came to nothing.
Result<void> TableRewriter::run_forget(StoreTransaction& transaction) {
  auto& next = progress_.cursor.piece;
  while (next < pieces_.size()) {
    const auto id = std::to_string(pieces_[next++].number);
    if (auto done = transaction.delete_document(Stored::kRewritePiece, id); !done) return done;
    if (transaction.time_is_up()) break;
  }
  return {};
}

// A row that somebody changes now, at a later version: first what the rewrite has for it, and a
// mark in its past that this was done.
Result<void> TableRewriter::apply_ahead(StoreTransaction& transaction, const Association& row) {
  if (!begun_) return {};
  const auto found = by_row_.find(name_of(row));
  if (found == by_row_.end()) return {};
  Progress uncounted;  // until its turn comes
  return apply(transaction, *found->second, Turn::kAhead, uncounted);
}

// Whether a row was changed at a later version, so that ours was carried out before; `found`: as it
// is now.
Result<bool> TableRewriter::is_passed(StoreTransaction& transaction, const TableChange& change,
                                      const std::optional<Association>& found) const {
  if (found) return found->version > version_.version;
  if (change.remove) return false;  // there is nothing to do anyway
  return transaction.has_row_before(version_.version, change.row.ue, change.row.app_d_id);
}

// The count of rows that are left alone for the same reason; nothing for one to be changed.
std::size_t* TableRewriter::left_alone(const TableChange& change,
                                       const std::optional<Association>& before,
                                       Rewritten& counts) const {
  const bool pinned = before && before->writer == Writer::kOperator;
  if (pinned && version_.kind == TableVersion::Kind::kPlan) return &counts.pinned;
  return core_.model.unlocked().check(change).ok() ? nullptr : &counts.unknown;
}

Result<void> TableRewriter::apply(StoreTransaction& transaction, TableChange change, Turn turn,
                                  Progress& progress) {
  auto& row = change.row;
  row.version = version_.version;
  row.updated_ms = core_.clock.now_ms();
  const auto before = transaction.find_row(row.ue, row.app_d_id);
  if (!before) return before.error();
  if (turn != Turn::kTried) {
    const auto passed = is_passed(transaction, change, *before);
    if (!passed) return passed.error();
    progress.counts.superseded += *passed ? 1 : 0;
    if (*passed) return {};
  }
  if (turn == Turn::kAhead) {
    auto marked = transaction.put_row_before(row.version, row.ue, row.app_d_id, *before);
    if (!marked) return marked;
  }
  if (auto* count = left_alone(change, *before, progress.counts); count != nullptr) {
    ++*count;
    return {};
  }
  // Nothing to remove, or carried out before a crash.
  const bool done = *before ? (*before)->version == row.version : change.remove;
  if (done) return {};
  ++progress.counts.rows;
  if (turn == Turn::kTried) return {};
  if (auto stored = store_row(transaction, change, *before); !stored) return stored;
  progress.applied.push_back(std::move(change));
  return {};
}

// What is durable is taken over, also while the program stops: others go on until the store closes.
void TableRewriter::finish(Stage stage, const Result<void>& outcome) noexcept {
  if (!outcome) return fail(stage, outcome.error());
  cursor_ = progress_.cursor;
  counts_ = progress_.counts;
  const bool more = !at_end(cursor_);
  switch (stage) {
    case Stage::kLog: return submit_step(more ? Stage::kLog : Stage::kBegin);
    case Stage::kBegin:
      cursor_ = {};
      begun_ = true;
      for (auto& piece : pieces_) std::string().swap(piece.document);
      counts_.table_version = version_.version;
      core_.model.write([this](Model& model) { model.set_table_version(version_.version); });
      return submit_step(Stage::kApply);
    case Stage::kApply: return finish_apply();
    case Stage::kTry:
      if (more) return submit_step(Stage::kTry);
      counts_.table_version = core_.model.unlocked().table_version();
      return conclude();
    case Stage::kForget: return more ? submit_step(Stage::kForget) : conclude();
  }
}

void TableRewriter::finish_apply() {
  core_.model.write([this](Model& model) {
    for (const auto& change : progress_.applied) model.apply(change);
  });
  for (auto& change : progress_.applied) core_.changes.publish(std::move(change));
  core_.relocation.begin(progress_.scopes);
  if (!at_end(cursor_)) return submit_step(Stage::kApply);
  log::info("table rewritten", {{"kind", std::string(to_text(version_.kind))},
                                {"table_version", version_.version},
                                {"rows", counts_.rows},
                                {"pinned", counts_.pinned},
                                {"unknown", counts_.unknown},
                                {"superseded", counts_.superseded}});
  conclude();
  shorten_history(core_.store);
}

// What has a version is carried out, what is logged for nothing goes, however often it takes.
void TableRewriter::fail(Stage stage, const Error& error) {
  const bool owed = stage == Stage::kApply || stage == Stage::kForget;
  if (!owed) return refuse(error);
  if (!retry_.wake(Worker::in(kStoreRetry))) interrupt();
}

// Before it has a version: what was logged is forgotten first.
void TableRewriter::refuse(const Error& error) {
  refusal_ = error;
  const bool logged = stage_ == Stage::kBegin || cursor_.piece > 0;
  cursor_ = {};
  if (logged) return submit_step(Stage::kForget);
  conclude();
}

// Stays busy: nobody begins another in this life.
void TableRewriter::interrupt() {
  const auto* why =
      stage_ == Stage::kApply ? "stopping; the rewrite goes on after the next start" : "stopping";
  if (auto answer = std::exchange(answer_, std::nullopt)) {
    (*answer)(refusal_ ? *refusal_ : unavailable(why));
  }
}

// The next one may be submitted from within the answer.
void TableRewriter::conclude() {
  begun_ = false;
  std::unordered_map<std::string, const TableChange*>().swap(by_row_);
  std::vector<Piece>().swap(pieces_);
  const auto outcome = refusal_ ? Result<Rewritten>(*refusal_) : Result<Rewritten>(counts_);
  auto answer = std::exchange(answer_, std::nullopt);
  busy_ = false;
  if (answer) (*answer)(outcome);
}

}  // namespace mx2
