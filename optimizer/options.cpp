#include "optimizer/options.h"

#include "api/config/reader.h"
#include "optimizer/policy.h"

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kHourUs = 3'600'000'000;

void read_cost(config::Reader& reader, CostModel& cost) {
  reader.integer("cost.migration_us", cost.migration_us, 0, kHourUs);
  reader.integer("cost.unknown_latency_us", cost.unknown_latency_us, 0, kHourUs);
  reader.integer("cost.late_us", cost.late_us, 0, kHourUs);
  reader.integer("cost.unserved_us", cost.unserved_us, 0, kHourUs);
  reader.integer("cost.below_minimum_us", cost.below_minimum_us, 0, kHourUs);
  reader.integer("cost.off_tree_us", cost.off_tree_us, 0, kHourUs);
  if (cost.below_minimum_us < cost.unserved_us) {
    reader.fail("cost.below_minimum_us", "must not be less than cost.unserved_us");
  }
}

void read_stability(config::Reader& reader, StabilityOptions& stability) {
  reader.boolean("stability.enabled", stability.enabled);
  reader.integer("stability.gain_us_min", stability.gain_us_min, 0, kHourUs);
  reader.integer("stability.gain_percent_min", stability.gain_percent_min, 0, 100);
  reader.integer("stability.dwell_ms", stability.dwell_ms, 0, kDayMs);
  reader.integer("stability.hold_ms", stability.hold_ms, 0, kDayMs);
  reader.integer("stability.high_percent", stability.high_percent, 1, 100);
  reader.integer("stability.low_percent", stability.low_percent, 1, 100);
  if (stability.low_percent > stability.high_percent) {
    reader.fail("stability.low_percent", "must not be more than stability.high_percent");
  }
  reader.integer("stability.moves_max", stability.moves_max, 0, 1'000'000'000);
  reader.integer("stability.return_wait_ms", stability.return_wait_ms, 0, kDayMs);
  reader.integer("stability.return_ms", stability.return_ms, 0, kDayMs);
}

void read_measurement(config::Reader& reader, OptimizerOptions& options) {
  auto& measurement = options.measurement;
  reader.integer("measurement.max_age_ms", measurement.max_age_ms, 0, kDayMs);
  reader.integer("measurement.background_percent_min", measurement.background_percent_min, 0, 100);
  reader.integer("measurement.memory_percent_max", measurement.memory_percent_max, 1, 100);
  auto& trigger = options.trigger;
  reader.integer("trigger.load_percent", trigger.load_percent, 1, 100);
  reader.integer("trigger.attachment_percent", trigger.attachment_percent, 0, 100);
  reader.integer("trigger.interval_ms", trigger.interval_ms, 0, kDayMs);
}

void read_leader(config::Reader& reader, LeaderOptions& leader) {
  reader.integer("leader.lease_ms", leader.lease_ms, 1000, 600000);
  reader.text("leader.url", leader.url);
}

void read_topology_options(config::Reader& reader, OptimizerOptions& options) {
  auto& distance = options.distance;
  reader.file("topology.file", options.topology_file);
  reader.integer("topology.base_us", distance.base_us, 0, kHourUs / 1000);
  reader.integer("topology.us_per_km", distance.us_per_km, 0, 10000);
  reader.integer("topology.regional_extra_us", distance.regional_extra_us, 0, kHourUs / 1000);
  reader.integer("topology.cloud_extra_us", distance.cloud_extra_us, 0, kHourUs / 1000);
  reader.integer("attachment.location_km_max", options.location_km_max, 0, 20'050);
}

}  // namespace

Result<config::Loaded<OptimizerOptions>> read_optimizer_options(const config::Document& document) {
  OptimizerOptions options;
  config::Reader reader(document);
  read_access(reader, options.orchestrator);
  reader.integer("orchestrator.plan_rows_max", options.orchestrator.plan_rows_max, 1, 1000000);
  program::read_listener(reader, "server", options.server);
  reader.token_file("server.token_file", options.token);
  program::read_monitoring(reader, options.monitoring);
  reader.integer("period_ms", options.period_ms, 100, 3600000);
  reader.choice("policy", options.policy, policy_names());
  reader.integer("host.capacity", options.host.capacity, 0, 1'000'000'000);
  reader.integer("host.cores", options.host.cores, 1, 100000);
  reader.integer("host.service_us", options.host.service_us, 0, kHourUs / 1000);
  read_cost(reader, options.cost);
  read_stability(reader, options.stability);
  read_measurement(reader, options);
  read_leader(reader, options.leader);
  read_topology_options(reader, options);
  options.sources = read_sources(reader);
  reader.log(options.log.level, options.log.format);
  return reader.finish(std::move(options));
}

}  // namespace mx2::optimizer
