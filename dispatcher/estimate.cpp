#include "dispatcher/estimate.h"

#include <algorithm>
#include <cmath>

namespace mx2::dispatcher {
namespace {

constexpr std::int64_t kForgetMs = 5000;
constexpr double kFailureMemory = 0.9;
constexpr double kFailuresMost = 0.99;
constexpr double kEqual = 1e-9;

}  // namespace

void LinearFit::add(double x, double y, std::int64_t now_ms) {
  points_.push_back({x, y, now_ms});
  if (points_.size() > kWindow) points_.pop_front();
}

LinearFit::Line LinearFit::line(std::int64_t now_ms, std::int64_t stale_ms) const {
  double n = 0;
  double sum_x = 0;
  double sum_y = 0;
  const auto counts = [&](const Point& p) { return now_ms - p.at_ms <= stale_ms; };
  for (const auto& p : points_) {
    if (!counts(p)) continue;
    n += 1;
    sum_x += p.x;
    sum_y += p.y;
  }
  if (n == 0) return {};
  const double mean_x = sum_x / n;
  const double mean_y = sum_y / n;
  double xx = 0;
  double xy = 0;
  for (const auto& p : points_) {
    if (!counts(p)) continue;
    xx += (p.x - mean_x) * (p.x - mean_x);
    xy += (p.x - mean_x) * (p.y - mean_y);
  }
  if (xx <= kEqual * std::max(1.0, mean_x * mean_x)) return {mean_y, 0};
  const double b = xy / xx;
  return {mean_y - b * mean_x, b};
}

bool LinearFit::is_empty(std::int64_t now_ms, std::int64_t stale_ms) const {
  return points_.empty() || now_ms - points_.back().at_ms > stale_ms;
}

double Measured::impedance() const { return seconds / (1 - std::min(failures, kFailuresMost)); }

void take(Measured& measured, const Sample& sample, double alpha, std::int64_t now_ms) {
  measured.failures = kFailureMemory * measured.failures + (sample.failed ? 1 - kFailureMemory : 0);
  measured.load = sample.load;
  measured.sampled_ms = now_ms;
  if (sample.failed) return;
  const auto before = measured.answered_ms;
  measured.answered_ms = now_ms;
  const bool recent = before != Measured::kNever && now_ms - before < kForgetMs;
  measured.seconds =
      recent ? (1 - alpha) * sample.seconds + alpha * measured.seconds : sample.seconds;
}

}  // namespace mx2::dispatcher
