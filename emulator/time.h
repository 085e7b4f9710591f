// Emulated time: whole nanoseconds from the start of a run, so that sums are exact and the same on
// every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace mx2::emulator {

using Time = std::int64_t;

inline constexpr Time kNever = std::numeric_limits<Time>::max();
inline constexpr double kNsPerSecond = 1e9;

[[nodiscard]] inline Time from_seconds(double seconds) {
  return static_cast<Time>(std::llround(seconds * kNsPerSecond));
}
[[nodiscard]] inline Time from_ms(double ms) { return from_seconds(ms / 1e3); }
[[nodiscard]] inline double to_seconds(Time time) {
  return static_cast<double>(time) / kNsPerSecond;
}
[[nodiscard]] inline std::int64_t to_ms(Time time) { return time / 1'000'000; }

}  // namespace mx2::emulator
