#include "emulator/results.h"

#include <algorithm>
#include <cmath>

namespace mx2::emulator {

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
}

double Histogram::upper_end(std::size_t bucket) {
  const auto bits = (static_cast<std::uint64_t>(bucket) + 1 + kBase) << kShift;
  return std::bit_cast<double>(bits) / kNsPerSecond;
}

double Histogram::quantile(double share) const {
  if (total_ == 0) return 0;
  const auto rank = std::max(1.0, std::ceil(share * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets) {
    seen += counts_[bucket];
    if (static_cast<double>(seen) >= rank) break;
    ++bucket;
  }
  const auto lower = bucket == 0 ? upper_end(0) : upper_end(bucket - 1);
  return (lower + upper_end(bucket)) / 2;
}

std::vector<Histogram::Point> Histogram::distribution() const {
  std::vector<Point> points;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    points.push_back({upper_end(i), static_cast<double>(seen) / static_cast<double>(total_)});
  }
  return points;
}

double Moments::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

double Moments::variation() const {
  if (count_ < 2 || sum_ <= 0) return 0;
  const auto n = static_cast<double>(count_);
  const auto variance = std::max(0.0, (squares_ - sum_ * sum_ / n) / (n - 1));
  return std::sqrt(variance) / mean();
}

std::uint64_t Results::link_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& link : links) bytes += link.bytes;
  return bytes;
}

}  // namespace mx2::emulator
