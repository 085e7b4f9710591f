// mx2ctl hosts … and apps …: the same verbs over two collections.
#include <cmath>

#include "api/operator/codec.h"
#include "ctl/commands.h"
#include "ctl/documents.h"

namespace mx2::ctl {
namespace {

struct Collection {
  std::string path;  // "hosts"
  std::string kind;  // "host"
  std::string key;   // member with the identifier
  std::vector<Column> columns;
  std::vector<Column> more;  // only when one is shown
  std::function<Result<void>(const json::Value&)> check;
};

Result<int> put_entries(Session& session, const Collection& collection, const std::string& file) {
  const auto documents = Documents::read(file, session.in);
  if (!documents) return documents.error();
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < documents->size(); ++i) {
    const auto& document = (*documents)[i];
    if (auto fine = collection.check(document); !fine) {
      return documents->located(i, fine.error());
    }
    ids.push_back(document[collection.key].get<std::string>());
  }
  std::size_t next = 0;
  return for_each_id(session, collection.kind, ids, [&](const auto& id) -> Result<std::string> {
    const auto reply = session.server.put(encoded(collection.path, id), (*documents)[next++]);
    const bool made = reply && reply->status == 201;
    return said(reply, made ? "created" : "updated", collection.kind + " " + id);
  });
}

// Of a host; an app has none.
void print_instances(std::ostream& out, const json::Value& host) {
  const auto instances = list_in(host, "instances");
  if (instances.empty()) return;
  out << '\n';
  print_items(Format::kTable, out,
              {member("appDId", "APP"), member("appInstanceId", "INSTANCE"),
               member("referenceURI", "REFERENCE URI")},
              instances);
}

Result<int> show_entry(Session& session, const Collection& collection, const std::string& id) {
  const auto item = session.server.get(encoded(collection.path, id));
  if (!item) return item.error();
  auto columns = collection.columns;
  columns.insert(columns.end(), collection.more.begin(), collection.more.end());
  write_item(session.format, session.out, columns, *item);
  if (session.format == Format::kTable) print_instances(session.out, *item);
  return 0;
}

void add_verbs(const Menu& group, const Collection& collection) {
  const auto& path = collection.path;
  const auto& kind = collection.kind;
  add_list(group, "list", "List all " + path, "/" + path, {}, collection.columns);
  const auto [show, id] = group.add<std::string>(
      "show", "Show one " + kind, [collection](Session& session, const std::string& given) {
        return show_entry(session, collection, given);
      });
  show.add_option("ID", id)->required()->type_name(kind_in_help(kind));
  const auto [put, file] =
      group.add<std::string>("put", "Create or replace the " + path + " of a JSON or YAML file",
                             [collection](Session& session, const std::string& given) {
                               return put_entries(session, collection, given);
                             });
  put.add_option("FILE", file, "One document or a list of them; - is stdin")->required();
  add_for_each(group, "delete", "Delete " + path, kind, "",
               [path](Session& session, const std::string& each) {
                 return said(session.server.remove(encoded(path, each)), "deleted");
               });
}

void add_state_verb(const Menu& hosts, const std::string& verb, const std::string& done,
                    const std::string& help) {
  add_for_each(hosts, verb, help, "host", "", [=](Session& session, const std::string& id) {
    return said(session.server.post(encoded("hosts", id) + "/" + verb), done);
  });
}

Result<int> set_strategy(Session& session, const std::string& id, const std::string& strategy) {
  auto app = session.server.get(encoded("apps", id));
  if (!app) return app.error();
  (*app)["strategy"] = strategy;
  if (strategy == "standard") app->erase("strategy");
  if (const auto changed = session.server.put(encoded("apps", id), *app); !changed) {
    return changed.error();
  }
  session.out << "app " << printable(id) << ": strategy " << strategy << '\n';
  return 0;
}

void add_strategy_verb(const Menu& apps) {
  struct Arguments {
    std::string id;
    std::string strategy;
  };
  const auto [command, arguments] =
      apps.add<Arguments>("strategy", "Set what happens to contexts when a row changes",
                          [](Session& session, const Arguments& given) {
                            return set_strategy(session, given.id, given.strategy);
                          });
  command.add_option("ID", arguments.id)->required()->type_name("APP");
  command.add_option("STRATEGY", arguments.strategy, "standard: as the configuration says")
      ->required()
      ->check(CLI::IsMember({"baseline", "notification", "multiple", "dispatching", "standard"}));
}

Column instances_column() {
  return {"instances", "INSTANCES",
          [](const json::Value& host) { return std::to_string(list_in(host, "instances").size()); },
          true};
}

// A share of 1 in percent; empty when it is not known.
Column percent(const std::string& path, const std::string& title) {
  return {path, title,
          [path](const json::Value& host) {
            const auto share = text_at(host, path);
            return share.empty() ? share : std::to_string(std::lround(std::stod(share) * 100));
          },
          true};
}

// What operators have set; that the host does not answer is added.
Column host_state_column() {
  return {"state", "STATE", [](const json::Value& host) {
            const auto state = host.value("state", std::string());
            const auto status = host.value("status", json::Value::object());
            return status.value("reachable", true) ? state : state + ", does not answer";
          }};
}

template <typename T>
std::function<Result<void>(const json::Value&)> checked_by(
    Result<T> (*decode)(const json::Value&)) {
  return [decode](const json::Value& document) -> Result<void> {
    const auto decoded = decode(document);
    if (!decoded) return decoded.error();
    return {};
  };
}

}  // namespace

void add_host_commands(const Menu& program) {
  Collection hosts{"hosts", "host", "id", {}, {}, checked_by(codec::decode_host)};
  hosts.columns = {member("id", "ID"),
                   host_state_column(),
                   member("name", "NAME"),
                   member("zone", "ZONE"),
                   member("labels", "LABELS"),
                   instances_column(),
                   member("status.contexts", "CONTEXTS", true),
                   percent("status.load.cpu", "CPU %"),
                   percent("status.load.memory", "MEMORY %"),
                   member("status.load.inFlight", "IN FLIGHT", true),
                   member("status.load.requestRate", "REQUESTS/S", true),
                   member("status.load.ageMs", "LOAD MS AGO", true)};
  hosts.more = {member("status.contextsOfApps", "CONTEXTS OF APPS"),
                member("serviceArea", "SERVICE AREA"), member("mepmUri", "MEPM"),
                member("leaseMs", "LEASE MS")};
  const auto group = program.group("hosts", "MEC hosts");
  add_verbs(group, hosts);
  add_state_verb(group, "cordon", "cordoned", "Send no new contexts to hosts");
  add_drain_command(group);
  add_state_verb(group, "uncordon", "uncordoned", "Send new contexts to hosts again");
}

void add_app_commands(const Menu& program) {
  Collection apps{"apps", "app", "appDId", {}, {}, checked_by(codec::decode_app)};
  apps.columns = {member("appDId", "ID"),
                  member("appName", "NAME"),
                  member("appProvider", "PROVIDER"),
                  member("appDVersion", "VERSION"),
                  member("appSoftVersion", "SOFTWARE"),
                  member("enabled", "ENABLED"),
                  member("strategy", "STRATEGY"),
                  member("appDescription", "DESCRIPTION")};
  apps.more = {member("appCharcs", "CHARACTERISTICS"), member("appLocation", "LOCATION"),
               member("subjects", "SUBJECTS"), member("vendorSpecificExt", "VENDOR EXTENSION")};
  const auto group = program.group("apps", "Applications of the catalogue");
  add_verbs(group, apps);
  add_strategy_verb(group);
  add_import_command(group);
}

}  // namespace mx2::ctl
