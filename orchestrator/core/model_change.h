// What all changes of the model share. Private to orchestrator/operator
// and orchestrator/packages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/operator/service.h"

namespace mx2 {

// One change of the model. `attempt` checks and stores; `publish` repeats it in memory and tells
// followers, after the commit. Both see the model as it is, as such a unit is alone in its batch.
template <typename T>
class ModelChange final : public UnitOfWork {
 public:
  // Adds the contexts that the change may concern to the scopes.
  using Attempt = std::function<Result<T>(const Model&, StoreTransaction&, RelocationScopes&)>;
  using Publish = std::function<void(Model&, ChangeFeed&)>;

  ModelChange(Mx2Service& service, Attempt attempt, Publish publish, Callback<Result<T>> answer)
      : service_(service),
        attempt_(std::move(attempt)),
        publish_(std::move(publish)),
        answer_(std::move(answer)) {}

  [[nodiscard]] bool changes_model() const override { return true; }

  Result<void> run(StoreTransaction& transaction) override {
    auto result = attempt_(service_.model.unlocked(), transaction, scopes_);
    if (!result) return result.error();
    result_ = std::move(*result);
    return service_.relocation.announce(transaction, scopes_);
  }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    service_.model.write([this](Model& model) { publish_(model, service_.changes); });
    answer_(std::move(*result_));
    service_.relocation.begin(scopes_);
  }

 private:
  Mx2Service& service_;
  Attempt attempt_;
  Publish publish_;
  Callback<Result<T>> answer_;
  std::optional<T> result_;
  RelocationScopes scopes_;
};

template <typename T>
void submit_change(Mx2Service& service, typename ModelChange<T>::Attempt attempt,
                   typename ModelChange<T>::Publish publish, Callback<Result<T>> answer) {
  service.store.submit(std::make_unique<ModelChange<T>>(service, std::move(attempt),
                                                        std::move(publish), std::move(answer)));
}

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

// In the background, if the history of the table is longer than it may be.
void shorten_history(Store& store);

}  // namespace mx2
