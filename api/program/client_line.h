// What the command lines of our clients, mx2ctl and mx2, do alike: where the server is and who we
// are to it, how to print, and what is said of a command that is missing or misspelt.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "api/base/result.h"

namespace mx2::program {

struct ClientProgram {
  std::string name;            // "mx2ctl"
  std::string refused;         // what exit status 1 means
  std::string server;          // whose silence is exit status 3
  std::string url_help;        // of --url
  std::string url_variable;    // that is read without --url
  std::string token_variable;  // without --token-file
  std::vector<std::string> outputs;
  std::string output_help;
};

// With the defaults of the program; what is given replaces them.
struct GlobalOptions {
  std::string url;
  double timeout_s = 0;
  std::string token_file = {};
  std::string ca_file = {};
  std::string output = "table";

  [[nodiscard]] int timeout_ms() const { return static_cast<int>(timeout_s * 1000); }
};

// Declares name, exit statuses and global options, which may also follow the command; one command
// is needed. `options` must outlive `app`.
void declare(CLI::App& app, const ClientProgram& program, GlobalOptions& options);

// The first line of the file, or else what the variable says. invalid_argument with the file.
[[nodiscard]] Result<std::string> read_token(const std::string& file, const char* variable);

}  // namespace mx2::program
