// How often one client may ask: a token bucket for each client, as many tokens as one second gives.
//
// Threads: any. Memory: bounded; clients that have been quiet for a second are forgotten first.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "api/base/clock.h"
#include "api/base/result.h"

namespace mx2 {

class RateLimiter {
 public:
  // `per_second` 0: no limit.
  RateLimiter(std::size_t per_second, const SteadyClock& clock)
      : per_second_(static_cast<double>(per_second)), clock_(clock) {}

  // too_many, with the time to wait, when `client` has used up its tokens.
  [[nodiscard]] Result<void> admit(const std::string& client);

 private:
  struct Bucket {
    double tokens = 0;
    std::int64_t filled_ms = 0;
  };
  [[nodiscard]] double tokens_now(const Bucket& bucket, std::int64_t now_ms) const;
  void forget_quiet(std::int64_t now_ms);

  const double per_second_;
  const SteadyClock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace mx2
