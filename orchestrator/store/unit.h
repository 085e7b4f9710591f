// A unit of work of two functions, for those that need no class of their own.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "orchestrator/store/store.h"

namespace mx2 {

// What it is to the store; see UnitOfWork.
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
