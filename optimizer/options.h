// The configuration of mx2-optimizer. Every key, its default, unit and effect is in
// deploy/example/optimizer.yaml.
#pragma once

#include <string>

#include "api/base/result.h"
#include "api/config/reader.h"
#include "api/orchestrator/access.h"
#include "api/program/options.h"
#include "optimizer/measurement.h"
#include "optimizer/stability.h"
#include "optimizer/topology.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer {

struct OrchestratorOptions : FeedAccess {
  std::size_t plan_rows_max = 200'000;
};

// What is assumed of a host that the topology file says nothing about.
struct HostDefaults {
  std::int64_t capacity = 1000;
  std::int64_t cores = 4;
  std::int64_t service_us = 1000;
};

// What is answered by a plan at once, besides hosts and apps that come, go or change.
struct TriggerOptions {
  std::int64_t load_percent = 20;       // a host's reported load differs by so much of its capacity
  std::int64_t attachment_percent = 1;  // so many of the UEs come from another address
  std::int64_t interval_ms = 1000;      // but not sooner after the last plan
};

struct LeaderOptions {
  int lease_ms = 10'000;
  std::string url;  // where others reach our API; empty: http://<server.address>:<port>
};

struct OptimizerOptions {
  OrchestratorOptions orchestrator;
  http::ServerOptions server{.port = 8082, .threads = 1};
  std::string token;  // read from its file; empty: nobody is asked for one
  http::MonitoringAccess monitoring = http::open_to_all();
  int period_ms = 5000;
  std::string policy = "min-cost-flow";
  HostDefaults host;
  CostModel cost;
  StabilityOptions stability;
  MeasurementOptions measurement;
  TriggerOptions trigger;
  LeaderOptions leader;
  std::string topology_file;
  Sources sources;  // where the topology comes from besides its own file
  DistanceModel distance;
  std::int64_t location_km_max = 50;  // from a context's location to the attachment it is taken for
  program::LogOptions log;
};

// All errors at once, with their places.
[[nodiscard]] Result<config::Loaded<OptimizerOptions>> read_optimizer_options(
    const config::Document& document);

}  // namespace mx2::optimizer
