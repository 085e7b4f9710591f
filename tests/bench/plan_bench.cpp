// plan_cold (nobody has a place), plan_incremental (1 % have changed), plan_scattered (everybody is
// somewhere at random) and plan_scaling: how long a whole plan takes once the snapshot is
// held. One JSON object a line, as the other benchmarks print them.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "tests/optimizer/instances.h"
#include "tests/support/command_line.h"

namespace mx2::optimizer {
namespace {

constexpr std::uint64_t kSeed = 1;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

long resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

Placement report(const char* name, const Snapshot& snapshot) {
  const auto begin = std::chrono::steady_clock::now();
  auto placement = place_min_cost_flow(snapshot);
  const auto seconds = seconds_since(begin);
  const auto result = evaluate(snapshot, placement);
  const auto memory_mib = resident_mib();
  const auto solved = test::solved(snapshot);
  std::printf(
      "{\"bench\":\"%s\",\"value\":%.3f,\"unit\":\"s\",\"ratio\":null,\"against\":null,"
      "\"contexts\":%zu,\"hosts\":%zu,\"classes\":%zu,"
      "\"arcs\":%zu,\"rounds\":%d,\"moves\":%lld,\"unserved\":%lld,\"mean_ms\":%.2f,"
      "\"p95_ms\":%.2f,\"cost_s\":%.1f,\"resident_mib_max\":%ld}\n",
      name, seconds, snapshot.groups.size(), snapshot.hosts.size(), solved.classes,
      solved.flow.arcs, solved.flow.rounds, static_cast<long long>(result.moves),
      static_cast<long long>(result.unserved_contexts), result.latency_mean_ms,
      result.latency_p95_ms, static_cast<double>(result.total()) / 1e6, memory_mib);
  std::fflush(stdout);
  return placement;
}

// Everybody is where the plan put them; then one in a hundred is somewhere else on the network.
void change_one_percent(Snapshot& snapshot, const Placement& placement) {
  test::Dice dice(kSeed + 1);
  const auto attachments = static_cast<std::int64_t>(snapshot.attachments.size());
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    snapshot.groups[i].host = placement.host_of_group[i];
    if (!dice.one_in(100)) continue;
    snapshot.groups[i].attachment = static_cast<Index>(dice.roll(0, attachments - 1));
  }
}

void scatter(Snapshot& snapshot) {
  test::Dice dice(kSeed + 2);
  const auto hosts = static_cast<std::int64_t>(snapshot.hosts.size());
  for (auto& group : snapshot.groups) group.host = static_cast<Index>(dice.roll(0, hosts - 1));
}

void run_1m() {
  auto snapshot = test::large_snapshot({}, kSeed);
  const auto placement = report("plan_cold_1m", snapshot);
  change_one_percent(snapshot, placement);
  report("plan_incremental_1m", snapshot);
  scatter(snapshot);
  report("plan_scattered_1m", snapshot);
}

// Each size in a process of its own, so that its memory is its own.
void run_scaling() {
  for (const std::size_t contexts : {10'000, 100'000, 1'000'000}) {
    for (const std::size_t hosts : {50, 200, 1000}) {
      const auto child = fork();
      if (child == 0) {
        report("plan_scaling", test::large_snapshot({contexts, 1000, 20, hosts}, kSeed));
        std::exit(0);
      }
      int status = 0;
      if (child < 0 || waitpid(child, &status, 0) != child || status != 0) std::exit(1);
    }
  }
}

}  // namespace
}  // namespace mx2::optimizer

int main(int argc, char** argv) {
  CLI::App app("How long an exact plan of 1 000 000 contexts on 200 hosts takes", "mx2_plan_bench");
  const auto* scaling = app.add_subcommand(
      "scaling", "Instead, plans of 10 000 to 1 000 000 contexts on 50 to 1 000 hosts");
  return mx2::test::run_program(app, argc, argv, [&] {
    scaling->parsed() ? mx2::optimizer::run_scaling() : mx2::optimizer::run_1m();
    return 0;
  });
}
