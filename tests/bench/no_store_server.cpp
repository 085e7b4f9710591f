// mx2-orchestrator on a NoStore: same listeners, procedures and JSON, nothing kept.
#include "api/base/log.h"
#include "api/program/program.h"
#include "orchestrator/orchestrator.h"
#include "tests/bench/no_store.h"

namespace {

mx2::Result<void> run(const mx2::config::Loaded<mx2::OrchestratorOptions>& read) {
  const mx2::SystemClock clock;
  const mx2::SteadyClock steady;
  mx2::RandomIds ids(clock);
  auto orchestrator = mx2::Orchestrator::start_on(std::make_unique<mx2::bench::NoStore>(),
                                                  std::make_unique<mx2::metrics::Registry>(),
                                                  read.options, clock, steady, ids);
  if (!orchestrator) return orchestrator.error();
  mx2::log::info("listening", {{"mx2", ":" + std::to_string((*orchestrator)->mx2_port())},
                               {"operator", ":" + std::to_string((*orchestrator)->operator_port())},
                               {"store", "none"}});
  mx2::program::wait_for_stop();
  (*orchestrator)->stop();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv, {"mx2_no_store_server", "mx2-orchestrator on a store that keeps nothing"},
      mx2::read_options, run);
}
