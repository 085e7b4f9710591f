// What all our daemons do alike: the command line (--config, --check-config, --print-config,
// --version, --help), a readable error when they cannot start, and an orderly end on SIGTERM and
// SIGINT.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "api/http/http.h"
#include "api/program/options.h"

namespace mx2::program {

// A switch of this program alone, e.g. "--once"; `set` becomes true before the configuration is
// read.
struct Flag {
  std::string name;
  std::string help;
  bool* set = nullptr;
};

struct Program {
  std::string name;         // e.g. "mx2-orchestrator"
  std::string description;  // one line for --help
  std::vector<Flag> flags = {};
  bool takes_hangup = false;  // SIGHUP is told to wait_for_stop(); else it ends the program
};

// A configuration that was read and found good.
struct Prepared {
  std::string effective;  // as YAML, without secrets
  LogOptions log;
  std::vector<std::string> problems;  // that are told, and no more than that when it starts
  std::function<Result<void>()> run;
  // Problems that only --check-config seeks.
  std::function<std::vector<std::string>()> look_further;
};

[[nodiscard]] int run(int argc, char** argv, const Program& program,
                      const std::function<Result<Prepared>(const config::Document&)>& prepare);

// main() of a daemon: the exit code is 0, 1 (cannot start, or the configuration is wrong) or 2 (the
// command line is wrong). `options_of` makes a Loaded of the configuration's document, or a Result
// with the error; `serve` is given that, and runs until stop is called for: an error means that it
// could not start. Signals are blocked by then, so threads may be started. `look_further` is given
// the Loaded, too, and reads what the program would read only later.
template <typename OptionsOf, typename Serve, typename LookFurther>
[[nodiscard]] int run(int argc, char** argv, const Program& program, OptionsOf options_of,
                      Serve serve, LookFurther look_further) {
  return run(argc, argv, program, [&](const config::Document& document) -> Result<Prepared> {
    auto read = options_of(document);
    if (!read) return read.error();
    const auto kept = std::make_shared<const std::decay_t<decltype(*read)>>(std::move(*read));
    return Prepared{kept->effective, kept->options.log, kept->problems,
                    [serve, kept] { return serve(*kept); },
                    [look_further, kept] { return look_further(*kept); }};
  });
}
template <typename OptionsOf, typename Serve>
[[nodiscard]] int run(int argc, char** argv, const Program& program, OptionsOf options_of,
                      Serve serve) {
  return run(argc, argv, program, options_of, serve,
             [](const auto&) { return std::vector<std::string>(); });
}

// Unavailable, with what to mend: the server's address cannot be used.
[[nodiscard]] Result<void> listen(http::Server& server, http::Handler& handler);

// Waits for SIGTERM or SIGINT; from within `serve` only. `hangup` is called for each SIGHUP
// meanwhile, if Program::takes_hangup.
void wait_for_stop(const std::function<void()>& hangup = {});
// From any thread: as SIGTERM would, wait_for_stop() ends.
void stop();

}  // namespace mx2::program
