// The commands of mx2ctl. Each add_… function declares some of them; parsing a command line then
// leaves the one that was asked for in `chosen`, ready to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "ctl/operator_client.h"
#include "ctl/output.h"

namespace mx2::ctl {

inline constexpr int kExitRefused = 1;      // the server said no, or nothing was found
inline constexpr int kExitUsage = 2;        // the command line or a file it names is wrong
inline constexpr int kExitUnreachable = 3;  // no answer from the server

// What a command works with.
struct Session {
  OperatorClient& server;
  Format format;
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
};

// The exit status, or an error for main() to print.
using Command = std::function<Result<int>(Session&)>;

void add_host_commands(CLI::App& app, Command& chosen);
void add_app_commands(CLI::App& app, Command& chosen);
void add_import_command(CLI::App& apps, Command& chosen);
void add_table_commands(CLI::App& app, Command& chosen);
void add_table_file_commands(CLI::App& table, Command& chosen);
void add_context_commands(CLI::App& app, Command& chosen);
void add_lifecycle_commands(CLI::App& app, Command& chosen);  // instances, capacity
void add_outbox_commands(CLI::App& app, Command& chosen);
void add_explain_command(CLI::App& app, Command& chosen);
void add_package_commands(CLI::App& app, Command& chosen);
void add_optimizer_commands(CLI::App& app, Command& chosen);
void add_topology_commands(CLI::App& app, Command& chosen);
void add_health_commands(CLI::App& app, Command& chosen);
void add_completion_command(CLI::App& app, Command& chosen);

// The API of the optimizer at `url`, or if that is empty of the one that leads.
[[nodiscard]] Result<OperatorClient> optimizer(Session& session, const std::string& url);

// An error of the command line or of a file it names: exit status 2.
[[nodiscard]] Error usage_error(std::string detail, std::string place = {});
[[nodiscard]] int exit_status_of(const Error& error);
void print_error(std::ostream& err, const Error& error);

// Prints every item of a list.
[[nodiscard]] Result<int> print_list(Session& session, const std::string& path, const Query& query,
                                     std::size_t limit, std::vector<Column> columns);

// The same of several queries, as one list.
[[nodiscard]] Result<int> print_lists(Session& session, const std::string& path,
                                      const std::vector<Query>& queries, std::size_t limit,
                                      std::vector<Column> columns);

// Does `action` for each identifier, saying "host mec-1: deleted". Goes on after a refusal, which
// is printed and makes the exit status 1; ends when the server cannot be reached.
[[nodiscard]] Result<int> for_each_id(
    Session& session, const std::string& kind, const std::vector<std::string>& ids,
    const std::function<Result<std::string>(const std::string& id)>& action);

// The option --limit of a list.
void add_limit(CLI::App& command, std::size_t& limit);

}  // namespace mx2::ctl
