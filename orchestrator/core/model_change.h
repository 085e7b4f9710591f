// What all changes of the model share.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/base/callback.h"
#include "orchestrator/core/core.h"

namespace mx2 {

// Guard of a change, from If-Match and If-None-Match. Empty: no guard.
struct Precondition {
  std::string if_match;  // the ETag that must be the current one; "*": it must exist
  bool must_be_absent = false;
};

struct Changed {
  bool created = false;
  std::string etag;
  std::string document;  // as it is now
};

struct Patched {
  std::uint64_t table_version = 0;
  std::size_t rows = 0;  // put or removed
};

// One change of the model. `attempt` checks and stores, and adds the contexts that it may concern
// to the scopes; `publish` repeats it in memory and tells followers, after the commit. Both see the
// model as it is, as such a unit is alone in its batch.
//   attempt: Result<T>(const Model&, StoreTransaction&, RelocationScopes&)
//   publish: void(Model&, ChangeFeed&)
template <typename T, typename Attempt, typename Publish>
void submit_change(Core& core, Attempt attempt, Publish publish, Callback<Result<T>> answer) {
  struct Made {
    T value;
    RelocationScopes scopes;
  };
  auto run = [&core, attempt = std::move(attempt)](StoreTransaction& tx) mutable -> Result<Made> {
    RelocationScopes scopes;
    auto value = attempt(core.model.unlocked(), tx, scopes);
    if (!value) return value.error();
    if (auto ok = core.relocation.announce(tx, scopes); !ok) return ok.error();
    return Made{std::move(*value), std::move(scopes)};
  };
  auto done = [&core, publish = std::move(publish),
               answer = std::move(answer)](Result<Made> made) mutable {
    if (!made) return answer(made.error());
    core.model.write([&](Model& model) { publish(model, core.changes); });
    answer(std::move(made->value));
    core.relocation.begin(made->scopes);
  };
  submit_unit(core.store, kChangesModel, std::move(run), std::move(done));
}

// Strong ETag of a document, with its quotes.
[[nodiscard]] std::string etag_of(const std::string& document);

[[nodiscard]] Result<void> check(const Precondition& guard, bool exists, const std::string& etag);

// A change that was checked before must not fail when it is repeated in memory.
void expect(const Result<void>& published);

// Instances without an identifier keep the one they had, or get a new one.
void name_instances(Host& host, const HostEntry* before, IdGenerator& ids);

// Of a host as an operator wrote it: what is not theirs to say is dropped.
void take_as_put(Host& host);
// What life-cycle management has brought stays, whatever an operator puts.
void keep_managed(Host& host, const Host& before);

// A host may matter to every context of an app that it runs, also as the second choice of a row,
// or that could be started there.
void add_apps_of(const Model& model, const Host& host, const Relocation& relocation,
                 RelocationScopes& scopes);

// An ip: or * row may matter to every context of its app.
void add_contexts_of(const std::vector<TableChange>& changes, const Relocation& relocation,
                     RelocationScopes& scopes);

// Puts or removes a row, and keeps what it was before; `before` as find_row() gave it.
[[nodiscard]] Result<void> store_row(StoreTransaction& transaction, const TableChange& change,
                                     const std::optional<Association>& before);

// The same with many, as the next version of the table; after the commit publish_rows(). `about`:
// its summary, and who makes it.
[[nodiscard]] Result<Patched> store_rows(const Model& model, StoreTransaction& transaction,
                                         std::vector<TableChange>& changes,
                                         const TableVersion& about, std::int64_t now_ms);
void publish_rows(Model& model, ChangeFeed& feed, const std::vector<TableChange>& changes);

// In the background, if the history of the table is longer than it may be.
void shorten_history(Store& store);

}  // namespace mx2
