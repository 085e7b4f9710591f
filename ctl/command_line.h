// The command line of mx2ctl: global options, commands, and what each leads to.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "api/base/result.h"
#include "api/http/http_client.h"
#include "api/program/client_line.h"
#include "ctl/commands.h"

namespace mx2::ctl {

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Throws CLI::ParseError; app().exit() turns it into a message.
  void parse(int argc, const char* const* argv) { app_.parse(argc, argv); }
  [[nodiscard]] CLI::App& app() { return app_; }

  // After parse().
  [[nodiscard]] const Command& command() const { return chosen_; }
  [[nodiscard]] const std::string& url() const { return options_.url; }
  [[nodiscard]] Format format() const;
  // Reads the token; usage errors for a URL or a file that cannot be used.
  [[nodiscard]] Result<http::ClientOptions> client_options() const;

 private:
  CLI::App app_;
  program::GlobalOptions options_{"http://127.0.0.1:8081", 30};
  Command chosen_;
};

}  // namespace mx2::ctl
