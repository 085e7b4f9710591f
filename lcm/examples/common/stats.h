// What a λ knows of its own load: the answer of GET /mx2/stats, from which the MEPM makes its load
// report.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "api/json/json.h"

namespace mx2::lambda {

// Callable from any thread.
class Stats {
 public:
  static constexpr std::size_t kWindow = 1000;  // requests that the percentiles are of

  void begin();
  void end(double ms);  // from arrival to answer, waiting for a thread included

  // {"requests","in_flight","p50_ms","p95_ms"}: the requests answered since the start, those being
  // served, and percentiles of the last kWindow; these are absent before the first answer.
  [[nodiscard]] json::Value to_json() const;

 private:
  mutable std::mutex mutex_;
  std::array<double, kWindow> recent_ms_{};
  std::uint64_t answered_ = 0;
  std::int64_t in_flight_ = 0;
};

}  // namespace mx2::lambda
