// mx2-optimizer: rewrites the orchestrator's table, over its operator API.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>

#include "api/base/clock.h"
#include "api/base/ids.h"
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

void tell_problems(const Topology& topology) {
  for (const auto& problem : topology.problems) {
    log::warn("topology: left out", {{"problem", problem}});
  }
}

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
  if (dry_run) std::cout << "Nothing was sent (--dry-run).\n";
  return {};
}

std::string own_url(const OptimizerOptions& options, std::uint16_t port) {
  if (!options.leader.url.empty()) return options.leader.url;
  const bool v6 = options.listen_address.find(':') != std::string::npos;
  const auto host = v6 ? "[" + options.listen_address + "]" : options.listen_address;
  return "http://" + host + ":" + std::to_string(port);
}

http::ClientOptions lease_client_options(const OptimizerOptions& options) {
  auto client = client_options(options.orchestrator);
  client.timeout_ms = std::min(options.orchestrator.timeout_ms, options.leader.lease_ms);
  return client;
}

Result<void> listen(http::PistacheServer& server, http::Router& router,
                    const OptimizerOptions& options) {
  try {
    server.start(router);
  } catch (const std::runtime_error& e) {
    return unavailable(e.what());
  }
  log::info("listening", {{"http", options.listen_address + ":" + std::to_string(server.port())},
                          {"orchestrator", options.orchestrator.url},
                          {"version", MX2_VERSION}});
  return {};
}

http::ServerOptions server_options(const OptimizerOptions& options) {
  http::ServerOptions server;
  server.address = options.listen_address;
  server.port = options.listen_port;
  server.threads = 1;
  return server;
}

Result<void> run_for_ever(const Configuration& configuration, const std::string& file) {
  const auto& options = configuration.options;
  const Clocks clocks;
  const auto holder = RandomIds(clocks.wall).next();
  metrics::Registry registry;
  Status status(registry, clocks.steady, clocks.wall, file);
  Control control;
  http::CurlClient http(client_options(options.orchestrator));
  http::CurlClient feed(client_options(options.orchestrator));
  http::CurlClient lease_http(lease_client_options(options));
  Leadership leadership({lease_http, options.orchestrator}, holder, options.leader.lease_ms,
                        clocks.steady);
  const auto source = live_source(options, clocks, [&] {
    control.wake();
    feed.interrupt_once();
  });
  Api api{registry, status, control, leadership, options.token, source.get()};
  http::Router router(registry, "optimizer");
  add_endpoints(router, api);
  if (source) {
    status.set_source(*source);
    source->add_endpoints(router);
    source->start();
  }
  http::PistacheServer server(server_options(options));
  if (auto listening = listen(server, router, options); !listening) return listening;
  leadership.set_url(own_url(options, server.port()));
  Planner planner(http, feed, configuration, ConfigurationWatch(file, configuration.files),
                  leadership, control, status, clocks.steady, holder, source.get());
  Worker renewing;
  renewing.start([&] { return Worker::in(std::chrono::milliseconds(leadership.step())); });
  control.start([&] { return planner.step(); });
  program::wait_for_stop([&] { control.ask_reload(); });
  if (source) source->stop();  // first of all: who notifies us should not wait for who has gone
  control.stop();
  server.stop(kGraceMs);
  renewing.stop();
  leadership.release();
  return {};
}

Result<program::Prepared> prepare_program(const config::Document& document, const Flags& flags) {
  std::vector<std::string> files;
  auto read = read_configuration(document, files);
  if (!read) return read.error();
  program::Prepared prepared{
      read->effective, read->options.log_level, read->options.log_format, {}};
  prepared.takes_hangup = true;
  prepared.run = [configuration = std::move(*read), flags, file = document.file]() -> Result<void> {
    tell_problems(configuration.topology);
    if (flags.once || flags.dry_run) return run_once(configuration, flags.dry_run);
    return run_for_ever(configuration, file);
  };
  return prepared;
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
