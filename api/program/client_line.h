// What the command lines of our clients, mx2ctl and mx2, do alike: where the server is and who we
// are to it, how to print, and what is said of a command that is missing or misspelt.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
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

// Where commands are declared: the program, or a group of it. Parsing a command line leaves the one
// that was named in `chosen`. A command works with a `Session`, and comes to a `Status`.
template <typename Session, typename Status>
class Menu {
 public:
  using Command = std::function<Status(Session&)>;

  Menu(CLI::App& app, Command& chosen) : app_(app), chosen_(chosen) {}  // which must outlive this

  [[nodiscard]] CLI::App& app() const { return app_; }
  void choose(Command command) const { chosen_ = std::move(command); }
  // A command that only has others.
  [[nodiscard]] Menu group(const std::string& name, const std::string& help) const {
    auto* added = app_.add_subcommand(name, help);
    added->require_subcommand(1);
    return {*added, chosen_};
  }
  CLI::App& add(const std::string& name, const std::string& help, Command run) const {
    auto* added = app_.add_subcommand(name, help);
    added->callback([*this, run = std::move(run)] { choose(run); });
    return *added;
  }
  // With the arguments that the caller's options of it write to; they live as long as it does.
  template <typename Arguments>
  std::pair<CLI::App&, Arguments&> add(
      const std::string& name, const std::string& help,
      std::function<Status(Session&, const Arguments&)> run) const {
    const auto arguments = std::make_shared<Arguments>();
    auto& command = add(name, help, [=](Session& session) { return run(session, *arguments); });
    return {command, *arguments};
  }

 private:
  CLI::App& app_;
  Command& chosen_;
};

}  // namespace mx2::program
