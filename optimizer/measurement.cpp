#include "optimizer/measurement.h"

#include <algorithm>
#include <cmath>

#include "api/base/units.h"
#include "optimizer/congestion.h"

namespace mx2::optimizer {
namespace {

constexpr double kServiceUsMax = 3.6e9;
constexpr double kWeightMax = 1'000'000;
constexpr double kRateMin = 1e-3;  // an app that serves nobody counts next to nothing

// Of all apps that report one, by their request rates.
std::optional<double> mean_p50_ms(const HostLoad& load) {
  double sum = 0;
  double weights = 0;
  for (const auto& app : load.apps) {
    if (!app.p50_ms) continue;
    const auto weight = std::max(kRateMin, app.request_rate.value_or(kRateMin));
    sum += *app.p50_ms * weight;
    weights += weight;
  }
  return weights > 0 ? std::optional(sum / weights) : std::nullopt;
}

}  // namespace

const HostLoad* recent(const std::optional<Measured>& measured, const MeasurementOptions& options,
                       std::int64_t now_ms) {
  return measured && now_ms - measured->since_ms <= options.max_age_ms ? &measured->load : nullptr;
}

void set_measured(HostModel& host, const HostLoad& load, const MeasurementOptions& options) {
  host.memory_full =
      load.memory.value_or(0) * 100 > static_cast<double>(options.memory_percent_max);
  const auto p50_ms = mean_p50_ms(load);
  if (!p50_ms) return;
  const auto idle_us = *p50_ms * kUsPerMs / (1 + waiting_share(host.cores, load.cpu.value_or(0)));
  host.service_us = std::llround(std::clamp(idle_us, 0.0, kServiceUsMax));
}

void set_background(HostModel& host, const HostLoad& load, std::int64_t ours,
                    const MeasurementOptions& options) {
  if (!load.cpu) return;
  const auto used = std::llround(*load.cpu * static_cast<double>(host.capacity));
  const auto excess = used - ours;
  if (excess * 100 <= host.capacity * options.background_percent_min) return;
  host.background = excess;
  host.capacity -= excess;
  host.ready_capacity = host.capacity;
}

std::int64_t weight_by_request(std::int64_t weight, const RequestCount& count) {
  if (count.contexts == 0) return weight;
  const auto exact = static_cast<double>(weight) * count.rate / static_cast<double>(count.contexts);
  if (exact <= 1) return 1;
  int exponent = 0;
  const auto fraction = std::frexp(std::min(exact, kWeightMax), &exponent);  // from 1/2 to 1
  return std::llround(std::ldexp(std::round(fraction * 4) / 4, exponent));
}

}  // namespace mx2::optimizer
