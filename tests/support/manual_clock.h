// A clock of either kind that a test moves by hand.
#pragma once

#include <atomic>

#include "api/base/clock.h"

namespace mx2 {

// Callable from any thread.
class ManualClock final : public SystemClock, public SteadyClock {
 public:
  explicit ManualClock(std::int64_t now_ms = 0) : now_ms_(now_ms) {}
  [[nodiscard]] std::int64_t now_ms() const override { return now_ms_; }
  void advance(std::int64_t by_ms) { now_ms_ += by_ms; }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace mx2
