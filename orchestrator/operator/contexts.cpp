#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

class RetryNotifications final : public UnitOfWork {
 public:
  RetryNotifications(const Clock& clock, std::string context_id,
                     Callback<Result<std::size_t>> answer)
      : clock_(clock), context_id_(std::move(context_id)), answer_(std::move(answer)) {}

  Result<void> run(StoreTransaction& transaction) override {
    auto revived = transaction.revive_notifications(context_id_, clock_.now_ms());
    if (!revived) return revived.error();
    revived_ = *revived;
    if (revived_ == 0 && !context_id_.empty()) {
      return not_found("no notification of this context was given up");
    }
    return {};
  }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    answer_(revived_);
  }

 private:
  const Clock& clock_;
  const std::string context_id_;
  Callback<Result<std::size_t>> answer_;
  std::size_t revived_ = 0;
};

}  // namespace

void retry_notifications(Core& core, std::string context_id, Callback<Result<std::size_t>> answer) {
  core.store.submit(
      std::make_unique<RetryNotifications>(core.clock, std::move(context_id), std::move(answer)));
}

void probe_store(Store& store, Callback<Result<void>> answer) {
  class Probe final : public UnitOfWork {
   public:
    explicit Probe(Callback<Result<void>> answer) : answer_(std::move(answer)) {}
    Result<void> run(StoreTransaction& /*transaction*/) override { return {}; }
    void done(const Result<void>& outcome) noexcept override { answer_(outcome); }

   private:
    Callback<Result<void>> answer_;
  };
  store.submit(std::make_unique<Probe>(std::move(answer)));
}

}  // namespace mx2
