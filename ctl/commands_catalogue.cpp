// mx2ctl hosts … and apps …: the same verbs over two collections.
#include <memory>

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

Result<int> put(Session& session, const Collection& collection, const std::string& file) {
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
    if (!reply) {
      auto error = reply.error();
      error.detail = collection.kind + " " + id + ": " + error.detail;
      return error;
    }
    return std::string(reply->status == 201 ? "created" : "updated");
  });
}

// Of a host; an app has none.
void print_instances(std::ostream& out, const json::Value& host) {
  const auto instances = host.find("instances");
  if (instances == host.end() || instances->empty()) return;
  out << '\n';
  const auto writer =
      make_list_writer(Format::kTable, out,
                       {member("appDId", "APP"), member("appInstanceId", "INSTANCE"),
                        member("referenceURI", "REFERENCE URI")});
  for (const auto& instance : *instances) writer->add(instance);
  writer->finish();
}

Result<int> show(Session& session, const Collection& collection, const std::string& id) {
  const auto item = session.server.get(encoded(collection.path, id));
  if (!item) return item.error();
  auto columns = collection.columns;
  columns.insert(columns.end(), collection.more.begin(), collection.more.end());
  write_item(session.format, session.out, columns, *item);
  if (session.format == Format::kTable) print_instances(session.out, *item);
  return 0;
}

Result<int> remove(Session& session, const Collection& collection,
                   const std::vector<std::string>& ids) {
  return for_each_id(session, collection.kind, ids, [&](const auto& id) -> Result<std::string> {
    const auto removed = session.server.remove(encoded(collection.path, id));
    if (!removed) return removed.error();
    return std::string("deleted");
  });
}

struct EntryArguments {
  std::string id;
  std::vector<std::string> ids;
  std::string file;
  std::size_t limit = 0;
};

void add_verbs(CLI::App& group, const std::shared_ptr<const Collection>& collection,
               Command& chosen) {
  const auto arguments = std::make_shared<EntryArguments>();
  group.require_subcommand(1);
  auto* list = group.add_subcommand("list", "List all " + collection->path);
  add_limit(*list, arguments->limit);
  list->callback([=, &chosen] {
    chosen = [=](Session& s) {
      return print_list(s, "/" + collection->path, {}, arguments->limit, collection->columns);
    };
  });
  auto* show_one = group.add_subcommand("show", "Show one " + collection->kind);
  show_one->add_option("ID", arguments->id)->required();
  show_one->callback(
      [=, &chosen] { chosen = [=](Session& s) { return show(s, *collection, arguments->id); }; });
  auto* put_file = group.add_subcommand(
      "put", "Create or replace the " + collection->path + " of a JSON or YAML file");
  put_file->add_option("FILE", arguments->file, "One document or a list of them; - is stdin")
      ->required();
  put_file->callback(
      [=, &chosen] { chosen = [=](Session& s) { return put(s, *collection, arguments->file); }; });
  auto* delete_ids = group.add_subcommand("delete", "Delete " + collection->path);
  delete_ids->add_option("ID", arguments->ids)->required();
  delete_ids->callback([=, &chosen] {
    chosen = [=](Session& s) { return remove(s, *collection, arguments->ids); };
  });
}

void add_state_verb(CLI::App& hosts, const std::string& verb, const std::string& done,
                    const std::string& help, Command& chosen) {
  const auto ids = std::make_shared<std::vector<std::string>>();
  auto* command = hosts.add_subcommand(verb, help);
  command->add_option("ID", *ids)->required();
  command->callback([=, &chosen] {
    chosen = [=](Session& s) {
      return for_each_id(s, "host", *ids, [&](const auto& id) -> Result<std::string> {
        const auto answer = s.server.post(encoded("hosts", id) + "/" + verb);
        if (!answer) return answer.error();
        return done;
      });
    };
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

void add_strategy_verb(CLI::App& apps, Command& chosen) {
  const auto arguments = std::make_shared<std::pair<std::string, std::string>>();
  auto* command =
      apps.add_subcommand("strategy", "Set what happens to contexts when a row changes");
  command->add_option("ID", arguments->first)->required();
  command->add_option("STRATEGY", arguments->second, "standard: as the configuration says")
      ->required()
      ->check(CLI::IsMember({"baseline", "notification", "multiple", "dispatching", "standard"}));
  command->callback([=, &chosen] {
    chosen = [=](Session& s) { return set_strategy(s, arguments->first, arguments->second); };
  });
}

Column instances_column() {
  return {"instances", "INSTANCES",
          [](const json::Value& host) {
            const auto it = host.find("instances");
            return std::to_string(it == host.end() ? 0 : it->size());
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

void add_host_commands(CLI::App& app, Command& chosen) {
  Collection hosts{"hosts", "host", "id", {}, {}, checked_by(codec::decode_host)};
  hosts.columns = {member("id", "ID"),     host_state_column(),        member("name", "NAME"),
                   member("zone", "ZONE"), member("labels", "LABELS"), instances_column()};
  hosts.more = {member("serviceArea", "SERVICE AREA"), member("mepmUri", "MEPM"),
                member("leaseMs", "LEASE MS")};
  auto* group = app.add_subcommand("hosts", "MEC hosts");
  add_verbs(*group, std::make_shared<const Collection>(std::move(hosts)), chosen);
  add_state_verb(*group, "cordon", "cordoned", "Send no new contexts to hosts", chosen);
  add_state_verb(*group, "drain", "draining", "Have the Optimizer empty hosts", chosen);
  add_state_verb(*group, "uncordon", "uncordoned", "Send new contexts to hosts again", chosen);
}

void add_app_commands(CLI::App& app, Command& chosen) {
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
  auto* group = app.add_subcommand("apps", "Applications of the catalogue");
  add_verbs(*group, std::make_shared<const Collection>(std::move(apps)), chosen);
  add_strategy_verb(*group, chosen);
  add_import_command(*group, chosen);
}

}  // namespace mx2::ctl
