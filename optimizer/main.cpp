// mx2-optimizer: rewrites the orchestrator's table, over its operator API.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/ip.h"
#include "api/base/log.h"
#include "api/base/worker.h"
#include "api/http/pistache_server.h"
#include "api/http/router.h"
#include "api/program/program.h"
#include "optimizer/endpoints.h"
#include "optimizer/planner.h"
#include "optimizer/topology_view.h"

namespace mx2::optimizer {
namespace {

constexpr int kGraceMs = 1000;

struct Flags {
  bool once = false;
  bool dry_run = false;
};

// What is waited for goes by the one, what people read by the other.
struct Clocks {
  SteadyClock steady;
  SystemClock wall;
};

std::unique_ptr<TopologySource> live_source(const OptimizerOptions& options, const Clocks& clocks,
                                            const std::function<void()>& wake) {
  for (const auto& source : options.sources) {
    if (auto live = source->make(clocks.steady, clocks.wall, wake)) return live;
  }
  return nullptr;
}

// The live topology as it is now, if there is one.
Result<void> use_live_topology(const OptimizerOptions& options, const Clocks& clocks,
                               Optimizer& optimizer) {
  const auto source = live_source(options, clocks, [] {});
  if (!source) return {};
  source->read_once();
  const auto news = source->take();
  if (!news) return unavailable(source->state().error);
  optimizer.use(*news);
  return {};
}

Result<void> run_once(const Configuration& configuration, bool dry_run) {
  const Clocks clocks;
  http::CurlClient http(client_options(configuration.options.orchestrator));
  Optimizer optimizer(http, http, configuration.options, configuration.topology, clocks.steady,
                      RandomIds(clocks.wall).next());
  if (auto used = use_live_topology(configuration.options, clocks, optimizer); !used) return used;
  const auto outcome = optimizer.plan(dry_run);
  if (!outcome) return outcome.error();
  std::cout << outcome->description;
  for (const auto& host : hosts_without_place(optimizer.decision()->snapshot)) {
    std::cout << host << " has no place in the topology: no UE reaches it\n";
  }
  for (const auto& unknown : optimizer.decision()->unknown_names) {
    std::cout << "The topology: " << unknown << '\n';
  }
  if (dry_run) std::cout << "Nothing was sent (--dry-run).\n";
  return {};
}

std::string own_url(const OptimizerOptions& options, std::uint16_t port) {
  const auto& url = options.leader.url;
  return url.empty() ? "http://" + authority(options.server.address, port) : url;
}

http::ClientOptions lease_client_options(const OptimizerOptions& options) {
  auto client = client_options(options.orchestrator);
  client.timeout_ms = std::min(options.orchestrator.timeout_ms, options.leader.lease_ms);
  return client;
}

Result<void> run_for_ever(const Configuration& configuration) {
  const auto& options = configuration.options;
  const auto& file = configuration.files.front();
  const Clocks clocks;
  const auto holder = RandomIds(clocks.wall).next();
  metrics::Registry registry;
  Status status(registry, clocks.steady, clocks.wall, file);
  Worker planning;
  Control control([&] { planning.wake(); });
  http::CurlClient http(client_options(options.orchestrator));
  http::CurlClient feed(client_options(options.orchestrator));
  http::CurlClient lease_http(lease_client_options(options));
  Leadership leadership({lease_http, options.orchestrator}, holder, options.leader.lease_ms,
                        clocks.steady);
  const auto source = live_source(options, clocks, [&] {
    planning.wake();
    feed.interrupt_once();
  });
  Api api{registry, status, control, leadership, options.token, source.get(), options.monitoring};
  http::Router router(registry, "optimizer");
  add_endpoints(router, api);
  if (source) {
    status.set_source(*source);
    source->add_endpoints(router);
    source->start();
  }
  http::PistacheServer server(options.server);
  if (auto listening = program::listen(server, router); !listening) return listening;
  log::info("listening", {{"http", options.server.address + ":" + std::to_string(server.port())},
                          {"orchestrator", options.orchestrator.url},
                          {"version", MX2_VERSION}});
  leadership.set_url(own_url(options, server.port()));
  Planner planner(http, feed, configuration, ConfigurationWatch(file, configuration.files),
                  leadership, control, status, clocks.steady, holder, source.get());
  leadership.start();
  planning.start([&] { return Worker::in(std::chrono::milliseconds(planner.step())); });
  program::wait_for_stop([&] { control.ask_reload(); });
  if (source) source->stop();  // first of all: who notifies us should not wait for who has gone
  control.stop();
  planning.stop();
  server.stop(kGraceMs);
  leadership.stop();
  return {};
}

Result<void> run(const Configuration& configuration, const Flags& flags) {
  if (flags.once || flags.dry_run) return run_once(configuration, flags.dry_run);
  return run_for_ever(configuration);
}

Result<Configuration> configuration_of(const config::Document& document) {
  std::vector<std::string> files;
  return read_configuration(document, files);
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
        {"--dry-run", "Plan once, print the difference and exit; nothing is sent", &flags.dry_run}},
       true},
      mx2::optimizer::configuration_of,
      [&flags](const mx2::optimizer::Configuration& configuration) {
        return mx2::optimizer::run(configuration, flags);
      });
}
