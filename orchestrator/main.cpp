// mx2-orchestrator: reads its configuration, starts, and waits for SIGTERM or SIGINT.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "api/base/log.h"
#include "api/program/program.h"
#include "orchestrator/content.h"
#include "orchestrator/orchestrator.h"

namespace mx2 {
namespace {

constexpr rlim_t kReservedFiles = 200;  // store, logs, operator connections

// Each connection needs a file descriptor; when they run out, accepting fails for everybody. So the
// limit is raised as far as allowed, and what is open at once is kept below it: a quarter of it is
// for callbacks, if there is not enough for all that is configured.
void fit_connections_to_file_limit(OrchestratorOptions& options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  auto& in_flight = options.notifier.relay.in_flight_max;
  auto& connections = options.mx2_server.connections_max;
  const std::size_t files = std::max<rlim_t>(limit.rlim_max, kReservedFiles + 8) - kReservedFiles;
  if (connections + 2 * in_flight <= files) return;
  in_flight = std::min(in_flight, files / 8);
  connections = std::min(connections, files - 2 * in_flight);
  log::warn("fewer connections than configured: the limit of open files is low",
            {{"connections_max", connections},
             {"in_flight_max", in_flight},
             {"open_files", limit.rlim_max}});
}

Result<void> run(const config::Loaded<OrchestratorOptions>& read) {
  auto options = read.options;
  fit_connections_to_file_limit(options);
  options.end_program = program::stop;
  const SystemClock clock;
  const SteadyClock steady;
  RandomIds ids(clock);
  const auto orchestrator = Orchestrator::start(options, clock, steady, ids);
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

// The first content. It may have been removed once there is a store.
std::vector<std::string> content_problems(const config::Loaded<OrchestratorOptions>& read) {
  const auto& file = read.options.content;
  std::error_code ignored;
  const bool not_needed = !std::filesystem::exists(file, ignored) &&
                          std::filesystem::exists(read.options.store.path, ignored);
  if (file.empty() || not_needed) return {};
  const auto document = config::read_yaml_file(file);
  std::optional<Error> error;
  if (!document) {
    error = document.error();
  } else if (const auto content = read_content(*document); !content) {
    error = content.error();
  }
  if (!error) return {};
  return {error->pointer + ": " + error->detail};
}

}  // namespace
}  // namespace mx2

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv,
      {"mx2-orchestrator",
       "MEC orchestrator: answers device applications over Mx2 (ETSI GS MEC 016)"},
      mx2::read_options, mx2::run, mx2::content_problems);
}
