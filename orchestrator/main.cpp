// mx2-orchestrator: reads its configuration, starts, and waits for SIGTERM or SIGINT.
#include <sys/resource.h>

#include "api/base/log.h"
#include "api/program/program.h"
#include "orchestrator/orchestrator.h"

namespace mx2 {
namespace {

constexpr rlim_t kReservedFiles = 200;  // store, logs, operator connections

// Each connection needs a file descriptor; when they run out, accepting fails for everybody. So the
// limit is raised as far as allowed, and the connections are kept below it.
void fit_connections_to_file_limit(OrchestratorOptions& options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto reserved = kReservedFiles + 2 * options.notifier.relay.in_flight_max;
  const auto usable = limit.rlim_max > reserved ? limit.rlim_max - reserved : 1;
  if (options.mx2_server.connections_max <= usable) return;
  log::warn("fewer connections than configured: the limit of open files is low",
            {{"connections_max", std::to_string(usable)},
             {"open_files", std::to_string(limit.rlim_max)}});
  options.mx2_server.connections_max = usable;
}

Result<void> run(OrchestratorOptions options) {
  fit_connections_to_file_limit(options);
  options.end_program = program::stop;
  const SystemClock clock;
  RandomIds ids(clock);
  const auto orchestrator = Orchestrator::start(options, clock, ids);
  if (!orchestrator) return orchestrator.error();
  log::info(
      "listening",
      {{"mx2", options.mx2_server.address + ":" + std::to_string((*orchestrator)->mx2_port())},
       {"operator",
        options.operator_server.address + ":" + std::to_string((*orchestrator)->operator_port())},
       {"store", options.store.path},
       {"version", MX2_VERSION}});
  program::wait_for_stop();
  (*orchestrator)->stop();
  return {};
}

Result<program::Prepared> prepare_program(const config::Document& document) {
  auto read = read_options(document);
  if (!read) return read.error();
  const auto& options = read->options;
  return program::Prepared{read->effective, options.log_level, options.log_format,
                           [options] { return run(options); }};
}

}  // namespace
}  // namespace mx2

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv,
      {"mx2-orchestrator",
       "MEC orchestrator: answers device applications over Mx2 (ETSI GS MEC 016)"},
      mx2::prepare_program);
}
