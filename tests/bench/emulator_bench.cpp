// simulated_invocations: invocations a second of computing, on one core, in simulated time. One
// JSON object a line, as the other benchmarks print them.
//   mx2_emulator_bench [SECONDS]    simulated seconds of each run, default 20
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "emulator/simulation.h"

namespace mx2::emulator {
namespace {

// Of this process, which has one thread: others on the machine do not count.
double computed_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Hosts that are half busy with 1 ms calls, UEs that move and call once a second.
Scenario scenario_of(std::uint32_t ues, std::uint32_t hosts, StrategyKind strategy,
                     double seconds) {
  Scenario scenario;
  scenario.duration_s = seconds;
  scenario.warmup_s = seconds / 10;
  for (int i = 1; i <= 4; ++i) {
    LambdaSpec lambda;
    lambda.id = "lambda-" + std::to_string(i);
    scenario.lambdas.push_back(lambda);
  }
  const auto busy = 0.5;
  const auto per_host = static_cast<double>(ues) / hosts;
  for (std::uint32_t h = 0; h < hosts; ++h) {
    HostSpec host;
    host.id = "mec-" + std::to_string(h);
    host.cell = h;
    host.lambdas = {0, 1, 2, 3};
    host.processor.cores = 8;
    host.workers = 8;
    host.processor.speed = per_host * (4e6 + 1e6 * 1000) / (8 * busy);
    scenario.hosts.push_back(host);
  }
  scenario.network.cells = hosts;
  scenario.network.hop_mbps = 10'000;
  scenario.ues.number = ues;
  scenario.ues.request_bytes = 1000;
  scenario.ues.mobility.residence_s = 60;
  scenario.strategy.kind = strategy;
  scenario.optimizer.period_s = 5;
  return scenario;
}

void report(const char* name, std::uint32_t ues, std::uint32_t hosts, StrategyKind strategy,
            double seconds) {
  const auto scenario = scenario_of(ues, hosts, strategy, seconds);
  const auto begin = computed_s();
  Simulation simulation(scenario, 1);
  const auto built = computed_s();
  const auto results = simulation.run();
  const auto took = computed_s() - built;
  std::printf(
      "{\"bench\":\"%s\",\"value\":%.0f,\"unit\":\"invocations/s\",\"ratio\":null,"
      "\"against\":null,\"strategy\":\"%s\",\"ues\":%u,\"hosts\":%u,\"simulated_s\":%.0f,"
      "\"invocations\":%llu,\"events\":%llu,\"seconds\":%.2f,\"setup_s\":%.2f,"
      "\"moved\":%llu,\"p95_ms\":%.2f}\n",
      name, static_cast<double>(results.sent) / took, to_text(strategy), ues, hosts, seconds,
      static_cast<unsigned long long>(results.sent),
      static_cast<unsigned long long>(results.events), took, built - begin,
      static_cast<unsigned long long>(results.rows_changed), results.response.quantile(0.95) * 1e3);
  std::fflush(stdout);
}

}  // namespace
}  // namespace mx2::emulator

int main(int argc, char** argv) {
  using mx2::emulator::report;
  using mx2::emulator::StrategyKind;
  const double seconds = argc > 1 ? std::atof(argv[1]) : 20;
  report("simulated_invocations", 10'000, 50, StrategyKind::kNotification, seconds * 10);
  report("simulated_baseline_100k", 100'000, 100, StrategyKind::kBaseline, seconds);
  report("simulated_notified_100k", 100'000, 100, StrategyKind::kNotification, seconds);
  report("simulated_dispatched_100k", 100'000, 100, StrategyKind::kDispatching, seconds);
}
