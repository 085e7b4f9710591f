// mx2ctl apps import: the on-boarded applications of the ETSI MEC Sandbox, into the catalogue.
#include <map>

#include "api/operator/codec.h"
#include "ctl/commands.h"
#include "ctl/documents.h"
#include "ctl/onboarded_apps.h"

namespace mx2::ctl {
namespace {

struct ImportArguments {
  std::vector<std::string> files;
  bool dry_run = false;
};

struct Wanted {
  std::vector<std::string> ids;  // in the order of the files
  std::map<std::string, json::Value> documents;
  std::map<std::string, std::string> files;
};

Result<void> add_document(Session& session, const std::string& file, const Documents& documents,
                          std::size_t i, Wanted& wanted) {
  auto read = read_onboarded_apps(documents[i]);
  if (!read) return documents.located(i, read.error());
  for (const auto& remark : read->remarks) session.err << file << ": " << remark << '\n';
  for (auto& app : read->apps) {
    const auto id = app.document["appDId"].get<std::string>();
    if (const auto earlier = wanted.files.find(id); earlier != wanted.files.end()) {
      return documents.located(
          i, invalid_argument("app '" + id + "' is in " + earlier->second + " already",
                              app.pointer + "/appDId"));
    }
    wanted.ids.push_back(id);
    wanted.files.emplace(id, file);
    wanted.documents.emplace(id, std::move(app.document));
  }
  return {};
}

// Everything is read and checked before anything is sent.
Result<Wanted> read_files(Session& session, const std::vector<std::string>& files) {
  Wanted wanted;
  for (const auto& file : files) {
    const auto documents = Documents::read(file, session.in);
    if (!documents) return documents.error();
    for (std::size_t i = 0; i < documents->size(); ++i) {
      if (auto added = add_document(session, file, *documents, i, wanted); !added) {
        return added.error();
      }
    }
  }
  return wanted;
}

// What operators have decided about an app stays as it is.
void keep_decisions(const json::Value& present, json::Value& document) {
  for (const auto* member : {"enabled", "subjects", "strategy"}) {
    if (present.contains(member)) document[member] = present[member];
  }
}

Result<std::string> import_app(Session& session, const std::string& id, json::Value document,
                               bool dry_run) {
  const auto present = session.server.get(encoded("apps", id));
  if (!present && present.error().code != ErrorCode::kNotFound) return present.error();
  if (present) keep_decisions(*present, document);
  const auto app = codec::decode_app(document);
  if (!app) return app.error();
  document = codec::to_json(*app);
  if (present && document == *present) return std::string("unchanged");
  if (dry_run) return std::string(present ? "would be updated" : "would be created");
  return said(session.server.put(encoded("apps", id), document), present ? "updated" : "created");
}

Result<int> import_apps(Session& session, const ImportArguments& arguments) {
  auto wanted = read_files(session, arguments.files);
  if (!wanted) return wanted.error();
  return for_each_id(session, "app", wanted->ids, [&](const auto& id) {
    return import_app(session, id, std::move(wanted->documents.at(id)), arguments.dry_run);
  });
}

}  // namespace

void add_import_command(const Menu& apps) {
  const auto [command, arguments] = apps.add<ImportArguments>(
      "import", "Take over on-boarded applications of the ETSI MEC Sandbox", import_apps);
  command.add_option("FILE", arguments.files, "Its onboarded-demo*.json; - is stdin")->required();
  command.add_flag("--dry-run", arguments.dry_run, "Say what would be done");
}

}  // namespace mx2::ctl
