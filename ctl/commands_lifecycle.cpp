// mx2ctl instances and capacity: what runs where, and what should.
#include <memory>

#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

struct Wish {
  std::string app;
  std::string host;
  std::size_t limit = 0;
};

Query query_of(const Wish& wish) {
  Query query;
  if (!wish.app.empty()) query.emplace_back("app", wish.app);
  if (!wish.host.empty()) query.emplace_back("host", wish.host);
  return query;
}

void add_list(CLI::App& app, const std::string& path, const std::string& help,
              std::vector<Column> columns, Command& chosen) {
  const auto wish = std::make_shared<Wish>();
  auto* command = app.add_subcommand(path, help);
  command->add_option("--app", wish->app, "Only of this appDId");
  command->add_option("--host", wish->host, "Only of this host");
  add_limit(*command, wish->limit);
  command->callback([=, columns = std::move(columns), &chosen] {
    chosen = [=](Session& s) {
      return print_list(s, "/" + path, query_of(*wish), wish->limit, columns);
    };
  });
}

}  // namespace

void add_lifecycle_commands(CLI::App& app, Command& chosen) {
  add_list(
      app, "instances", "Instances of λ on all hosts",
      {member("hostId", "HOST"), member("appDId", "APP"), member("appInstanceId", "INSTANCE"),
       member("state", "STATE"), member("managed", "MANAGED"), member("restarts", "RESTARTS", true),
       member("fetchMs", "FETCH MS", true), member("installMs", "INSTALL MS", true),
       member("startMs", "START MS", true), member("readyMs", "READY MS", true),
       member("referenceURI", "REFERENCE URI"), member("lastError", "LAST ERROR")},
      chosen);
  add_list(app, "capacity", "How many instances are wanted of each app at each host, and why",
           {member("hostId", "HOST"), member("appDId", "APP"),
            member("instances", "INSTANCES", true), member("reason", "REASON")},
           chosen);
}

}  // namespace mx2::ctl
