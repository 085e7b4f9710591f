#include "ctl/command_line.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::ctl {
namespace {

constexpr const char* kTokenVariable = "MX2_OPERATOR_TOKEN";

const program::ClientProgram kMx2ctl{"mx2ctl",
                                     "refused or nothing found",
                                     "server",
                                     "Where the operator API is",
                                     "MX2_OPERATOR_URL",
                                     kTokenVariable,
                                     {"table", "json", "csv"},
                                     "How to print"};

}  // namespace

CommandLine::CommandLine()
    : app_("Looks at and changes a running mx2-orchestrator through its operator API") {
  program::declare(app_, kMx2ctl, options_);
  const Menu menu(app_, chosen_);
  add_host_commands(menu);
  add_app_commands(menu);
  add_package_commands(menu);
  add_table_commands(menu);
  add_context_commands(menu);
  add_outbox_commands(menu);
  add_lifecycle_commands(menu);
  add_explain_command(menu);
  add_optimizer_commands(menu);
  add_topology_commands(menu);
  add_health_commands(menu);
  add_demo_commands(menu);
  add_backup_commands(menu);
  add_completion_command(menu);
}

Format CommandLine::format() const {
  if (options_.output == "json") return Format::kJson;
  return options_.output == "csv" ? Format::kCsv : Format::kTable;
}

Result<http::ClientOptions> CommandLine::client_options() const {
  if (!has_http_scheme(options_.url)) {
    return usage_error("the URL must begin with http:// or https://", options_.url);
  }
  const auto token = program::read_token(options_.token_file, kTokenVariable);
  if (!token) return usage_error(token.error().detail, token.error().pointer);
  http::ClientOptions client;
  client.timeout_ms = options_.timeout_ms();
  client.connect_timeout_ms = std::min(client.connect_timeout_ms, client.timeout_ms);
  client.bearer_token = *token;
  client.ca_file = options_.ca_file;
  return client;
}

}  // namespace mx2::ctl
