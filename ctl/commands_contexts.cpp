// mx2ctl contexts …
#include <memory>

#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

struct Filter {
  std::string app;
  std::string device;
  std::string host;
  std::size_t limit = 0;
};

Result<int> list(Session& session, const Filter& filter) {
  return print_list(
      session, "/contexts",
      {{"app", filter.app}, {"associateDevAppId", filter.device}, {"host", filter.host}},
      filter.limit,
      {member("contextId", "CONTEXT"), member("app", "APP"), member("associateDevAppId", "DEVICE"),
       member("clientIp", "CLIENT IP"), member("host", "HOST"), member("ue", "ROW"),
       member("callback", "CALLBACK"), member("created", "CREATED"),
       member("referenceURI", "REFERENCE URI")});
}

Result<int> end(Session& session, const std::vector<std::string>& ids) {
  return for_each_id(session, "context", ids, [&](const auto& id) -> Result<std::string> {
    const auto ended = session.server.remove(encoded("contexts", id));
    if (!ended) {
      auto error = ended.error();
      error.detail = "context " + id + ": " + error.detail;
      return error;
    }
    return std::string("ended");
  });
}

}  // namespace

void add_context_commands(CLI::App& app, Command& chosen) {
  auto* contexts = app.add_subcommand("contexts", "Application contexts");
  contexts->require_subcommand(1);

  auto* list_command = contexts->add_subcommand("list", "List contexts");
  const auto filter = std::make_shared<Filter>();
  list_command->add_option("--app", filter->app, "Only contexts of this appDId");
  list_command->add_option("--device", filter->device, "Only of this associateDevAppId");
  list_command->add_option("--host", filter->host, "Only those on this MEC host");
  add_limit(*list_command, filter->limit);
  list_command->callback(
      [=, &chosen] { chosen = [=](Session& session) { return list(session, *filter); }; });

  auto* delete_command = contexts->add_subcommand("delete", "End contexts");
  const auto ids = std::make_shared<std::vector<std::string>>();
  delete_command->add_option("ID", *ids, "contextId")->required();
  delete_command->callback(
      [=, &chosen] { chosen = [=](Session& session) { return end(session, *ids); }; });
}

}  // namespace mx2::ctl
