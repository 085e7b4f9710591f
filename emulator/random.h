// Random numbers by seed, purpose and index: each UE has a stream of its own for each purpose, so
// that two strategies see the same moves and arrivals (common random numbers), whatever else they
// draw. Generator: SplitMix64 (Steele, Lea and Flood 2014).
#pragma once

#include <cmath>
#include <cstdint>

namespace mx2::emulator {

enum class Purpose : std::uint8_t {
  kPlace,     // where a UE begins
  kMobility,  // when and where it goes
  kTraffic,   // when it calls
  kSessions,  // ON and OFF
  kSize,      // what a call weighs
  kLife,      // how long a context lives
  kProbe,     // whether another endpoint is probed
  kHotSpot,
};

class Stream {
 public:
  Stream() = default;
  Stream(std::uint64_t seed, Purpose purpose, std::uint64_t index)
      : state_(mix(mix(mix(seed) + static_cast<std::uint64_t>(purpose)) + index)) {}

  [[nodiscard]] std::uint64_t next() { return mix(state_ += kGolden); }
  // In [0, 1).
  [[nodiscard]] double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  [[nodiscard]] double uniform(double least, double most) {
    return least + (most - least) * uniform();
  }
  [[nodiscard]] double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  // In [0, n), n > 0.
  [[nodiscard]] std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((next() >> 32U) * n >> 32U);
  }
  // Knuth's method; for small means.
  [[nodiscard]] int poisson(double mean) {
    const auto limit = std::exp(-mean);
    int count = 0;
    auto product = uniform();
    while (product > limit) {
      product *= uniform();
      ++count;
    }
    return count;
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  static std::uint64_t mix(std::uint64_t z) {
    z += kGolden;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_ = 0;
};

}  // namespace mx2::emulator
