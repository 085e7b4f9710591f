#include "orchestrator/core/optimizer_lease.h"

namespace mx2 {

std::optional<OptimizerLease::State> OptimizerLease::current(Time now) const {
  if (holder_.empty() || end_ <= now) return std::nullopt;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - now);
  return State{holder_, url_, left.count()};
}

OptimizerLease::State OptimizerLease::request(const std::string& holder, const std::string& url,
                                              std::chrono::milliseconds lease, Time now) {
  const std::lock_guard guard(mutex_);
  const auto leader = current(now);
  if (leader && leader->holder != holder) return *leader;
  holder_ = holder;
  url_ = url;
  end_ = now + lease;
  return {holder, url, lease.count()};
}

bool OptimizerLease::release(const std::string& holder, Time now) {
  const std::lock_guard guard(mutex_);
  const auto leader = current(now);
  if (!leader || leader->holder != holder) return false;
  holder_.clear();
  return true;
}

std::optional<OptimizerLease::State> OptimizerLease::state(Time now) const {
  const std::lock_guard guard(mutex_);
  return current(now);
}

bool OptimizerLease::may_send(const std::string& holder, Time now) const {
  const std::lock_guard guard(mutex_);
  const auto leader = current(now);
  return !leader || leader->holder == holder;
}

}  // namespace mx2
