#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

class PauseOptimizer final : public UnitOfWork {
 public:
  PauseOptimizer(OptimizerLease& leader, bool paused, Callback<Result<void>> answer)
      : leader_(leader), paused_(paused), answer_(std::move(answer)) {}

  Result<void> run(StoreTransaction& transaction) override {
    return transaction.set_optimizer_paused(paused_);
  }
  [[nodiscard]] bool writes_once() const override { return true; }

  void done(const Result<void>& outcome) noexcept override {
    if (outcome) leader_.set_paused(paused_);
    answer_(outcome);
  }

 private:
  OptimizerLease& leader_;
  const bool paused_;
  Callback<Result<void>> answer_;
};

}  // namespace

void pause_optimizer(Store& store, OptimizerLease& leader, bool paused,
                     Callback<Result<void>> answer) {
  store.submit(std::make_unique<PauseOptimizer>(leader, paused, std::move(answer)));
}

}  // namespace mx2
