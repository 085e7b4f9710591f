// What hosts report of themselves, as far as it changes what a placement costs. Pure.
//
// A report that is older than max_age_ms is as if it had never come: unknown, not zero.
//   service time  the median of the host's apps, weighted by their request rates; what waiting at
//                 the reported utilisation adds to it is taken off (congestion.h)
//   background    the reported utilisation of the capacity, as far as it exceeds what our contexts
//                 there should cause by more than background_percent_min of the capacity
//   weight        of apps that are weighted by request: their weight times the requests a second
//                 that a context makes, on average over the hosts that report it
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "api/operator/types.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

struct MeasurementOptions {
  std::int64_t max_age_ms = 30'000;
  std::int64_t background_percent_min = 10;
  std::int64_t memory_percent_max = 95;  // a host that uses more takes nobody new
};

// A report and when it was made, by our steady clock.
struct Measured {
  HostLoad load;
  std::int64_t since_ms = 0;
};

// The load if it may be believed, else null.
[[nodiscard]] const HostLoad* recent(const std::optional<Measured>& measured,
                                     const MeasurementOptions& options, std::int64_t now_ms);

// Service time and memory of a host.
void set_measured(HostModel& host, const HostLoad& load, const MeasurementOptions& options);
// To be called when the weights are known: `ours` is the load of our contexts there.
void set_background(HostModel& host, const HostLoad& load, std::int64_t ours,
                    const MeasurementOptions& options);

// Requests of an app and the contexts that made them, over the hosts that report it.
struct RequestCount {
  double rate = 0;  // a second
  std::int64_t contexts = 0;
};
// Rounded to two binary digits, so that small changes of the rate change nothing; at least 1.
// `weight` as it is when nothing is known.
[[nodiscard]] std::int64_t weight_by_request(std::int64_t weight, const RequestCount& count);

}  // namespace mx2::optimizer
