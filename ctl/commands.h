// The commands of mx2ctl. Each add_… function declares some of them in a menu; parsing a command
// line then leaves the one that was named in `chosen`, ready to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/program/client_line.h"
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

// The exit status of a command, or an error for main() to print.
using Menu = program::Menu<Session, Result<int>>;
using Command = Menu::Command;

void add_host_commands(const Menu& program);
void add_drain_command(const Menu& hosts);
void add_app_commands(const Menu& program);
void add_import_command(const Menu& apps);
void add_table_commands(const Menu& program);
void add_table_file_commands(const Menu& table);
void add_context_commands(const Menu& program);
void add_demo_commands(const Menu& program);
void add_lifecycle_commands(const Menu& program);  // instances, capacity
void add_outbox_commands(const Menu& program);
void add_explain_command(const Menu& program);
void add_package_commands(const Menu& program);
void add_optimizer_commands(const Menu& program);
void add_topology_commands(const Menu& program);
void add_health_commands(const Menu& program);
void add_backup_commands(const Menu& program);
void add_completion_command(const Menu& program);  // and what its scripts ask for

// The API of the optimizer at `url`, or if that is empty of the one that leads.
[[nodiscard]] Result<OperatorClient> optimizer(Session& session, const std::string& url);
// The option of a group of commands that says so.
[[nodiscard]] std::shared_ptr<const std::string> add_optimizer_url(const Menu& group);

// An error of the command line or of a file it names: exit status 2.
[[nodiscard]] Error usage_error(std::string detail, std::string place = {});
[[nodiscard]] int exit_status_of(const Error& error);
void print_error(std::ostream& err, const Error& error);

// Prints a document, or returns the error.
[[nodiscard]] Result<int> print_item(const Session& session, const Result<json::Value>& document,
                                     const std::vector<Column>& columns);
// Prints every item of a list of the server's.
[[nodiscard]] Result<int> print_list(Session& session, const std::string& path, const Query& query,
                                     std::size_t limit, std::vector<Column> columns);
// The option --limit of a list.
void add_limit(CLI::App& command, std::size_t& limit);
// A command that prints a list, with --limit and options that ask for a part of it.
struct ListOption {
  std::string name;       // "--app"
  std::string parameter;  // of the query
  std::string help;
};
void add_list(const Menu& menu, const std::string& name, const std::string& help,
              const std::string& path, const std::vector<ListOption>& options,
              const std::vector<Column>& columns);

// The same of several queries, as one list.
[[nodiscard]] Result<int> print_lists(Session& session, const std::string& path,
                                      const std::vector<Query>& queries, std::size_t limit,
                                      std::vector<Column> columns);

// Does `action` for each identifier, saying "host mec-1: deleted". Goes on after a refusal, which
// is printed and makes the exit status 1; ends when the server cannot be reached.
[[nodiscard]] Result<int> for_each_id(
    Session& session, const std::string& kind, const std::vector<std::string>& ids,
    const std::function<Result<std::string>(const std::string& id)>& action);
// A command that does so.
using Action = std::function<Result<std::string>(Session&, const std::string& id)>;
void add_for_each(const Menu& menu, const std::string& name, const std::string& help,
                  const std::string& kind, const std::string& id_help, const Action& action);

// "host" -> "HOST": what help and completion call an argument that is the identifier of one.
[[nodiscard]] std::string kind_in_help(std::string kind);

// What an action says: `done`, or the error, which begins with `whose` if that is given.
template <typename T>
[[nodiscard]] Result<std::string> said(const Result<T>& answer, const std::string& done,
                                       const std::string& whose = {}) {
  if (answer) return done;
  auto error = answer.error();
  if (!whose.empty()) error.detail = whose + ": " + error.detail;
  return error;
}

}  // namespace mx2::ctl
