// mx2: the device application's command line. Parses it, runs the command, and gives its status.
#include <csignal>
#include <exception>
#include <iostream>

#include "api/base/log.h"
#include "api/program/client_line.h"
#include "mx2-client/cli/commands.h"

namespace mx2::cli {
namespace {

constexpr const char* kTokenVariable = "MX2_TOKEN";

const program::ClientProgram kMx2{"mx2",
                                  "refused or a call failed",
                                  "orchestrator",
                                  "Where the orchestrator is, without /dev_app/v1",
                                  "MX2_URL",
                                  kTokenVariable,
                                  {"table", "json"},
                                  "How to print; json: one document or line each"};

int run(const program::GlobalOptions& options, const Menu::Command& command) {
  const auto token = program::read_token(options.token_file, kTokenVariable);
  if (!token) {
    std::cerr << "mx2: " << token.error().pointer << ": " << token.error().detail << '\n';
    return kExitUsage;
  }
  const std::chrono::milliseconds timeout(options.timeout_ms());
  client::ClientOptions client_options;
  client_options.bearer_token = *token;
  client_options.url = options.url;
  client_options.ca_file = options.ca_file;
  client_options.timeout = timeout;
  client_options.invoke_timeout = timeout;
  Stop stop;
  client::Client client(client_options);
  Session session{client, options.output == "json", std::cout, std::cerr, stop};
  const int status = command(session);
  std::cout.flush();
  return status;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Uses applications at the edge as a device does, over Mx2 (ETSI GS MEC 016)");
  program::GlobalOptions options{"http://localhost:8080", 5};
  Menu::Command chosen;
  const Menu menu(app, chosen);
  program::declare(app, kMx2, options);
  add_apps_command(menu);
  add_run_command(menu);
  add_watch_command(menu);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  return run(options, chosen);
}

}  // namespace
}  // namespace mx2::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  mx2::log::configure("off", mx2::log::Format::kText);
  try {
    return mx2::cli::parse_and_run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "mx2: " << e.what() << '\n';
    return mx2::cli::kExitRefused;
  }
}
