// mx2-emulator: runs a scenario of UEs and MEC hosts, and writes what it measured.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "api/base/text.h"
#include "api/base/units.h"
#include "emulator/real/host_server.h"
#include "emulator/real/run.h"
#include "emulator/report.h"
#include "emulator/scenario.h"
#include "emulator/simulation.h"

namespace mx2::emulator {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitBusy = 75;  // EX_TEMPFAIL: in real time, and no attempt was in time
constexpr double kLateQuantile = 0.99;

struct Options {
  std::string file;
  std::vector<std::string> settings;
  std::string out;
  std::uint64_t seeds = 1;
  std::uint64_t first_seed = 1;
  std::string host;
  std::string operator_url;
  std::string programs;
  double late_ms_max = 0;
  int attempts = 3;
  bool calls = false;
  bool quiet = false;
  bool check = false;  // only say what is wrong, as --check-config of the other programs
};

int fail(const Error& error, int status) {
  std::cerr << "mx2-emulator: " << error.detail
            << (error.pointer.empty() ? "" : " (" + error.pointer + ")") << "\n";
  return status;
}

// `twice`: gets the keys that the file has twice, which are an error without it.
Result<Scenario> scenario_of(const Options& options, std::vector<std::string>* twice = nullptr) {
  auto document = config::read_yaml_file(options.file, twice);
  if (!document) return document.error();
  std::vector<Setting> settings;
  for (const auto& text : options.settings) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return invalid_argument("--set needs KEY=VALUE, not " + text);
    settings.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return read_scenario(std::move(*document), settings);
}

// The results of all seeds, or the exit status of the first that has none.
int report_runs(const Scenario& scenario, const Options& options,
                const std::function<Result<Results>(Report&, std::uint64_t seed)>& run) {
  auto report = Report::in(options.out, scenario, options.calls);
  if (!report) return fail(report.error(), kExitFailed);
  for (auto seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const auto results = run(*report, seed);
    if (!results) {
      const bool busy = results.error().code == ErrorCode::kDeadlineExceeded;
      return fail(results.error(), busy ? kExitBusy : kExitFailed);
    }
    report->add(seed, *results);
  }
  if (auto written = report->finish(); !written) return fail(written.error(), kExitFailed);
  if (!options.quiet) report->summarise(std::cout);
  return 0;
}

int simulate(const Scenario& scenario, const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t sent = 0;
  const int status =
      report_runs(scenario, options, [&](Report& report, std::uint64_t seed) -> Result<Results> {
        Simulation simulation(scenario, seed);
        report.begin(seed, simulation);
        auto results = simulation.run();
        sent += results.sent;
        return results;
      });
  if (status != 0 || options.quiet) return status;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << sent << " invocations simulated in " << took.count() << " s; files in "
            << options.out << "\n";
  return 0;
}

int host(const Scenario& scenario, const Options& options) {
  for (std::uint32_t i = 0; i < scenario.hosts.size(); ++i) {
    if (scenario.hosts[i].id != options.host) continue;
    const auto ran = run_host(scenario, i, options.operator_url, options.first_seed);
    return ran ? 0 : fail(ran.error(), kExitFailed);
  }
  return fail(invalid_argument("the scenario has no host " + options.host), kExitUsage);
}

Result<Results> run_once(const Scenario& scenario, const Options& options, std::uint64_t seed) {
  const Network network(scenario.network);
  const auto work = std::filesystem::path(options.out) / ("seed-" + std::to_string(seed));
  auto system = System::start(scenario, network,
                              {options.programs, std::filesystem::absolute(options.file).string(),
                               options.settings, std::filesystem::absolute(work).string(), seed});
  if (!system) return system.error();
  return RealRun(scenario, *system, seed).run();
}

// Again when timers were late, as this machine was busy with something else; deadline_exceeded
// when always.
Result<Results> run_in_time(const Scenario& scenario, const Options& options, std::uint64_t seed) {
  for (int attempt = 1;; ++attempt) {
    auto results = run_once(scenario, options, seed);
    if (!results || options.late_ms_max <= 0) return results;
    const auto late_ms = results->lateness.quantile(kLateQuantile) * kMsPerSecond;
    if (late_ms <= options.late_ms_max) return results;
    std::cerr << "seed " << seed << ": timers were late by " << late_ms << " ms (p99)\n";
    if (attempt == options.attempts) {
      return refused_as(ErrorCode::kDeadlineExceeded, "this machine is too busy for real time");
    }
  }
}

// Where the other programs are.
std::string programs_of(const Options& options) {
  if (!options.programs.empty()) return options.programs;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

int run_for_real(const Scenario& scenario, Options options) {
  options.programs = programs_of(options);
  return report_runs(scenario, options, [&](Report&, std::uint64_t seed) {
    auto results = run_in_time(scenario, options, seed);
    if (results && !options.quiet) std::cerr << "seed " << seed << " done\n";
    return results;
  });
}

int check(const Scenario& scenario, const Options& options) {
  std::cout << options.file << ": " << scenario.hosts.size() << " hosts, " << scenario.network.cells
            << " cells, " << scenario.ues.number << " UEs, strategy "
            << to_text(scenario.strategy.kind) << "\n";
  return 0;
}

// That real time starts.
std::vector<std::string> programs_started(const Scenario& scenario) {
  std::vector<std::string> names{"mx2-orchestrator", "mx2-emulator"};
  if (scenario.strategy.has_optimizer()) names.emplace_back("mx2-optimizer");
  if (scenario.strategy.kind == StrategyKind::kDispatching) names.emplace_back("mx2-dispatcher");
  return names;
}

// All that a command would read or start, each problem on a line; as of the other programs nothing
// is said of what is good. `real`: the command is run.
int check_all(const Options& options, bool real) {
  std::vector<std::string> problems;
  const auto scenario = scenario_of(options, &problems);
  if (!scenario) {
    const auto& error = scenario.error();
    problems.push_back((error.pointer.empty() ? "" : error.pointer + ": ") + error.detail);
  }
  std::vector<std::string> started;
  if (real && scenario.ok()) started = programs_started(*scenario);
  for (const auto& name : started) {
    const auto program = std::filesystem::path(programs_of(options)) / name;
    if (access(program.c_str(), X_OK) != 0) {
      problems.push_back(program.string() + ": there is no such program");
    }
  }
  return problems.empty() ? 0 : fail(invalid_argument(join(problems, "\n")), kExitFailed);
}

void add_scenario(CLI::App& command, Options& options) {
  command.add_option("SCENARIO", options.file, "YAML file")->required()->check(CLI::ExistingFile);
  command.add_option("--set", options.settings,
                     "Another value for a key of the file, e.g. strategy.kind=baseline or "
                     "hosts.0.count=9; may be repeated");
  command.add_flag("--check-config", options.check,
                   "Only say what is wrong with all that would be read, and exit");
}

int run(int argc, char** argv) {
  CLI::App app("Emulates UEs and MEC hosts under a strategy of the orchestrator", "mx2-emulator");
  app.set_version_flag("--version", MX2_VERSION);
  app.require_subcommand(0, 1);
  Options options;
  std::string config;
  app.add_option("--config", config, "The scenario, for --check-config without a command");
  app.add_flag("--check-config", options.check,
               "Only say what is wrong with the scenario and exit, as the other programs do");
  auto* simulating = app.add_subcommand("simulate", "In simulated time: fast, the same each time");
  add_scenario(*simulating, options);
  simulating->add_option("--out", options.out, "Directory for the results")->required();
  simulating->add_option("--seeds", options.seeds, "How many runs")->check(CLI::Range(1, 1000000));
  simulating->add_option("--first-seed", options.first_seed, "Seed of the first of them");
  simulating->add_flag("--calls", options.calls, "Also write every call");
  simulating->add_flag("--quiet", options.quiet, "Print nothing");
  auto* running =
      app.add_subcommand("run", "In real time: real orchestrator, Optimizer and HTTP on loopback");
  add_scenario(*running, options);
  running->add_option("--out", options.out, "Directory for the results, logs and stores")
      ->required();
  running->add_option("--seeds", options.seeds, "How many runs, one after the other")
      ->check(CLI::Range(1, 1000));
  running->add_option("--first-seed", options.first_seed, "Seed of the first of them");
  running->add_option("--programs", options.programs,
                      "Directory of the other programs; default: where this one is");
  running->add_option("--late-ms-max", options.late_ms_max,
                      "Repeat a run whose timers were late by more (p99); 0: take it as it is");
  running->add_option("--attempts", options.attempts, "For a run in time, before giving up")
      ->check(CLI::Range(1, 100));
  running->add_flag("--quiet", options.quiet, "Print nothing");
  auto* hosting = app.add_subcommand("host", "One of the scenario's MEC hosts, in real time");
  add_scenario(*hosting, options);
  hosting->add_option("--id", options.host, "Which one")->required();
  hosting->add_option("--operator-url", options.operator_url,
                      "Orchestrator to which it reports its load; default: none");
  hosting->add_option("--seed", options.first_seed, "For operations that vary");
  add_scenario(*app.add_subcommand("check", "Only read a scenario, and say what is wrong"),
               options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (app.get_subcommands().empty()) {
    options.file = config;
    if (options.check && !config.empty()) return check_all(options, false);
    std::cerr << "mx2-emulator: a command is missing: simulate, run, host, check; or --config FILE "
                 "--check-config\nTry mx2-emulator --help\n";
    return kExitUsage;
  }
  if (options.check) return check_all(options, running->parsed());
  const auto scenario = scenario_of(options);
  if (!scenario) return fail(scenario.error(), kExitUsage);
  if (simulating->parsed()) return simulate(*scenario, options);
  if (running->parsed()) return run_for_real(*scenario, options);
  if (hosting->parsed()) return host(*scenario, options);
  return check(*scenario, options);
}

}  // namespace
}  // namespace mx2::emulator

int main(int argc, char** argv) {
  try {
    return mx2::emulator::run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "mx2-emulator: " << e.what() << "\n";
    return 1;
  }
}
