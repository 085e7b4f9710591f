// What a change of the table would mean for the contexts that exist, before it is made. It looks at
// contexts page after page, as the store has them, and at most at kForecastContextsMax.
//
// Threads: any; it takes up to some seconds of its thread, and the store's writer does not wait for
// it. One at a time, or all threads that serve operators, and hosts' reports, might be busy with
// it.
#pragma once

#include <cstddef>
#include <vector>

#include "api/base/result.h"
#include "orchestrator/core/core.h"

namespace mx2 {

inline constexpr std::size_t kForecastContextsMax = 200'000;

struct Forecast {
  std::size_t moved = 0;      // whose first instance would be another one
  std::size_t looked_at = 0;  // of apps that the change is about, and whose contexts follow it
  bool all = true;            // false: there are more, or such as ask for an area and were left out
};

// conflict: another one is being made.
[[nodiscard]] Result<Forecast> forecast(const Core& core, const std::vector<TableChange>& changes);

}  // namespace mx2
