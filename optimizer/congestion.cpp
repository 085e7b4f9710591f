#include "optimizer/congestion.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mx2::optimizer {
namespace {

constexpr std::array kUtilisations = {0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0};
constexpr double kUtilisationMax = 0.98;  // at 1 the waiting would be infinite

// Of all who are there.
double waiting_of_all(const HostModel& host, std::int64_t total, std::int64_t load) {
  const auto rho = static_cast<double>(load) / static_cast<double>(total);
  return static_cast<double>(load) * static_cast<double>(host.service_us) *
         waiting_share(host.cores, rho);
}

}  // namespace

double waiting_share(std::int64_t cores, double rho) {
  const auto c = static_cast<double>(std::max<std::int64_t>(1, cores));
  rho = std::min(rho, kUtilisationMax);
  return std::pow(rho, std::sqrt(2 * (c + 1)) - 1) / (c * (1 - rho));
}

std::int64_t waiting_us(const HostModel& host, std::int64_t load) {
  const auto total = host.capacity + host.background;
  if (total <= 0) return 0;
  const auto rho = static_cast<double>(load + host.background) / static_cast<double>(total);
  return std::llround(static_cast<double>(host.service_us) * waiting_share(host.cores, rho));
}

std::int64_t load_within(const HostModel& host, std::int64_t us) {
  std::int64_t within = 0;
  for (auto beyond = host.capacity + 1; within + 1 < beyond;) {
    const auto half = within + (beyond - within) / 2;
    (waiting_us(host, half) <= us ? within : beyond) = half;
  }
  return within;
}

std::vector<Segment> congestion_segments(const HostModel& host) {
  std::vector<Segment> segments;
  const auto total = host.capacity + host.background;
  const auto all_ready = host.ready_capacity + host.background;
  std::int64_t from = 0;
  std::int64_t least = 0;
  for (const auto utilisation : kUtilisations) {
    const auto to = static_cast<std::int64_t>(static_cast<double>(total) * utilisation);
    if (to <= from) continue;
    const auto growth = waiting_of_all(host, total, to) - waiting_of_all(host, total, from);
    least = std::max<std::int64_t>(least, std::llround(growth / static_cast<double>(to - from)));
    const auto ready = std::clamp(all_ready, from, to);
    if (ready > from) segments.push_back({ready - from, least});
    if (to > ready) segments.push_back({to - ready, least + host.not_ready_us});
    from = to;
  }
  if (host.background > 0) segments = beyond(std::move(segments), host.background);
  auto left = host.units_max;
  for (auto& segment : segments) {
    segment.units = std::min(segment.units, left);
    left -= segment.units;
  }
  std::erase_if(segments, [](const Segment& segment) { return segment.units == 0; });
  return segments;
}

std::vector<Segment> beyond(std::vector<Segment> segments, std::int64_t load) {
  for (auto& segment : segments) {
    const auto taken = std::min(load, segment.units);
    segment.units -= taken;
    load -= taken;
  }
  std::erase_if(segments, [](const Segment& segment) { return segment.units == 0; });
  return segments;
}

std::int64_t congestion_cost(const std::vector<Segment>& segments, std::int64_t load) {
  std::int64_t cost = 0;
  for (const auto& segment : segments) {
    const auto taken = std::min(load, segment.units);
    cost += taken * segment.cost_us;
    load -= taken;
  }
  return cost;
}

std::int64_t marginal_cost(const std::vector<Segment>& segments, std::int64_t load) {
  for (const auto& segment : segments) {
    if (load < segment.units) return segment.cost_us;
    load -= segment.units;
  }
  return segments.empty() ? 0 : segments.back().cost_us;
}

}  // namespace mx2::optimizer
