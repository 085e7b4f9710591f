// mx2ctl table list, set, unset, history, diff, rollback.
#include "api/operator/codec.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr std::size_t kRowsShown = 20;

struct RowArguments {
  std::string ue;
  std::string app;
  std::vector<std::string> targets;
  std::string writer = "operator";
  std::string reason;
  std::size_t limit = 0;
};

// "ip:10.1.0.0/16" in the one form the table keeps.
Result<std::string> canonical(const std::string& ue) {
  if (ue.empty()) return ue;
  const auto selector = UeSelector::parse(ue);
  if (!selector) return usage_error(selector.error().detail);
  return selector->text();
}

std::string name_of(const std::string& ue, const std::string& app) {
  return "(" + ue + ", " + app + ")";
}

Result<int> list_rows(Session& session, const RowArguments& arguments) {
  const auto ue = canonical(arguments.ue);
  if (!ue) return ue.error();
  return print_list(session, "/table", {{"app", arguments.app}, {"ue", *ue}}, arguments.limit,
                    {member("ue", "UE"), member("app", "APP"), member("targets", "TARGETS"),
                     member("writer", "WRITER"), member("reason", "REASON"),
                     member("version", "VERSION", true), member("updated", "UPDATED")});
}

Result<TableChange> change_of(const RowArguments& arguments) {
  auto selector = UeSelector::parse(arguments.ue);
  if (!selector) return usage_error(selector.error().detail);
  TableChange change;
  change.row.ue = std::move(*selector);
  change.row.app_d_id = arguments.app;
  for (const auto& text : arguments.targets) {
    auto target = Target::parse(text);
    if (!target) return usage_error(target.error().detail);
    change.row.targets.push_back(std::move(*target));
  }
  change.row.writer = arguments.writer == "optimizer" ? Writer::kOptimizer : Writer::kOperator;
  change.row.reason = arguments.reason;
  return change;
}

Result<int> apply(Session& session, const TableChange& change, const std::string& result) {
  const auto name = name_of(change.row.ue.text(), change.row.app_d_id);
  return for_each_id(session, "row", {name}, [&](const auto& /*id*/) -> Result<std::string> {
    return said(session.server.patch_table(codec::encode_table_change(change)), result);
  });
}

Result<int> set_row(Session& session, const RowArguments& arguments) {
  const auto change = change_of(arguments);
  if (!change) return change.error();
  return apply(session, *change, "set");
}

Result<int> unset_row(Session& session, const RowArguments& arguments) {
  auto change = change_of(arguments);
  if (!change) return change.error();
  change->remove = true;
  const auto ue = change->row.ue.text();
  bool exists = false;
  const auto listed = session.server.list("/table", {{"app", arguments.app}, {"ue", ue}}, 1,
                                          [&](const json::Value&) { return exists = true; });
  if (!listed) return listed.error();
  if (!exists) return not_found("no row " + name_of(ue, arguments.app));
  return apply(session, *change, "removed");
}

struct WayBack {
  std::uint64_t version = 0;
  bool dry_run = false;
};

struct Versions {
  std::uint64_t from = 0;
  std::optional<std::uint64_t> to;  // nothing: as it is now
  std::size_t limit = 0;
};

// "host:a host:b (operator)"; a dash: there is no such row.
Column version_column(const std::string& name, const std::string& title) {
  return {name, title, [name](const json::Value& item) -> std::string {
            const auto row = item.find(name);
            if (row == item.end()) return "-";
            return text_at(*row, "targets") + " (" + text_at(*row, "writer") + ")";
          }};
}

Result<int> diff(Session& session, const Versions& versions) {
  const auto to = versions.to ? std::to_string(*versions.to) : std::string();
  return print_list(session, "/table/diff", {{"from", std::to_string(versions.from)}, {"to", to}},
                    versions.limit,
                    {member("ue", "UE"), member("app", "APP"), version_column("before", "BEFORE"),
                     version_column("after", "AFTER")});
}

