#include "api/program/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <stdexcept>

#include "api/base/log.h"
#include "api/base/text.h"

namespace mx2::program {
namespace {

constexpr int kExitUsage = 2;

struct CommandLine {
  std::string config;
  bool check_config = false;
  bool print_config = false;
};

sigset_t awaited_signals(bool hangup) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (hangup) sigaddset(&signals, SIGHUP);
  return signals;
}

Result<config::Document> read_document(const std::string& path) {
  if (path.empty()) return config::Document{json::Value::object(), "defaults", {}};
  return config::read_yaml_file(path);
}

std::string reason_of(const Error& error) {
  return (error.pointer.empty() ? "" : error.pointer + ": ") + error.detail;
}

int fail(const Program& program, const Error& error) {
  std::cerr << program.name << ": " << reason_of(error) << "\n";
  return 1;
}

int check(const Program& program, const Prepared& prepared) {
  auto problems = prepared.problems;
  const auto further = prepared.look_further();
  problems.insert(problems.end(), further.begin(), further.end());
  return problems.empty() ? 0 : fail(program, invalid_argument(join(problems, "\n")));
}

int start(const Program& program, const Prepared& prepared) {
  // Blocked before any thread starts, so that only wait_for_stop() receives them.
  const auto signals = awaited_signals(program.takes_hangup);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const bool json = prepared.log.format == "json";
  log::configure(prepared.log.level, json ? log::Format::kJson : log::Format::kText, program.name);
  for (const auto& problem : prepared.problems) log::warn("configuration", {{"problem", problem}});
  if (const auto ended = prepared.run(); !ended) {
    if (!json || prepared.log.level == "off") return fail(program, ended.error());
    log::error("cannot start", {{"reason", reason_of(ended.error())}});
    return 1;
  }
  log::info("stopped");
  return 0;
}

}  // namespace

int run(int argc, char** argv, const Program& program,
        const std::function<Result<Prepared>(const config::Document&)>& prepare) {
  CommandLine command_line;
  CLI::App app{program.description, program.name};
  app.add_option("--config", command_line.config, "YAML file; without it, the defaults");
  app.add_flag("--check-config", command_line.check_config, "Check the configuration and exit");
  app.add_flag("--print-config", command_line.print_config,
               "Print the effective configuration, and what each key may be");
  for (const auto& flag : program.flags) app.add_flag(flag.name, *flag.set, flag.help);
  app.set_version_flag("--version", MX2_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  const auto document = read_document(command_line.config);
  if (!document) return fail(program, document.error());
  const auto prepared = prepare(*document);
  if (!prepared) return fail(program, prepared.error());
  if (command_line.print_config) std::cout << prepared->effective;
  if (command_line.check_config) return check(program, *prepared);
  if (command_line.print_config) return 0;
  return start(program, *prepared);
}

Result<void> listen(http::Server& server, http::Handler& handler) {
  try {
    server.start(handler);
    return {};
  } catch (const std::runtime_error& e) {
    return unavailable(e.what());
  }
}

void wait_for_stop(const std::function<void()>& hangup) {
  const auto signals = awaited_signals(hangup != nullptr);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) hangup();
  log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
}

void stop() { ::kill(::getpid(), SIGTERM); }

}  // namespace mx2::program
