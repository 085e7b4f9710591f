// mx2: the device application's command line. Parses it, runs the command, and gives its status.
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

#include "api/base/log.h"
#include "api/base/text.h"
#include "mx2-client/cli/commands.h"

namespace mx2::cli {
namespace {

constexpr const char* kTokenVariable = "MX2_TOKEN";

struct GlobalOptions {
  std::string url = "http://localhost:8080";
  std::string token_file;
  std::string ca_file;
  std::string output = "table";
  double timeout_s = 5;
};

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("--url", options.url, "Where the orchestrator is, without /dev_app/v1")
      ->envname("MX2_URL")
      ->capture_default_str();
  app.add_option("--token-file", options.token_file,
                 std::string("File whose first line is the bearer token; else the environment "
                             "variable ") +
                     kTokenVariable);
  app.add_option("--ca-file", options.ca_file,
                 "PEM file of certificates to trust with https; else those of the system");
  app.add_option("--output", options.output, "How to print; json: one document or line each")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_option("--timeout", options.timeout_s, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.set_version_flag("--version", MX2_VERSION);
}

std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  std::vector<std::string> list;
  for (const auto* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
    list.push_back(sub->get_name());
  }
  const auto names = join(list, ", ");
  std::string text = error.what();
  if (error.get_name() == "RequiredError" && app->get_subcommands().empty()) {
    text = "a command is missing: " + names;
    for (const auto& word : app->remaining(true)) {
      if (word.empty() || word.front() == '-') continue;
      text = "no command '" + word + "'" + did_you_mean(word, list, "; the commands are " + names);
      break;
    }
  }
  return "mx2: " + text + "\nTry mx2 --help\n";
}

// False: the file cannot be read.
bool read_token(const std::string& file, std::string& token) {
  if (file.empty()) {
    const char* variable = std::getenv(kTokenVariable);
    token = variable == nullptr ? "" : variable;
    return true;
  }
  std::ifstream in(file);
  if (!std::getline(in, token)) return false;
  while (!token.empty() && token.back() == '\r') token.pop_back();
  token = std::string(trim(token));
  return true;
}

int run(const GlobalOptions& options, const Command& command) {
  client::ClientOptions client_options;
  if (!read_token(options.token_file, client_options.bearer_token)) {
    std::cerr << "mx2: " << options.token_file << ": no token can be read\n";
    return kExitUsage;
  }
  const std::chrono::milliseconds timeout(static_cast<int>(options.timeout_s * 1000));
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
  GlobalOptions options;
  Command chosen;
  app.name("mx2");
  app.fallthrough();  // global options may also follow the command
  app.require_subcommand(1);
  app.failure_message(usage_message);
  app.footer(
      "Exit status: 0 done, 1 refused or a call failed, 2 wrong usage, 3 orchestrator not reached");
  add_global_options(app, options);
  add_apps_command(app, chosen);
  add_run_command(app, chosen);
  add_watch_command(app, chosen);
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