// What it would do, and the first rows of it.
Result<int> try_rollback(Session& session, std::uint64_t version) {
  const auto tried =
      session.server.post_for("/table/rollback?dry_run=true", {{"version", version}});
  if (!tried) return tried.error();
  if (print_as_json(session.format, session.out, *tried)) return 0;
  const auto contexts = tried->value("contexts", json::Value::object());
  auto& told = session.format == Format::kTable ? session.out : session.err;
  told << "would change " << tried->value("rows", 0) << " rows, and move "
       << contexts.value("moved", 0) << " of " << contexts.value("lookedAt", 0) << " contexts"
       << (contexts.value("all", true) ? "" : " that were looked at") << '\n';
  const auto unknown = tried->value("skipped", json::Value::object()).value("unknown", 0);
  if (unknown > 0) told << unknown << " rows stay out: their app or host has gone\n";
  told << '\n';
  const auto shown =
      print_list(session, "/table/diff",
                 {{"from", std::to_string(tried->value("tableVersion", std::uint64_t{0}))},
                  {"to", std::to_string(version)}},
                 kRowsShown,
                 {member("ue", "UE"), member("app", "APP"), version_column("before", "NOW"),
                  version_column("after", "THEN")});
  if (!shown) return shown.error();
  told << "\nNothing was changed (--dry-run). All rows: mx2ctl table diff "
       << tried->value("tableVersion", 0) << ' ' << version << '\n';
  return 0;
}

Result<int> rollback(Session& session, const WayBack& back) {
  const auto version = back.version;
  if (back.dry_run) return try_rollback(session, version);
  const auto done = session.server.post_for("/table/rollback", {{"version", version}});
  if (!done) return done.error();
  const auto skipped = done->value("skipped", json::Value::object()).value("unknown", 0);
  session.out << "the table is as it was at version " << version << ": version "
              << done->value("tableVersion", 0) << ", " << done->value("rows", 0)
              << " rows changed";
  if (skipped > 0) session.out << ", " << skipped << " left out: their app or host has gone";
  session.out << "\nAn Optimizer that runs plans on from here; mx2ctl optimizer pause stops it.\n";
  return 0;
}

void add_row_name(CLI::App& command, RowArguments& arguments) {
  command.add_option("UE", arguments.ue, "dev:<associateDevAppId>, ip:<address>[/<prefix>] or *")
      ->required()
      ->type_name("UE");
  command.add_option("APP", arguments.app, "appDId")->required()->type_name("APP");
}

}  // namespace

void add_table_commands(const Menu& program) {
  const auto table = program.group("table", "The table (UE, app) -> targets");

  const auto [list, listed] = table.add<RowArguments>("list", "List rows", list_rows);
  list.add_option("--app", listed.app, "Only rows of this appDId")->type_name("APP");
  list.add_option("--ue", listed.ue, "Only rows with this selector")->type_name("UE");
  add_limit(list, listed.limit);

  const auto [set, written] = table.add<RowArguments>("set", "Write one row", set_row);
  add_row_name(set, written);
  set.add_option("TARGET", written.targets,
                 "host:<id> or endpoint:<address>, in order of preference")
      ->required()
      ->type_name("TARGET");
  set.add_option("--writer", written.writer, "operator pins the row against the Optimizer")
      ->check(CLI::IsMember({"operator", "optimizer"}))
      ->capture_default_str();
  set.add_option("--reason", written.reason, "Free text kept with the row");

  const auto [unset, removed] = table.add<RowArguments>("unset", "Remove one row", unset_row);
  add_row_name(unset, removed);

  add_list(table, "history",
           "List the versions of the table, newest first: who changed how many rows",
           "/table/history", {},
           {member("version", "VERSION", true), member("kind", "KIND"),
            member("rows", "ROWS", true), member("by", "BY"), member("state", "STATE"),
            member("created", "CREATED"), member("summary", "SUMMARY")});

  const auto [differ, versions] =
      table.add<Versions>("diff", "List the rows that are not the same in two versions", diff);
  differ.add_option("FROM", versions.from, "A version; see mx2ctl table history")
      ->required()
      ->type_name("VERSION");
  differ.add_option("TO", versions.to, "Another; else as it is now")->type_name("VERSION");
  add_limit(differ, versions.limit);

  const auto [back, way] =
      table.add<WayBack>("rollback", "Make the table what it was at a version", rollback);
  back.add_option("VERSION", way.version, "See mx2ctl table history")
      ->required()
      ->type_name("VERSION");
  back.add_flag("--dry-run", way.dry_run,
                "Only say which rows it would change, and how many contexts would move");

  add_table_file_commands(table);
}

}  // namespace mx2::ctl
