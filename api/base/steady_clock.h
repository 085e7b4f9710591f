// Time for deadlines and ages alone: it does not follow the date when that is set.
#pragma once

#include <chrono>

#include "api/base/clock.h"

namespace mx2 {

// Not milliseconds since 1970 but since some moment, mostly the machine's start.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_start).count();
  }
};

}  // namespace mx2
