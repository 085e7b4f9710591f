// mx2-optimizer: rewrites the orchestrator's table, over its operator API.
#include <atomic>
#include <iostream>
#include <thread>

#include "api/base/log.h"
#include "api/http/pistache_server.h"
#include "api/http/router.h"
#include "api/program/program.h"
#include "optimizer/optimizer.h"
#include "optimizer/status.h"

namespace mx2::optimizer {
namespace {

constexpr int kGraceMs = 1000;
constexpr int kRetryMs = 1000;

struct Flags {
  bool once = false;
  bool dry_run = false;
};

http::ClientOptions client_options(const OrchestratorAccess& access) {
  http::ClientOptions options;
  options.timeout_ms = access.timeout_ms + access.wait_ms;
  options.bearer_token = access.token;
  options.ca_file = access.ca_file;
  return options;
}

void tell_problems(const Topology& topology) {
  for (const auto& problem : topology.problems) {
    log::warn("topology: left out", {{"problem", problem}});
  }
}

Result<void> run_once(const OptimizerOptions& options, const Topology& topology, bool dry_run) {
  const SystemClock clock;
  http::CurlClient http(client_options(options.orchestrator));
  Optimizer optimizer(http, options, topology, clock);
  const auto outcome = optimizer.plan(dry_run);
  if (!outcome) return outcome.error();
  std::cout << outcome->description;
  if (dry_run) std::cout << "Nothing was sent (--dry-run).\n";
  return {};
}

// Follows and plans until `stop`; errors are logged and tried again.
void follow_and_plan(Optimizer& optimizer, const OptimizerOptions& options, const Clock& clock,
                     Status& status, const std::atomic<bool>& stop) {
  std::int64_t next_ms = 0;
  while (!stop) {
    const auto left_ms = std::max<std::int64_t>(0, next_ms - clock.now_ms());
    const auto wait_ms = std::min<std::int64_t>({left_ms, options.orchestrator.wait_ms, kRetryMs});
    const auto urgent = optimizer.follow(static_cast<int>(wait_ms));
    if (!urgent) {
      status.failed(urgent.error().detail);
      std::this_thread::sleep_for(std::chrono::milliseconds(kRetryMs));
      continue;
    }
    if (!*urgent && clock.now_ms() < next_ms) {
      if (!optimizer.has_feed()) std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
      continue;
    }
    const auto begun_ms = clock.now_ms();
    const auto outcome = optimizer.plan(false);
    next_ms = begun_ms + options.period_ms;
    if (outcome) {
      status.planned(outcome->plan, clock.now_ms() - begun_ms, optimizer.replica());
    } else {
      status.failed(outcome.error().detail);
    }
  }
}

Result<void> run_for_ever(const OptimizerOptions& options, const Topology& topology) {
  const SystemClock clock;
  metrics::Registry registry;
  Status status(registry, clock);
  http::Router router(registry, "optimizer");
  status.add_endpoints(router);
  http::ServerOptions server_options;
  server_options.address = options.listen_address;
  server_options.port = options.listen_port;
  server_options.threads = 1;
  http::PistacheServer server(server_options);
  try {
    server.start(router);
  } catch (const std::runtime_error& e) {
    return unavailable(e.what());
  }
  log::info("listening", {{"http", options.listen_address + ":" + std::to_string(server.port())},
                          {"orchestrator", options.orchestrator.url},
                          {"version", MX2_VERSION}});
  http::CurlClient http(client_options(options.orchestrator));
  Optimizer optimizer(http, options, topology, clock);
  std::atomic<bool> stop = false;
  std::thread worker([&] { follow_and_plan(optimizer, options, clock, status, stop); });
  program::wait_for_stop();
  stop = true;
  worker.join();
  server.stop(kGraceMs);
  return {};
}

Result<Topology> topology_of(const OptimizerOptions& options) {
  if (options.topology_file.empty()) return Topology{};
  const auto document = config::read_yaml_file(options.topology_file);
  if (!document) return document.error();
  return read_topology(*document);
}

Result<program::Prepared> prepare_program(const config::Document& document, const Flags& flags) {
  auto read = read_optimizer_options(document);
  if (!read) return read.error();
  const auto& options = read->options;
  const auto topology = topology_of(options);
  if (!topology) return topology.error();
  return program::Prepared{read->effective, options.log_level, options.log_format,
                           [options, flags, topology = *topology]() -> Result<void> {
                             tell_problems(topology);
                             if (flags.once || flags.dry_run) {
                               return run_once(options, topology, flags.dry_run);
                             }
                             return run_for_ever(options, topology);
                           }};
}

}  // namespace
}  // namespace mx2::optimizer

int main(int argc, char** argv) {
  mx2::optimizer::Flags flags;
  return mx2::program::run(
      argc, argv,
      {"mx2-optimizer",
       "Decides which MEC host serves which UE, and rewrites the orchestrator's table",
       {{"--once", "Plan once, print the difference, send it and exit", &flags.once},
        {"--dry-run", "Plan once, print the difference and exit; nothing is sent",
         &flags.dry_run}}},
      [&flags](const mx2::config::Document& document) {
        return mx2::optimizer::prepare_program(document, flags);
      });
}
