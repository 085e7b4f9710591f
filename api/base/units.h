// What units are in other units.
#pragma once

#include <cstdint>

namespace mx2 {

// For quotients with fractions.
inline constexpr double kUsPerMs = 1000;
inline constexpr double kMsPerSecond = 1000;
inline constexpr double kPercent = 100;

// For whole numbers.
namespace whole {
inline constexpr std::int64_t kUsPerMs = 1000;
inline constexpr std::int64_t kMsPerSecond = 1000;
inline constexpr std::int64_t kNsPerMs = 1'000'000;
inline constexpr std::uint64_t kKib = 1024;
inline constexpr std::uint64_t kMib = 1024 * kKib;
}  // namespace whole

inline constexpr std::uint16_t kPortMax = 65535;

}  // namespace mx2
