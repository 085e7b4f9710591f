// mx2ctl optimizer: status, pause, resume, plan, explain. Asks the optimizer itself, at the address
// that the orchestrator knows of the one that leads.
#include <memory>

#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

// Number of a member of `of`, an object within the item, with two decimals.
Column nested(const std::string& of, const std::string& name, const std::string& title) {
  return {of + "." + name, title, [=](const json::Value& item) -> std::string {
            const auto outer = item.find(of);
            if (outer == item.end() || !outer->is_object()) return "";
            const auto inner = outer->find(name);
            return inner == outer->end() ? "" : text_of(*inner);
          }};
}

Column milliseconds(const std::string& name, const std::string& title) {
  return {name, title,
          [=](const json::Value& item) -> std::string {
            const auto it = item.find(name);
            if (it == item.end() || !it->is_number()) return "";
            auto text = std::to_string(it->get<double>());
            return text.substr(0, text.find('.') + 3);
          },
          true};
}

// "3.50 -> 2.25", of {"before":…,"after":…}.
Column before_and_after(const std::string& name, const std::string& title) {
  return {name, title, [=](const json::Value& item) -> std::string {
            const auto it = item.find(name);
            if (it == item.end() || !it->is_object()) return "";
            return milliseconds("before", "").text(*it) + " -> " +
                   milliseconds("after", "").text(*it);
          }};
}

const std::vector<Column>& plan_columns() {
  static const std::vector<Column> kColumns = {
      member("planned", "PLANNED"),
      member("sent", "SENT"),
      member("tableVersion", "ON TABLE VERSION"),
      member("rows", "ROWS"),
      member("postponed", "ROWS LEFT FOR LATER"),
      member("moves", "CONTEXTS MOVED"),
      member("unserved", "CONTEXTS WITHOUT HOST"),
      before_and_after("latencyMeanMs", "LATENCY, MEAN MS"),
      before_and_after("latencyP95Ms", "LATENCY, P95 MS"),
      member("tookMs", "TOOK MS")};
  return kColumns;
}

std::vector<Column> status_columns() {
  std::vector<Column> columns = {member("status", "STATUS"),
                                 member("leading", "LEADING"),
                                 nested("leader", "url", "LEADER"),
                                 member("paused", "PAUSED"),
                                 member("nextMs", "NEXT PLAN IN MS"),
                                 member("contexts", "CONTEXTS"),
                                 member("hosts", "HOSTS"),
                                 member("lastError", "LAST ERROR"),
                                 member("degraded", "DEGRADED"),
                                 nested("topology", "name", "SCENARIO"),
                                 nested("topology", "state", "SCENARIO IS"),
                                 nested("topology", "error", "BECAUSE"),
                                 member("hostsWithoutPlace", "HOSTS WITHOUT A PLACE"),
                                 member("unknownNames", "UNKNOWN NAMES"),
                                 nested("configuration", "file", "CONFIGURATION"),
                                 nested("configuration", "read", "READ"),
                                 nested("configuration", "error", "REFUSED"),
                                 nested("configuration", "needsRestart", "NEEDS RESTART")};
  for (const auto& column : plan_columns()) {
    columns.push_back({"lastPlan." + column.name, column.title,
                       [text = column.text](const json::Value& item) -> std::string {
                         const auto plan = item.find("lastPlan");
                         return plan == item.end() ? "" : text(*plan);
                       }});
  }
  return columns;
}

void print_decision(Session& session, const json::Value& document) {
  if (print_as_json(session.format, session.out, document)) return;
  const auto writer = make_list_writer(
      session.format, session.out,
      {{"chosen", "", [](const json::Value& c) { return c.value("chosen", false) ? "*" : ""; }},
       member("host", "HOST"),
       member("verdict", "VERDICT"),
       milliseconds("totalMs", "TOTAL MS"),
       milliseconds("latencyMs", "LATENCY"),
       milliseconds("lateMs", "LATE"),
       milliseconds("offTreeMs", "OFF TREE"),
       milliseconds("congestionMs", "CONGESTION"),
       milliseconds("migrationMs", "MIGRATION"),
       milliseconds("leavingMs", "LEAVING")});
  add_items(*writer, document, "candidates");
  writer->finish();
  if (session.format == Format::kTable) {
    session.out << '\n' << document.value("reason", "") << '\n';
  }
}

