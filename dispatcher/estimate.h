// What is known of one destination of a λ from the calls it has answered. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace mx2::dispatcher {

// One call that was answered.
struct Sample {
  double seconds = 0;   // from sending until the answer's head
  double bytes = 0;     // of the request
  double load = 0;      // calls at the destination meanwhile, this one included
  bool failed = false;  // 5xx, or no answer
};

// Least squares y = a + b·x on the last samples of a window, those that are not older than
// `stale_ms`. Nothing: 0; one sample, or equal x: the mean. (ServerlessOnEdge, LinearEstimator.)
class LinearFit {
 public:
  struct Line {
    double a = 0;
    double b = 0;
    [[nodiscard]] double at(double x) const { return a + b * x; }
  };
  static constexpr std::size_t kWindow = 50;

  void add(double x, double y, std::int64_t now_ms);
  [[nodiscard]] Line line(std::int64_t now_ms, std::int64_t stale_ms) const;
  [[nodiscard]] bool is_empty(std::int64_t now_ms, std::int64_t stale_ms) const;

 private:
  struct Point {
    double x;
    double y;
    std::int64_t at_ms;
  };
  std::deque<Point> points_;
};

// Everything the selection policies keep of a destination.
struct Measured {
  static constexpr std::int64_t kNever = -1;
  static constexpr std::int64_t kStaleFirstMs = 1000;
  static constexpr std::int64_t kStaleMaxMs = 30'000;

  double seconds = 1;                 // estimated response time; 1 as long as nothing is known
  double failures = 0;                // share of the last calls that failed, about ten of them
  std::int64_t sampled_ms = kNever;   // last time
  std::int64_t answered_ms = kNever;  // likewise, of those that did not fail
  double load = 0;                    // in the last sample

  // Of deficit round robin.
  bool active = false;
  bool probing = false;
  std::int64_t updated_ms = kNever;
  std::int64_t stale_period_ms = kStaleFirstMs;

  // Of prediction: response time by size, and what that leaves by load.
  LinearFit by_size;
  LinearFit by_load;

  // Time that a call takes until it is answered, if each that failed is made again: a destination
  // that fails fast must not look good.
  [[nodiscard]] double impedance() const;
  [[nodiscard]] bool is_fresh(std::int64_t now_ms, std::int64_t stale_ms) const {
    return sampled_ms != kNever && now_ms - sampled_ms < stale_ms;
  }
};

// Rule "async" of ServerlessOnEdge: if the sample before is younger than 5 s, (1 - α)·new + α·old,
// else the new one. A call that failed says nothing about the time that others take, and is no
// such sample.
void take(Measured& measured, const Sample& sample, double alpha, std::int64_t now_ms);

}  // namespace mx2::dispatcher
