// mx2 apps
#include "api/base/terminal.h"
#include "api/json/json.h"
#include "mx2-client/cli/commands.h"

namespace mx2::cli {
namespace {

json::Value to_json(const client::App& app) {
  json::Value out{{"appDId", app.app_d_id},           {"appName", app.app_name},
                  {"appProvider", app.app_provider},  {"appSoftVersion", app.app_soft_version},
                  {"appDVersion", app.app_d_version}, {"appDescription", app.app_description}};
  if (app.latency_ms) out["latency"] = *app.latency_ms;
  return out;
}

int list_apps(Session& session, const client::AppFilter& filter) {
  const auto apps = session.client.apps(filter);
  if (!apps) return report(session.err, apps.error());
  if (session.json) {
    auto list = json::Value::array();
    for (const auto& app : *apps) list.push_back(to_json(app));
    session.out << json::dump(list, 2) << '\n';
    return 0;
  }
  TableText table{{{"NAME", "PROVIDER", "VERSION", "MAX LATENCY", "DESCRIPTION"}},
                  {false, false, false, true, false}};
  for (const auto& app : *apps) {
    table.rows.push_back({app.app_name, app.app_provider, app.app_soft_version,
                          app.latency_ms ? std::to_string(*app.latency_ms) + " ms" : "",
                          app.app_description});
  }
  write_table(session.out, table);
  return 0;
}

}  // namespace

void add_apps_command(const Menu& program) {
  const auto [command, filter] =
      program.add<client::AppFilter>("apps", "List the applications on offer", list_apps);
  command.add_option("--name", filter.names, "Only with this name; may be repeated");
  command.add_option("--provider", filter.providers, "Only of this provider; may be repeated");
}

}  // namespace mx2::cli
