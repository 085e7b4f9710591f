// All changes of the table. A patch is one unit of work. A rewrite is too large for one
// transaction: the Optimizer's plans, and going back to an older version.
//
// A rewrite is first logged in pieces, then it gets its version, then its rows are carried out, a
// few in each transaction, as background work: creates go on between them, and none ever sees half
// a row. After a crash or a stop it goes on where it was. While it is under way the table can be
// patched, and rows change in the order of the versions all the same: what the rewrite has for a
// row of the patch is done first, in the patch's transaction, and passed over when its turn comes.
// A plan never changes a row that an operator has pinned. One rewrite at a time; who comes second
// is refused with `conflict`. Pattern: write-ahead logging; the serialised plan applier of
// HashiCorp Nomad.
//
// Threads: patch(), submit() and roll_back() any; the rest is the store writer's, resume() before
// it starts.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/callback.h"
#include "api/base/worker.h"
#include "orchestrator/core/core.h"
#include "orchestrator/core/model_change.h"

namespace mx2 {

struct RewriteOrder {
  TableVersion::Kind kind = TableVersion::Kind::kPlan;
  std::vector<TableChange> changes;
  std::uint64_t on_version = 0;  // of the table; another one is precondition_failed
  std::string summary;           // kept in the history
  bool dry_run = false;          // only counts
  std::string by = {};           // likewise: who sends it
};

struct Rewritten {
  std::uint64_t table_version = 0;  // its own; of a dry run the present one
  std::size_t rows = 0;             // put or removed
  // Left alone:
  std::size_t pinned = 0;      // by an operator
  std::size_t unknown = 0;     // app or host has gone meanwhile
  std::size_t superseded = 0;  // changed or removed by somebody later
};

class TableRewriter {
 public:
  explicit TableRewriter(Core& core);

  // All rows or none, and all at once. `guard.if_match`: the table version as an ETag. `by`: who
  // sends it, for the history.
  void patch(std::vector<TableChange> changes, const Precondition& guard,
             Callback<Result<Patched>> answer, const std::string& by = {});
  // Answers when all of it is durable and seen by requests.
  void submit(RewriteOrder order, Callback<Result<Rewritten>> answer);
  // Makes the table what it was at `version`, also rows that are pinned. gone when that is too long
  // ago. With `dry_run` it only counts.
  void roll_back(std::uint64_t version, Callback<Result<Rewritten>> answer,
                 const std::string& by = {}, bool dry_run = false);
  // At start-up: what a crash or a stop has interrupted.
  Result<void> resume(const Store::Loaded& loaded);
  // The step that is under way is finished, no other begins. Whoever waits is refused, and what has
  // its version goes on after the next start. Before the store is closed.
  void stop();

 private:
  enum class Stage : std::uint8_t { kLog, kBegin, kApply, kTry, kForget };
  enum class Turn : std::uint8_t { kOwn, kAhead, kTried };  // of a row: ahead of a patch's
  struct Piece {
    std::size_t number = 0;
    std::vector<TableChange> changes;
    std::string document;  // until it is logged
  };
  // Where the next change is.
  struct Cursor {
    std::size_t piece = 0;
    std::size_t row = 0;
  };
  // What one step has come to; taken over when it is durable.
  struct Progress {
    Cursor cursor;
    Rewritten counts;
    std::vector<TableChange> applied;
    RelocationScopes scopes;
  };

  [[nodiscard]] std::optional<Error> reserve();
  [[nodiscard]] Result<RewriteOrder> way_back(std::uint64_t version);
  void carry_out(RewriteOrder order, Callback<Result<Rewritten>> answer);
  void submit_step(Stage stage);
  Result<void> run(Stage stage, StoreTransaction& transaction);
  Result<void> run_log(StoreTransaction& transaction);
  Result<void> run_begin(StoreTransaction& transaction);
  Result<void> run_apply(StoreTransaction& transaction, Turn turn);
  Result<void> run_forget(StoreTransaction& transaction);
  void index_rows();
  Result<void> apply_ahead(StoreTransaction& transaction, const Association& row);
  Result<void> apply(StoreTransaction& transaction, TableChange change, Turn turn,
                     Progress& progress);
  Result<bool> is_passed(StoreTransaction& transaction, const TableChange& change,
                         const std::optional<Association>& found) const;
  [[nodiscard]] std::size_t* left_alone(const TableChange& change,
                                        const std::optional<Association>& before,
                                        Rewritten& counts) const;
  Result<void> finish_pieces(StoreTransaction& transaction);
  void finish(Stage stage, const Result<void>& outcome) noexcept;
  void finish_apply();
  void fail(Stage stage, const Error& error);
  void refuse(const Error& error);
  void interrupt();
  void conclude();
  [[nodiscard]] bool at_end(const Cursor& cursor) const { return cursor.piece == pieces_.size(); }
  void advance(Cursor& cursor) const;

  Core& core_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> stopping_ = false;
  std::vector<Piece> pieces_;
  std::size_t first_piece_ = 0;  // its number: behind those that are set aside
  // What it has for a row; patches look here while it has begun.
  std::unordered_map<std::string, const TableChange*> by_row_;
  std::atomic<bool> begun_ = false;
  std::uint64_t on_version_ = 0;
  TableVersion version_;
  Cursor cursor_;
  Rewritten counts_;
  Progress progress_;
  std::optional<Error> refusal_;
  std::optional<Callback<Result<Rewritten>>> answer_;
  Stage stage_ = Stage::kLog;  // of the step that is under way
  Worker retry_{Worker::kWhenWoken};
};

}  // namespace mx2
