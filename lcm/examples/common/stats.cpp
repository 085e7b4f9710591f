#include "lcm/examples/common/stats.h"

#include <algorithm>
#include <vector>

namespace mx2::lambda {
namespace {

// The smallest value that `percent` of all do not exceed; reorders `values`, of which there are
// some.
double percentile(std::vector<double>& values, std::size_t percent) {
  const auto rank = (values.size() * percent + 99) / 100 - 1;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

void Stats::begin() {
  const std::lock_guard lock(mutex_);
  ++in_flight_;
}

void Stats::end(double ms) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  recent_ms_[answered_++ % kWindow] = ms;
}

json::Value Stats::to_json() const {
  std::unique_lock lock(mutex_);
  const auto known = std::min<std::uint64_t>(answered_, kWindow);
  std::vector<double> recent(recent_ms_.begin(),
                             recent_ms_.begin() + static_cast<std::ptrdiff_t>(known));
  json::Value out{{"requests", answered_}, {"in_flight", in_flight_}};
  lock.unlock();
  if (recent.empty()) return out;
  out["p50_ms"] = percentile(recent, 50);
  out["p95_ms"] = percentile(recent, 95);
  return out;
}

}  // namespace mx2::lambda
