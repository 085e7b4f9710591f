// What all our daemons do alike: the command line (--config, --check-config, --print-config,
// --version, --help), a readable error when they cannot start, and an orderly end on SIGTERM and
// SIGINT.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/config/yaml.h"

namespace mx2::program {

// A switch of this program alone, e.g. "--once"; `set` becomes true before prepare() is called.
struct Flag {
  std::string name;
  std::string help;
  bool* set = nullptr;
};

struct Program {
  std::string name;         // e.g. "mx2-orchestrator"
  std::string description;  // one line for --help
  std::vector<Flag> flags = {};
};

// A configuration that was read and found good.
struct Prepared {
  std::string effective;            // as YAML, without secrets
  std::string log_level = "info";   // as log::configure() takes it
  std::string log_format = "text";  // text | json
  // Runs until stop is called for; an error means that it could not start. Signals are blocked
  // already, so threads may be started.
  std::function<Result<void>()> run;
  bool takes_hangup = false;  // SIGHUP is told to wait_for_stop(); else it ends the program
};

// main() of a daemon: the exit code is 0, 1 (cannot start, or the configuration is wrong) or 2 (the
// command line is wrong).
[[nodiscard]] int run(int argc, char** argv, const Program& program,
                      const std::function<Result<Prepared>(const config::Document&)>& prepare);

// Waits for SIGTERM or SIGINT; from within Prepared::run only. `hangup` is called for each SIGHUP
// meanwhile, if Prepared::takes_hangup.
void wait_for_stop(const std::function<void()>& hangup = {});
// From any thread: as SIGTERM would, wait_for_stop() ends.
void stop();

}  // namespace mx2::program
