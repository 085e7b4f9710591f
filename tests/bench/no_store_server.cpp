// mx2-orchestrator on a NoStore: same listeners, procedures and JSON, nothing kept.
//   mx2_no_store_server --config FILE
#include <csignal>
#include <iostream>
#include <string_view>

#include "api/base/log.h"
#include "orchestrator/orchestrator.h"
#include "tests/bench/no_store.h"

namespace {

mx2::Result<mx2::ReadOptions> read_configuration(const char* path) {
  const auto document = mx2::config::read_yaml_file(path);
  if (!document) return document.error();
  return mx2::read_options(*document);
}

int fail(const mx2::Error& error) {
  std::cerr << "mx2_no_store_server: " << error.detail << "\n";
  return 1;
}

int run(const mx2::OrchestratorOptions& options) {
  // Blocked before any thread starts, so that only sigwait() below receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const mx2::SystemClock clock;
  mx2::RandomIds ids(clock);
  auto orchestrator =
      mx2::Orchestrator::start_on(std::make_unique<mx2::bench::NoStore>(),
                                  std::make_unique<mx2::metrics::Registry>(), options, clock, ids);
  if (!orchestrator) return fail(orchestrator.error());
  mx2::log::info("listening", {{"mx2", ":" + std::to_string((*orchestrator)->mx2_port())},
                               {"operator", ":" + std::to_string((*orchestrator)->operator_port())},
                               {"store", "none"}});
  int signal = 0;
  sigwait(&signals, &signal);
  (*orchestrator)->stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--config") {
    std::cerr << "usage: mx2_no_store_server --config FILE\n";
    return 2;
  }
  const auto read = read_configuration(argv[2]);
  return read ? run(read->options) : fail(read.error());
}
