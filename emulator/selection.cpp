#include "emulator/selection.h"

#include <algorithm>
#include <array>
#include <vector>

namespace mx2::emulator {
namespace {

constexpr Time kSecond = 1'000'000'000;
constexpr Time kStaleAfter = 10 * kSecond;

// Unknown weights are 0, the smallest; one in flight is enough to find out.
class LeastImpedance final : public Selection {
 public:
  explicit LeastImpedance(std::uint32_t destinations) : entries_(destinations) {}

  std::uint32_t pick(Time now, double) override {
    for (auto& entry : entries_) {
      const bool stale = entry.measured >= 0 && now - entry.measured >= kStaleAfter;
      if (stale) entry = {};
    }
    const auto best = std::min_element(
        entries_.begin(), entries_.end(),
        [now](const Entry& a, const Entry& b) { return a.reckoned(now) < b.reckoned(now); });
    best->tried = now;
    return static_cast<std::uint32_t>(best - entries_.begin());
  }

  void answered(Time now, std::uint32_t destination, const Sample& sample) override {
    auto& entry = entries_[destination];
    const bool young = entry.measured >= 0 && now - entry.measured < kSmoothWithin;
    entry.weight =
        young ? (1 - kOldShare) * sample.response_s + kOldShare * entry.weight : sample.response_s;
    entry.measured = now;
  }

 private:
  static constexpr Time kSmoothWithin = 5 * kSecond;
  static constexpr double kOldShare = 0.95;
  static constexpr Time kTryAgain = kSecond;

  struct Entry {
    double weight = 0;
    Time measured = -1;
    Time tried = -1;
    [[nodiscard]] double reckoned(Time now) const {
      if (measured >= 0) return weight;
      return tried >= 0 && now - tried < kTryAgain ? 1 : 0;  // its first answer is awaited
    }
  };
  std::vector<Entry> entries_;
};

class DeficitRoundRobin final : public Selection {
 public:
  explicit DeficitRoundRobin(std::uint32_t destinations) : entries_(destinations) {}

  std::uint32_t pick(Time, double) override {
    auto* best = &entries_.front();  // somebody is always active: who has the least weight
    for (auto& entry : entries_) {
      if (entry.active && (!best->active || entry.deficit < best->deficit)) best = &entry;
    }
    best->deficit += best->weight;
    return static_cast<std::uint32_t>(best - entries_.data());
  }

  void answered(Time now, std::uint32_t destination, const Sample& sample) override {
    auto& measured = entries_[destination];
    measured.weight = sample.response_s;
    measured.updated = now;
    const auto least = least_deficit();
    for (auto& entry : entries_) {
      if (entry.active) entry.deficit -= least;
    }
    recompute(now);
  }

 private:
  static constexpr double kGoodFactor = 2;
  static constexpr Time kPauseMax = 30 * kSecond;

  struct Entry {
    double weight = 1;  // seconds; before the first answer
    double deficit = 0;
    Time updated = -1;
    Time pause = kSecond;
    bool probing = false;
    bool active = true;
  };

  [[nodiscard]] double least_deficit() const {
    double least = 0;
    bool any = false;
    for (const auto& entry : entries_) {
      if (!entry.active || (any && entry.deficit >= least)) continue;
      least = entry.deficit;
      any = true;
    }
    return least;
  }

  void recompute(Time now) {
    double best = entries_.front().weight;
    for (const auto& entry : entries_) best = std::min(best, entry.weight);
    const auto deficit = least_deficit();
    for (auto& entry : entries_) {
      const bool was_active = entry.active;
      if (entry.weight <= kGoodFactor * best) {
        if (entry.probing) entry.pause = kSecond;
        entry.probing = false;
        entry.active = true;
      } else if (entry.updated >= 0) {
        rest(entry, now);
      }
      if (entry.active && !was_active) entry.deficit = deficit;
    }
  }

  // Slow and known to be: out, until its pause is over.
  static void rest(Entry& entry, Time now) {
    if (entry.probing && entry.updated == now) {
      entry.pause = std::min(kPauseMax, 2 * entry.pause);
      entry.probing = false;
    }
    entry.active = now - entry.updated >= entry.pause;
    if (entry.active) entry.probing = true;
  }

  std::vector<Entry> entries_;
};

// Least squares over a window of samples; the mean where x does not vary, 0 without samples.
class LinearFit {
 public:
  explicit LinearFit(Time stale_after) : stale_after_(stale_after) {}

  void add(Time now, double x, double y) {
    samples_[(first_ + count_) % kWindow] = {now, x, y};
    if (count_ < kWindow) {
      ++count_;
    } else {
      first_ = (first_ + 1) % kWindow;
    }
    fresh_ = false;
  }

  double at(Time now, double x) {
    while (count_ > 0 && now - samples_[first_].time > stale_after_) {
      first_ = (first_ + 1) % kWindow;
      --count_;
      fresh_ = false;
    }
    if (!fresh_) fit();
    return count_ == 0 ? 0 : a_ + b_ * x;
  }

 private:
  static constexpr std::size_t kWindow = 50;
  struct Point {
    Time time = 0;
    double x = 0;
    double y = 0;
  };

  void fit() {
    fresh_ = true;
    double x = 0;
    double y = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      x += point(i).x;
      y += point(i).y;
    }
    const auto n = static_cast<double>(std::max<std::size_t>(count_, 1));
    x /= n;
    y /= n;
    double xx = 0;
    double xy = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      xx += (point(i).x - x) * (point(i).x - x);
      xy += (point(i).x - x) * (point(i).y - y);
    }
    b_ = xx > 1e-12 ? xy / xx : 0;
    a_ = y - b_ * x;
  }
  [[nodiscard]] const Point& point(std::size_t i) const { return samples_[(first_ + i) % kWindow]; }

  const Time stale_after_;
  std::array<Point, kWindow> samples_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  double a_ = 0;
  double b_ = 0;
  bool fresh_ = true;
};

class Predicted final : public Selection {
 public:
  explicit Predicted(std::uint32_t destinations) : entries_(destinations) {}

  std::uint32_t pick(Time now, double bytes) override {
    std::uint32_t best = 0;
    double least = 0;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      auto& entry = entries_[i];
      const auto load = now - entry.told > kStaleAfter ? 0 : entry.load;
      const auto network = std::max(0.0, entry.network.at(now, bytes));
      const auto prediction = network + std::max(0.0, entry.processing.at(now, load));
      if (i > 0 && prediction >= least) continue;
      best = i;
      least = prediction;
    }
    return best;
  }

  void answered(Time now, std::uint32_t destination, const Sample& sample) override {
    auto& entry = entries_[destination];
    entry.network.add(now, sample.bytes, sample.response_s - sample.service_s);
    entry.processing.add(now, sample.load, sample.service_s);
    entry.load = sample.load;
    entry.told = now;
  }

 private:
  struct Entry {
    LinearFit network{kStaleAfter};
    LinearFit processing{kNever};
    double load = 0;
    Time told = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace

std::unique_ptr<Selection> make_selection(SelectionKind kind, const std::vector<bool>& is_local) {
  const auto destinations = static_cast<std::uint32_t>(is_local.size());
  switch (kind) {
    case SelectionKind::kLeastImpedance: return std::make_unique<LeastImpedance>(destinations);
    case SelectionKind::kPredicted: return std::make_unique<Predicted>(destinations);
    case SelectionKind::kShipped: return make_shipped_selection(is_local);
    case SelectionKind::kDeficitRoundRobin: break;
  }
  return std::make_unique<DeficitRoundRobin>(destinations);
}

}  // namespace mx2::emulator
