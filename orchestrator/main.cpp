// mx2-orchestrator: reads its configuration, starts, and waits for SIGTERM or SIGINT.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "api/base/log.h"
#include "api/program/program.h"
#include "orchestrator/reload.h"

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

// `file`: that it was read from, if there is one.
Result<void> run(const config::Loaded<OrchestratorOptions>& read, const std::string& file) {
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
  std::error_code ignored;
  Reloader reloader(read, std::filesystem::exists(file, ignored) ? file : "", **orchestrator);
  program::wait_for_stop([&] { reloader.reload(); });
  (*orchestrator)->stop();
  return {};
}

}  // namespace
}  // namespace mx2

int main(int argc, char** argv) {
  std::string file;
  return mx2::program::run(
      argc, argv,
      {"mx2-orchestrator",
       "MEC orchestrator: answers device applications over Mx2 (ETSI GS MEC 016)",
       {},
       true},
      [&file](const mx2::config::Document& document) {
        file = document.file;
        return mx2::read_options(document);
      },
      [&file](const mx2::config::Loaded<mx2::OrchestratorOptions>& read) {
        return mx2::run(read, file);
      },
      mx2::problems_of_files);
}