Result<int> print_status(Session& session, const Result<json::Value>& document) {
  if (!document) return document.error();
  write_item(session.format, session.out, status_columns(), *document);
  return 0;
}

Result<int> status(Session& session, const std::string& url) {
  auto server = optimizer(session, url);
  return server ? print_status(session, server->get("/status")) : Result<int>(server.error());
}

Result<int> change(Session& session, const std::string& url, const std::string& path) {
  auto server = optimizer(session, url);
  return server ? print_status(session, server->post_for("/" + path)) : Result<int>(server.error());
}

Result<int> plan(Session& session, const std::string& url, bool dry_run) {
  auto server = optimizer(session, url);
  if (!server) return server.error();
  if (dry_run) {
    const auto text = server->get_text("/plan?dry_run=true");
    if (!text) return text.error();
    session.out << *text;
    return 0;
  }
  const auto document = server->post_for("/plan");
  if (!document) return document.error();
  write_item(session.format, session.out, plan_columns(), *document);
  return 0;
}

Result<int> explain(Session& session, const std::string& url, const std::string& ue,
                    const std::string& app) {
  auto server = optimizer(session, url);
  if (!server) return server.error();
  const auto document = server->get("/explain", {{"ue", ue}, {"app", app}});
  if (!document) return document.error();
  print_decision(session, *document);
  return document->value("chosen", "").empty() ? kExitRefused : 0;
}

}  // namespace

Result<OperatorClient> optimizer(Session& session, const std::string& url) {
  if (!url.empty()) return session.server.peer(url);
  const auto leader = session.server.get("/optimizer");
  if (!leader && leader.error().code == ErrorCode::kNotFound) {
    return not_found("no optimizer leads; name one with --optimizer-url");
  }
  if (!leader) return leader.error();
  const auto known = leader->value("url", "");
  if (known.empty()) return not_found("the optimizer that leads has told no address");
  return session.server.peer(known);
}

void add_optimizer_commands(CLI::App& app, Command& chosen) {
  auto* group = app.add_subcommand("optimizer", "The optimizer: what it does, and why");
  group->require_subcommand(1);
  const auto url = std::make_shared<std::string>();
  group->add_option("--optimizer-url", *url,
                    "Where its API is; else the orchestrator says who leads");
  const auto add = [&](const char* name, const char* help, auto run) {
    auto* command = group->add_subcommand(name, help);
    command->callback([=, &chosen] { chosen = [=](Session& session) { return run(session); }; });
    return command;
  };
  add("status", "Does it lead, its last plan, when the next is due, its configuration",
      [url](Session& session) { return status(session, *url); });
  add("pause", "No plans of its own accord until resumed, whoever leads",
      [url](Session& session) { return change(session, *url, "pause"); });
  add("resume", "Plans again", [url](Session& session) { return change(session, *url, "resume"); });
  const auto dry_run = std::make_shared<bool>(false);
  add("plan", "Plan now, paused or not", [url, dry_run](Session& session) {
    return plan(session, *url, *dry_run);
  })->add_flag("--dry-run", *dry_run, "Only print what would change");
  const auto ue = std::make_shared<std::string>();
  const auto app_d_id = std::make_shared<std::string>();
  auto* command =
      add("explain", "The hosts a UE could have, each term of their cost, and why this one",
          [=](Session& session) { return explain(session, *url, *ue, *app_d_id); });
  command->add_option("UE", *ue, "[dev:]<associateDevAppId>")->required();
  command->add_option("APP", *app_d_id, "appDId")->required();
}

}  // namespace mx2::ctl
