#include "ctl/command_line.h"

#include <cstdlib>
#include <fstream>

#include "api/base/text.h"

namespace mx2::ctl {
namespace {

constexpr const char* kTokenVariable = "MX2_OPERATOR_TOKEN";

Result<std::string> read_token(const std::string& file) {
  if (file.empty()) {
    const char* token = std::getenv(kTokenVariable);
    return std::string(token == nullptr ? "" : token);
  }
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return usage_error("no token can be read", file);
  while (!line.empty() && line.back() == '\r') line.pop_back();
  return std::string(trim(line));
}

// The innermost command that was named.
const CLI::App& innermost(const CLI::App& app) {
  const auto* current = &app;
  while (!current->get_subcommands().empty()) current = current->get_subcommands().front();
  return *current;
}

// CLI11 says "A subcommand is required" also when the one given is misspelt.
std::string missing_command(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : innermost(app).get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  const auto list = join(names, ", ");
  for (const auto& word : app.remaining(true)) {
    if (word.starts_with("-")) continue;
    return "no command '" + word + "'" + did_you_mean(word, names, "; the commands are " + list);
  }
  return "a command is missing: " + list;
}

std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  const auto& command = innermost(*app);
  const bool needs_command = error.get_name() == "RequiredError" &&
                             command.get_require_subcommand_min() > 0 &&
                             command.get_subcommands().empty();
  return "mx2ctl: " + (needs_command ? missing_command(*app) : error.what()) +
         "\nTry mx2ctl --help\n";
}

}  // namespace

CommandLine::CommandLine()
    : app_("Looks at and changes a running mx2-orchestrator through its operator API") {
  app_.name("mx2ctl");
  app_.fallthrough();  // global options may also follow the command
  app_.require_subcommand(1);
  app_.failure_message(usage_message);
  app_.footer(
      "Exit status: 0 done, 1 refused or nothing found, 2 wrong usage, 3 server not reached");
  add_global_options();
  const Menu menu(app_, chosen_);
  add_host_commands(menu);
  add_app_commands(menu);
  add_package_commands(menu);
  add_table_commands(menu);
  add_context_commands(menu);
  add_outbox_commands(menu);
  add_lifecycle_commands(menu);
  add_explain_command(menu);
  add_optimizer_commands(menu);
  add_topology_commands(menu);
  add_health_commands(menu);
  add_completion_command(menu);
}

void CommandLine::add_global_options() {
  app_.add_option("--url", options_.url, "Where the operator API is")
      ->envname("MX2_OPERATOR_URL")
      ->capture_default_str();
  app_.add_option("--token-file", options_.token_file,
                  std::string("File whose first line is the bearer token; else the environment "
                              "variable ") +
                      kTokenVariable);
  app_.add_option("--ca-file", options_.ca_file,
                  "PEM file of certificates to trust with https; else those of the system");
  app_.add_option("--output", options_.output, "How to print")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  app_.add_option("--timeout", options_.timeout_s, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app_.set_version_flag("--version", MX2_VERSION);
}

Format CommandLine::format() const {
  if (options_.output == "json") return Format::kJson;
  return options_.output == "csv" ? Format::kCsv : Format::kTable;
}

Result<http::ClientOptions> CommandLine::client_options() const {
  if (!has_http_scheme(options_.url)) {
    return usage_error("the URL must begin with http:// or https://", options_.url);
  }
  const auto token = read_token(options_.token_file);
  if (!token) return token.error();
  http::ClientOptions client;
  client.timeout_ms = static_cast<int>(options_.timeout_s * 1000);
  client.connect_timeout_ms = std::min(client.connect_timeout_ms, client.timeout_ms);
  client.bearer_token = *token;
  client.ca_file = options_.ca_file;
  return client;
}

}  // namespace mx2::ctl
