#include "orchestrator/endpoints/rate_limit.h"

#include <algorithm>

namespace mx2 {
namespace {

constexpr std::size_t kClientsMax = 100000;

}  // namespace

double RateLimiter::tokens_now(const Bucket& bucket, std::int64_t now_ms) const {
  const auto elapsed_s = static_cast<double>(now_ms - bucket.filled_ms) / 1000.0;
  return std::min(per_second_, bucket.tokens + std::max(0.0, elapsed_s) * per_second_);
}

void RateLimiter::forget_quiet(std::int64_t now_ms) {
  std::erase_if(buckets_,
                [&](const auto& entry) { return tokens_now(entry.second, now_ms) >= per_second_; });
  if (buckets_.size() >= kClientsMax) buckets_.clear();  // all of them busy: begin anew
}

Result<void> RateLimiter::admit(const std::string& client) {
  if (per_second_ == 0) return {};
  const auto now_ms = clock_.now_ms();
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kClientsMax) forget_quiet(now_ms);
  auto& bucket = buckets_.try_emplace(client, Bucket{per_second_, now_ms}).first->second;
  bucket = {tokens_now(bucket, now_ms), now_ms};
  if (bucket.tokens < 1) {
    const auto most = std::to_string(static_cast<std::int64_t>(per_second_));
    return refused_as(ErrorCode::kTooMany,
                      "too many requests of this client: at most " + most + " in a second", {}, 1);
  }
  bucket.tokens -= 1;
  return {};
}

}  // namespace mx2
