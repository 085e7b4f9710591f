// mx2ctl table list, set, unset, history, rollback.
#include <memory>

#include "api/operator/types.h"
#include "ctl/commands.h"
#include "ctl/row_file.h"

namespace mx2::ctl {
namespace {

struct RowArguments {
  std::string ue;
  std::string app;
  std::vector<std::string> targets;
  std::string writer = "operator";
  std::string reason;
  std::size_t limit = 0;
  std::uint64_t version = 0;
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

Result<int> list(Session& session, const RowArguments& arguments) {
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
    const auto applied = session.server.patch_table(patch_line(change));
    if (!applied) return applied.error();
    return result;
  });
}

Result<int> set(Session& session, const RowArguments& arguments) {
  const auto change = change_of(arguments);
  if (!change) return change.error();
  return apply(session, *change, "set");
}

Result<int> unset(Session& session, const RowArguments& arguments) {
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

Result<int> history(Session& session, const RowArguments& arguments) {
  return print_list(
      session, "/table/history", {}, arguments.limit,
      {member("version", "VERSION", true), member("kind", "KIND"), member("rows", "ROWS", true),
       member("state", "STATE"), member("created", "CREATED"), member("summary", "SUMMARY")});
}

Result<int> rollback(Session& session, const RowArguments& arguments) {
  const auto done = session.server.post_for("/table/rollback", {{"version", arguments.version}});
  if (!done) return done.error();
  const auto skipped = done->value("skipped", json::Value::object()).value("unknown", 0);
  session.out << "the table is as it was at version " << arguments.version << ": version "
              << done->value("tableVersion", 0) << ", " << done->value("rows", 0)
              << " rows changed";
  if (skipped > 0) session.out << ", " << skipped << " left out: their app or host has gone";
  session.out << "\nAn Optimizer that runs plans on from here; mx2ctl optimizer pause stops it.\n";
  return 0;
}

using RowAction = Result<int> (*)(Session&, const RowArguments&);

std::shared_ptr<RowArguments> bind_row(CLI::App& command, RowAction action, Command& chosen) {
  auto arguments = std::make_shared<RowArguments>();
  command.callback(
      [=, &chosen] { chosen = [=](Session& session) { return action(session, *arguments); }; });
  return arguments;
}

void add_row_name(CLI::App& command, RowArguments& arguments) {
  command.add_option("UE", arguments.ue, "dev:<associateDevAppId>, ip:<address>[/<prefix>] or *")
      ->required();
  command.add_option("APP", arguments.app, "appDId")->required();
}

}  // namespace

void add_table_commands(CLI::App& app, Command& chosen) {
  auto* table = app.add_subcommand("table", "The table (UE, app) -> targets");
  table->require_subcommand(1);

  auto* list_rows = table->add_subcommand("list", "List rows");
  const auto listed = bind_row(*list_rows, list, chosen);
  list_rows->add_option("--app", listed->app, "Only rows of this appDId");
  list_rows->add_option("--ue", listed->ue, "Only rows with this selector");
  add_limit(*list_rows, listed->limit);

  auto* set_row = table->add_subcommand("set", "Write one row");
  const auto written = bind_row(*set_row, set, chosen);
  add_row_name(*set_row, *written);
  set_row
      ->add_option("TARGET", written->targets,
                   "host:<id> or endpoint:<address>, in order of preference")
      ->required();
  set_row->add_option("--writer", written->writer, "operator pins the row against the Optimizer")
      ->check(CLI::IsMember({"operator", "optimizer"}))
      ->capture_default_str();
  set_row->add_option("--reason", written->reason, "Free text kept with the row");

  auto* unset_row = table->add_subcommand("unset", "Remove one row");
  const auto removed = bind_row(*unset_row, unset, chosen);
  add_row_name(*unset_row, *removed);

  auto* versions = table->add_subcommand("history", "List the versions of the table, newest first");
  const auto shown = bind_row(*versions, history, chosen);
  add_limit(*versions, shown->limit);

  auto* back = table->add_subcommand("rollback", "Make the table what it was at a version");
  const auto target = bind_row(*back, rollback, chosen);
  back->add_option("VERSION", target->version, "See mx2ctl table history")->required();

  add_table_file_commands(*table, chosen);
}

}  // namespace mx2::ctl
