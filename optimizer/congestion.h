// What load costs: the waiting that processor sharing adds, as a convex piecewise linear function.
//
// A host with C cores at utilisation ρ stretches a service time s to
//   s · (1 + ρ^(√(2(C+1)) − 1) / (C · (1 − ρ)))
// which is processor sharing exactly for one core, s/(1−ρ), and Sakasegawa's approximation (1977)
// for more. All who are there wait, so the cost of a load x is x times that waiting. It is taken at
// fixed utilisations and is linear between them; what the optimum is exact for is this function.
#pragma once

#include <cstdint>
#include <vector>

#include "optimizer/model.h"

namespace mx2::optimizer {

// How much longer a request takes with `cores` cores at utilisation `rho` than on the idle host, as
// a share of its service time.
[[nodiscard]] double waiting_share(std::int64_t cores, double rho);

// What a request waits at the host when `load` units are there besides the background.
[[nodiscard]] std::int64_t waiting_us(const HostModel& host, std::int64_t load);
// The most units with which nobody waits longer than `us`; at most the capacity.
[[nodiscard]] std::int64_t load_within(const HostModel& host, std::int64_t us);

struct Segment {
  std::int64_t units = 0;    // load units
  std::int64_t cost_us = 0;  // of each of them
};

// Costs ascend, and begin where the host's background load ends. The widths add up to the capacity,
// or to units_max if that is less. Empty without capacity.
[[nodiscard]] std::vector<Segment> congestion_segments(const HostModel& host);

// What is left of the segments when `load` units have been taken.
[[nodiscard]] std::vector<Segment> beyond(std::vector<Segment> segments, std::int64_t load);

// Total cost of `load` units, those beyond the last segment apart.
[[nodiscard]] std::int64_t congestion_cost(const std::vector<Segment>& segments, std::int64_t load);

// Cost of the unit that comes after `load` units; of the last unit when the host is full.
[[nodiscard]] std::int64_t marginal_cost(const std::vector<Segment>& segments, std::int64_t load);

}  // namespace mx2::optimizer
