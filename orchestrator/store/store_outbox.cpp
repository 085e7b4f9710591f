#include "orchestrator/store/store_outbox.h"

#include <algorithm>
#include <iterator>

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr std::size_t kSettledAtOnce = 256;  // a unit of work is one turn at the file

}  // namespace

class StoreOutbox::Settle final : public UnitOfWork {
 public:
  Settle(StoreOutbox& outbox, std::vector<notifier::Outcome> outcomes)
      : outbox_(outbox), outcomes_(std::move(outcomes)) {}

  Result<void> run(StoreTransaction& transaction) override {
    for (const auto& outcome : outcomes_) {
      if (auto settled = transaction.settle_notification(outcome); !settled) return settled;
    }
    return {};
  }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) outbox_.keep(std::move(outcomes_));
  }

  [[nodiscard]] bool background() const override { return true; }
  // Each of its writes stands for itself: what was written before one failed may stay.
  [[nodiscard]] bool writes_once() const override { return true; }

 private:
  StoreOutbox& outbox_;
  std::vector<notifier::Outcome> outcomes_;
};

bool StoreOutbox::hold_lease() {
  if (lease_) return true;
  auto lock = FileLock::take(lease_path_);
  if (!lock) {
    log::warn("no lease on the outbox", {{"reason", lock.error().detail}});
    return false;
  }
  lease_ = std::move(*lock);
  return lease_ != nullptr;
}

Result<std::vector<notifier::OutboxEntry>> StoreOutbox::read(std::uint64_t after_sequence,
                                                             std::size_t limit) {
  return store_.notifications(after_sequence, limit);
}

Result<std::optional<notifier::OutboxEntry>> StoreOutbox::find(const std::string& context_id,
                                                               notifier::Topic topic) {
  return store_.notification(context_id, topic);
}

void StoreOutbox::settle(std::vector<notifier::Outcome> outcomes) {
  {
    const std::lock_guard guard(mutex_);
    std::move(outcomes.begin(), outcomes.end(), std::back_inserter(unsettled_));
    outcomes = std::exchange(unsettled_, {});
  }
  for (std::size_t at = 0; at < outcomes.size(); at += kSettledAtOnce) {
    const auto begin = outcomes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto left = static_cast<std::ptrdiff_t>(std::min(kSettledAtOnce, outcomes.size() - at));
    std::vector<notifier::Outcome> some(std::make_move_iterator(begin),
                                        std::make_move_iterator(begin + left));
    store_.submit(std::make_unique<Settle>(*this, std::move(some)));
  }
}

void StoreOutbox::keep(std::vector<notifier::Outcome> outcomes) {
  const std::lock_guard guard(mutex_);
  std::move(outcomes.begin(), outcomes.end(), std::back_inserter(unsettled_));
}

}  // namespace mx2
