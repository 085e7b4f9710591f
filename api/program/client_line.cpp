#include "api/program/client_line.h"

#include <cstdlib>

#include "api/base/file.h"
#include "api/base/text.h"

namespace mx2::program {
namespace {

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
  const auto& name = app->get_name();
  return name + ": " + (needs_command ? missing_command(*app) : error.what()) + "\nTry " + name +
         " --help\n";
}

}  // namespace

void declare(CLI::App& app, const ClientProgram& program, GlobalOptions& options) {
  app.name(program.name);
  app.fallthrough();
  app.require_subcommand(1);
  app.failure_message(usage_message);
  app.footer("Exit status: 0 done, 1 " + program.refused + ", 2 wrong usage, 3 " + program.server +
             " not reached");
  app.add_option("--url", options.url, program.url_help)
      ->envname(program.url_variable)
      ->capture_default_str();
  app.add_option("--token-file", options.token_file,
                 "File whose first line is the bearer token; else the environment variable " +
                     program.token_variable);
  app.add_option("--ca-file", options.ca_file,
                 "PEM file of certificates to trust with https; else those of the system");
  app.add_option("--output", options.output, program.output_help)
      ->check(CLI::IsMember(program.outputs))
      ->capture_default_str();
  app.add_option("--timeout", options.timeout_s, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.set_version_flag("--version", MX2_VERSION);
}

Result<std::string> read_token(const std::string& file, const char* variable) {
  if (file.empty()) {
    const char* token = std::getenv(variable);
    return std::string(token == nullptr ? "" : token);
  }
  const auto content = read_file(file);
  if (!content) return invalid_argument("no token can be read", file);
  return first_line(*content);
}

}  // namespace mx2::program
