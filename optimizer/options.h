// The configuration of mx2-optimizer. Every key, its default, unit and effect is in
// deploy/example/optimizer.yaml.
#pragma once

#include <string>

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "optimizer/stability.h"
#include "optimizer/topology.h"

namespace mx2::optimizer {

struct OrchestratorAccess {
  std::string url = "http://127.0.0.1:8081";
  std::string token;  // read from its file
  std::string ca_file;
  int timeout_ms = 30000;
  int wait_ms = 20000;  // of a long poll for changes
  std::size_t page_items = 1000;
  std::size_t plan_rows_max = 20000;
};

// What is assumed of a host that the topology file says nothing about.
struct HostDefaults {
  std::int64_t capacity = 1000;
  std::int64_t cores = 4;
  std::int64_t service_us = 1000;
};

struct OptimizerOptions {
  OrchestratorAccess orchestrator;
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 8082;
  int period_ms = 5000;
  std::string policy = "min-cost-flow";
  HostDefaults host;
  CostModel cost;
  StabilityOptions stability;
  std::string topology_file;
  DistanceModel distance;
  std::string log_level = "info";
  std::string log_format = "text";
};

struct ReadOptimizerOptions {
  OptimizerOptions options;
  std::string effective;  // as YAML, without secrets
};

// All errors at once, with their places.
[[nodiscard]] Result<ReadOptimizerOptions> read_optimizer_options(const config::Document& document);

}  // namespace mx2::optimizer
