#include "orchestrator/operator/procedures.h"

namespace mx2 {

void retry_notifications(Core& core, std::string context_id, Callback<Result<std::size_t>> answer) {
  auto run = [id = std::move(context_id),
              &clock = core.clock](StoreTransaction& tx) -> Result<std::size_t> {
    auto revived = tx.revive_notifications(id, clock.now_ms());
    if (revived.ok() && *revived == 0 && !id.empty()) {
      return not_found("no notification of this context was given up");
    }
    return revived;
  };
  submit_unit(core.store, kPlainUnit, std::move(run), std::move(answer));
}

void pause_optimizer(Store& store, OptimizerLease& leader, bool paused,
                     Callback<Result<void>> answer) {
  submit_unit(
      store, kWritesOnce,
      [paused](StoreTransaction& tx) { return tx.set_optimizer_paused(paused); },
      [&leader, paused, answer = std::move(answer)](const Result<void>& outcome) mutable {
        if (outcome) leader.set_paused(paused);
        answer(outcome);
      });
}

void probe_store(Store& store, Callback<Result<void>> answer) {
  submit_unit(
      store, kPlainUnit, [](StoreTransaction& /*nothing*/) { return Result<void>(); },
      std::move(answer));
}

}  // namespace mx2
