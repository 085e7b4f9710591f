// An AdvantEDGE scenario as `GET …/active?minimize=true` answers it, of the size of a country's
// network: 100 zones, 1 000 points of access, 200 hosts, 10 000 UEs.
#pragma once

#include <string>

namespace mx2::bench {

// UE 10.<zone>.<point>.<number> is at poa-<zone>-<point>; a hundredth of them is disconnected.
[[nodiscard]] std::string large_scenario();

inline constexpr int kScenarioZones = 100;
inline constexpr int kPointsOfZone = 10;
inline constexpr int kUesOfPoint = 10;

}  // namespace mx2::bench
