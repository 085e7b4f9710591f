// mx2-orchestrator: reads its configuration, starts, and waits for SIGTERM or SIGINT.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "api/base/log.h"
#include "orchestrator/orchestrator.h"

namespace {

constexpr int kExitUsage = 2;
constexpr rlim_t kReservedFiles = 200;  // store, logs, operator connections

struct CommandLine {
  std::string config;
  bool check_config = false;
  bool print_config = false;
};

mx2::Result<mx2::ReadOptions> read_configuration(const CommandLine& command_line) {
  mx2::config::Document document{mx2::json::Value::object(), "defaults", {}};
  if (!command_line.config.empty()) {
    auto read = mx2::config::read_yaml_file(command_line.config);
    if (!read) return read.error();
    document = std::move(*read);
  }
  return mx2::read_options(document);
}

int fail(const mx2::Error& error) {
  std::cerr << "mx2-orchestrator: " << (error.pointer.empty() ? "" : error.pointer + ": ")
            << error.detail << "\n";
  return 1;
}

// Each connection needs a file descriptor; when they run out, accepting fails for everybody. So the
// limit is raised as far as allowed, and the connections are kept below it.
void fit_connections_to_file_limit(mx2::http::ServerOptions& server) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto usable = limit.rlim_max > kReservedFiles ? limit.rlim_max - kReservedFiles : 1;
  if (server.connections_max <= usable) return;
  mx2::log::warn("fewer connections than configured: the limit of open files is low",
                 {{"connections_max", std::to_string(usable)},
                  {"open_files", std::to_string(limit.rlim_max)}});
  server.connections_max = usable;
}

int run(mx2::OrchestratorOptions options) {
  // Blocked before any thread starts, so that only sigwait() below receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  mx2::log::configure(options.log_level, options.log_format == "json" ? mx2::log::Format::kJson
                                                                      : mx2::log::Format::kText);
  fit_connections_to_file_limit(options.mx2_server);
  const mx2::SystemClock clock;
  mx2::RandomIds ids(clock);
  auto orchestrator = mx2::Orchestrator::start(options, clock, ids);
  if (!orchestrator) return fail(orchestrator.error());
  mx2::log::info(
      "listening",
      {{"mx2", options.mx2_server.address + ":" + std::to_string((*orchestrator)->mx2_port())},
       {"operator",
        options.operator_server.address + ":" + std::to_string((*orchestrator)->operator_port())},
       {"store", options.store.path},
       {"version", MX2_VERSION}});
  int signal = 0;
  sigwait(&signals, &signal);
  mx2::log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*orchestrator)->stop();
  mx2::log::info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine command_line;
  CLI::App app{"MEC orchestrator: answers device applications over Mx2 (ETSI GS MEC 016)"};
  app.add_option("--config", command_line.config, "YAML file; without it, the defaults");
  app.add_flag("--check-config", command_line.check_config, "Check the configuration and exit");
  app.add_flag("--print-config", command_line.print_config, "Print the effective configuration");
  app.set_version_flag("--version", MX2_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  const auto read = read_configuration(command_line);
  if (!read) return fail(read.error());
  if (command_line.print_config) std::cout << read->effective;
  if (command_line.check_config || command_line.print_config) return 0;
  return run(read->options);
}
