// mx2-orchestrator on a NoStore: same listeners, procedures and JSON, nothing kept.
#include "api/base/log.h"
#include "api/program/program.h"
#include "orchestrator/orchestrator.h"
#include "tests/bench/no_store.h"

namespace {

mx2::Result<void> run(const mx2::OrchestratorOptions& options) {
  const mx2::SystemClock clock;
  const mx2::SteadyClock steady;
  mx2::RandomIds ids(clock);
  auto orchestrator = mx2::Orchestrator::start_on(std::make_unique<mx2::bench::NoStore>(),
                                                  std::make_unique<mx2::metrics::Registry>(),
                                                  options, clock, steady, ids);
  if (!orchestrator) return orchestrator.error();
  mx2::log::info("listening", {{"mx2", ":" + std::to_string((*orchestrator)->mx2_port())},
                               {"operator", ":" + std::to_string((*orchestrator)->operator_port())},
                               {"store", "none"}});
  mx2::program::wait_for_stop();
  (*orchestrator)->stop();
  return {};
}

mx2::Result<mx2::program::Prepared> prepare(const mx2::config::Document& document) {
  auto read = mx2::read_options(document);
  if (!read) return read.error();
  const auto& options = read->options;
  return mx2::program::Prepared{read->effective, options.log_level, options.log_format,
                                [options] { return run(options); }};
}

}  // namespace

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv, {"mx2_no_store_server", "mx2-orchestrator on a store that keeps nothing"},
      prepare);
}
