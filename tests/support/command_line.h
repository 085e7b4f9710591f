// The command lines of programs of the tests that people run, too.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace mx2::test {

// What main() returns: 0 after --help, 2 if the command line is wrong, which is told; else what
// `run` returns.
inline int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& run) {
  constexpr int kExitUsage = 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return run();
}

}  // namespace mx2::test
