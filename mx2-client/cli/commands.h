// The commands of mx2.
#pragma once

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>

#include "api/program/client_line.h"
#include "mx2-client/cli/stop.h"
#include "mx2-client/include/mx2/client.h"

namespace mx2::cli {

inline constexpr int kExitRefused = 1;      // the orchestrator said no, or a call failed
inline constexpr int kExitUsage = 2;        // the command line or a file it names is wrong
inline constexpr int kExitUnreachable = 3;  // no answer from the orchestrator

// What a command works with.
struct Session {
  client::Client& client;
  bool json = false;
  std::ostream& out;
  std::ostream& err;
  Stop& stop;
};

// A command comes to its exit status.
using Menu = program::Menu<Session, int>;

void add_apps_command(const Menu& program);
void add_run_command(const Menu& program);
void add_watch_command(const Menu& program);

// Prints it and gives the exit status.
int report(std::ostream& err, const client::Error& error);

// Options that run and watch have in common: which application, for whom, where, told how, and how
// long to wait for who has to come up.
struct ContextOptions {
  client::ContextRequest request;
  std::string channel = "auto";
  std::string country;
  double wait_s = 10;
};
void add_context_options(CLI::App& command, ContextOptions& options);
// The context. Waits, and says so once, while the orchestrator does not listen or no MEC host can
// serve the application, as when they have just been started.
[[nodiscard]] client::Result<client::Context> open_context(Session& session,
                                                           const ContextOptions& options);

}  // namespace mx2::cli
