#include "orchestrator/store/store_outbox.h"

#include <algorithm>
#include <iterator>

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr std::size_t kSettledAtOnce = 256;  // a unit of work is one turn at the file

}  // namespace

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
    settle_some({std::make_move_iterator(begin), std::make_move_iterator(begin + left)});
  }
}

// Each of its writes stands for itself: what was written before one failed may stay.
void StoreOutbox::settle_some(std::vector<notifier::Outcome> outcomes) {
  const auto some = std::make_shared<std::vector<notifier::Outcome>>(std::move(outcomes));
  auto run = [some](StoreTransaction& tx) -> Result<void> {
    for (const auto& outcome : *some) {
      if (auto settled = tx.settle_notification(outcome); !settled) return settled;
    }
    return {};
  };
  submit_unit(store_, UnitKind{false, true, true}, run, [this, some](const Result<void>& stored) {
    if (!stored) keep(std::move(*some));
  });
}

void StoreOutbox::keep(std::vector<notifier::Outcome> outcomes) {
  const std::lock_guard guard(mutex_);
  std::move(outcomes.begin(), outcomes.end(), std::back_inserter(unsettled_));
}

}  // namespace mx2
