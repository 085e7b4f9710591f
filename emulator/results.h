// What a run measured. Response times are from the UE's sending a call to its having the answer;
// only calls that began after the warm-up count.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "emulator/network.h"
#include "emulator/time.h"

namespace mx2::emulator {

// Counts of durations, in steps of 1/128 of a power of two: quantiles are within 0.4 %.
class Histogram {
 public:
  void add(Time duration) {
    const auto value = static_cast<double>(duration < kLeast ? kLeast : duration);
    const auto index = (std::bit_cast<std::uint64_t>(value) >> kShift) - kBase;
    ++counts_[index < kBuckets ? index : kBuckets - 1];
    ++total_;
  }
  void add(const Histogram& other);
  [[nodiscard]] std::uint64_t total() const { return total_; }
  // In seconds; 0 without any.
  [[nodiscard]] double quantile(double share) const;

  struct Point {
    double seconds = 0;  // upper end of a step
    double share = 0;    // of all durations that are at most that
  };
  // Of the steps that have any.
  [[nodiscard]] std::vector<Point> distribution() const;

 private:
  static constexpr Time kLeast = 1024;  // ns
  static constexpr unsigned kStepBits = 7;
  static constexpr unsigned kShift = 52 - kStepBits;
  static constexpr std::uint64_t kBase = (1023ULL + 10) << kStepBits;  // of 2^10 ns
  static constexpr std::size_t kBuckets = 40U << kStepBits;            // to 2^50 ns, 13 days

  [[nodiscard]] static double upper_end(std::size_t bucket);

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t total_ = 0;
};

// Mean and deviation, without keeping the values.
class Moments {
 public:
  void add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double sum() const { return sum_; }
  [[nodiscard]] double mean() const;
  // Standard deviation divided by the mean.
  [[nodiscard]] double variation() const;

 private:
  std::uint64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

struct Results {
  // Of the whole run, warm-up included.
  std::uint64_t sent = 0;       // messages to hosts, probes of other endpoints included
  std::uint64_t delivered = 0;  // answers that came back, probes' included
  std::uint64_t failed = 0;     // of them: refused by the host
  std::uint64_t events = 0;
  std::uint64_t moves = 0;  // of UEs to another cell

  // After the warm-up.
  double seconds = 0;
  Histogram response;
  Moments response_s;
  Moments adoption_s;  // from a rewrite to the first call by the new entry
  std::uint64_t calls = 0;
  std::uint64_t stale = 0;  // calls to an endpoint that the table no longer names for the UE
  std::uint64_t probes = 0;
  std::uint64_t plans = 0;
  std::uint64_t rows_changed = 0;  // that changed where somebody is served
  std::uint64_t notifications = 0;
  std::uint64_t access_bytes = 0;
  std::uint64_t notification_bytes = 0;  // on links between cells
  std::vector<Link> links;
  Histogram lateness;           // real time: of what was due, the machine's doing
  double utilisation_mean = 0;  // of hosts
  double utilisation_max = 0;   // of the busiest one, over the whole time

  [[nodiscard]] std::uint64_t link_bytes() const;
};

}  // namespace mx2::emulator
