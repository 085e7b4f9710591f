// mx2ctl explain, health, metrics, completion.
#include "ctl/commands.h"
#include "ctl/completion.h"
#include "ctl/explanation.h"
#include "ctl/identifiers.h"

namespace mx2::ctl {
namespace {

struct Question {
  std::string ue;
  std::string app;
  std::string ip;
};

void print_explanation(Session& session, const json::Value& document) {
  if (print_as_json(session.format, session.out, document)) return;
  const auto steps = list_in(document, "steps");
  if (!steps.empty() || session.format == Format::kCsv) {
    print_items(session.format, session.out,
                {member("ue", "ROW"), member("target", "TARGET"), member("verdict", "VERDICT")},
                steps);
  }
  if (session.format == Format::kCsv) return;
  session.out << (steps.empty() ? "" : "\n") << explain_in_words(document) << '\n';
}

Result<int> explain_row(Session& session, const Question& question) {
  const auto ue = question.ue == "*" ? "" : question.ue;
  const auto document =
      session.server.get("/explain", {{"ue", ue}, {"app", question.app}, {"ip", question.ip}});
  if (!document) return document.error();
  print_explanation(session, *document);
  return is_found(*document) ? 0 : kExitRefused;
}

Result<int> health(Session& session) {
  const auto document = session.server.get("/health");
  if (!document) return document.error();
  std::vector<Column> columns{member("status", "STATUS"),
                              member("version", "VERSION"),
                              member("tableVersion", "TABLE VERSION"),
                              member("rows", "ROWS"),
                              member("hosts", "HOSTS"),
                              member("apps", "APPS"),
                              member("contexts", "CONTEXTS")};
  if (document->contains("setAside")) columns.push_back(member("setAside", "SET ASIDE"));
  if (document->contains("store") && (*document)["store"].contains("ahead")) {
    columns.push_back(member("store.ahead", "KNOW A NEWER STORE"));
  }
  if (document->contains("mecPlatform")) columns.push_back(member("mecPlatform", "MEC PLATFORM"));
  write_item(session.format, session.out, columns, *document);
  return text_of((*document)["status"]) == "ok" ? 0 : kExitRefused;
}

Result<int> metrics(Session& session) {
  const auto text = session.server.get_text("/metrics");
  if (!text) return text.error();
  session.out << *text;
  return 0;
}

}  // namespace

void add_explain_command(const Menu& program) {
  const auto [command, question] = program.add<Question>(
      "explain", "Say which row serves a UE, and why; exit status 1 when nothing can", explain_row);
  command.add_option("UE", question.ue, "[dev:]<associateDevAppId>, ip:<address> or *")
      ->required()
      ->type_name("UE");
  command.add_option("APP", question.app, "appDId")->required()->type_name("APP");
  command.add_option("--ip", question.ip, "The address the device application calls from");
}

void add_health_commands(const Menu& program) {
  program.add("health", "Is the orchestrator well, and how much does it hold", health);
  program.add("metrics", "Its metrics as Prometheus text", metrics);
}

void add_completion_command(const Menu& program) {
  const auto [command, shell] =
      program.add<std::string>("completion", "Print a completion script for a shell",
                               [program](Session& session, const std::string& name) -> Result<int> {
                                 session.out << completion_script(program.app(), name);
                                 return 0;
                               });
  command.add_option("SHELL", shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));

  const auto [words, kind] = program.add<std::string>(
      "identifiers", "The identifiers of a kind, one a line, as completion asks for them",
      [](Session& session, const std::string& name) -> Result<int> {
        print_identifiers(session.server, name, session.out);
        return 0;
      });
  words.add_option("KIND", kind)->required()->check(CLI::IsMember(identifier_kinds()));
  words.group("");  // nobody types it
}

}  // namespace mx2::ctl
