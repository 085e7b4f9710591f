// mx2ctl optimizer: status, pause, resume, plan, explain. Asks the optimizer itself, at the address
// that the orchestrator knows of the one that leads.
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

// "3.50 -> 2.25", of {"before":…,"after":…}.
Column before_and_after(const std::string& name, const std::string& title) {
  return {name, title, [=](const json::Value& item) -> std::string {
            const auto it = item.find(name);
            if (it == item.end() || !it->is_object()) return "";
            return decimals_at(*it, "before") + " -> " + decimals_at(*it, "after");
          }};
}

// Of a list of sentences, which have commas of their own.
Column sentences(const std::string& name, const std::string& title) {
  return {name, title, [=](const json::Value& item) {
            std::string text;
            const auto it = item.find(name);
            if (it == item.end() || !it->is_array()) return text;
            for (const auto& sentence : *it) {
              if (!sentence.is_string()) continue;
              text += (text.empty() ? "" : ". ") + sentence.get<std::string>();
            }
            return text;
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
                                 member("leader.url", "LEADER"),
                                 member("paused", "PAUSED"),
                                 member("nextMs", "NEXT PLAN IN MS"),
                                 member("contexts", "CONTEXTS"),
                                 member("hosts", "HOSTS"),
                                 member("lastError", "LAST ERROR"),
                                 member("degraded", "DEGRADED"),
                                 sentences("why", "WHY"),
                                 member("topology.name", "SCENARIO"),
                                 member("topology.state", "SCENARIO IS"),
                                 member("topology.error", "BECAUSE"),
                                 member("hostsWithoutPlace", "HOSTS WITHOUT A PLACE"),
                                 member("unknownNames", "UNKNOWN NAMES"),
                                 member("configuration.file", "CONFIGURATION"),
                                 member("configuration.read", "READ"),
                                 member("configuration.error", "REFUSED"),
                                 member("configuration.needsRestart", "NEEDS RESTART")};
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
  print_items(
      session.format, session.out,
      {{"chosen", "", [](const json::Value& c) { return c.value("chosen", false) ? "*" : ""; }},
       member("host", "HOST"),
       member("verdict", "VERDICT"),
       decimals("totalMs", "TOTAL MS"),
       decimals("latencyMs", "LATENCY"),
       decimals("lateMs", "LATE"),
       decimals("offTreeMs", "OFF TREE"),
       decimals("congestionMs", "CONGESTION"),
       decimals("migrationMs", "MIGRATION"),
       decimals("leavingMs", "LEAVING")},
      list_in(document, "candidates"));
  if (session.format == Format::kTable) {
    session.out << '\n' << document.value("reason", "") << '\n';
  }
}

struct OptimizerArguments {
  bool dry_run = false;
  std::string ue;
  std::string app;
};

Result<int> plan(Session& session, OperatorClient& server, const OptimizerArguments& arguments) {
  if (!arguments.dry_run) return print_item(session, server.post_for("/plan"), plan_columns());
  const auto text = server.get_text("/plan?dry_run=true");
  if (!text) return text.error();
  session.out << *text;
  return 0;
}

Result<int> explain_choice(Session& session, OperatorClient& server,
                           const OptimizerArguments& arguments) {
  const auto document = server.get("/explain", {{"ue", arguments.ue}, {"app", arguments.app}});
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

std::shared_ptr<const std::string> add_optimizer_url(const Menu& group) {
  auto url = std::make_shared<std::string>();
  group.app().add_option("--optimizer-url", *url,
                         "Where the optimizer's API is; else the orchestrator says who leads");
  return url;
}

void add_optimizer_commands(const Menu& program) {
  const auto group = program.group("optimizer", "The optimizer: what it does, and why");
  const auto url = add_optimizer_url(group);
  const auto add = [&](const char* name, const char* help, const auto& run) {
    return group.add<OptimizerArguments>(
        name, help, [=](Session& session, const OptimizerArguments& arguments) -> Result<int> {
          auto server = optimizer(session, *url);
          if (!server) return server.error();
          return run(session, *server, arguments);
        });
  };
  add("status", "Does it lead, its last plan, when the next is due, its configuration",
      [](Session& session, OperatorClient& server, const auto&) {
        return print_item(session, server.get("/status"), status_columns());
      });
  const auto add_change = [&](const std::string& name, const char* help) {
    add(name.c_str(), help, [name](Session& session, OperatorClient& server, const auto&) {
      return print_item(session, server.post_for("/" + name), status_columns());
    });
  };
  add_change("pause", "No plans of its own accord until resumed, whoever leads");
  add_change("resume", "Plans again");
  const auto [now, how] = add("plan", "Plan now, paused or not", plan);
  now.add_flag("--dry-run", how.dry_run, "Only print what would change");
  const auto [explain, asked] =
      add("explain", "The hosts a UE could have, each term of their cost, and why this one",
          explain_choice);
  explain.add_option("UE", asked.ue, "[dev:]<associateDevAppId>")->required()->type_name("DEVICE");
  explain.add_option("APP", asked.app, "appDId")->required()->type_name("APP");
}

}  // namespace mx2::ctl
