#include "api/base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace mx2 {

std::string format_utc(std::int64_t ms_since_epoch) {
  const std::time_t seconds = ms_since_epoch / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 24> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", day.data(),
                static_cast<int>(ms_since_epoch % 1000));
  return text.data();
}

}  // namespace mx2
