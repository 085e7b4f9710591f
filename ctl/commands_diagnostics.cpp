// mx2ctl explain, health, metrics, completion.
#include <memory>

#include "ctl/commands.h"
#include "ctl/completion.h"
#include "ctl/explanation.h"

namespace mx2::ctl {
namespace {

struct Question {
  std::string ue;
  std::string app;
  std::string ip;
};

void print_explanation(Session& session, const json::Value& document) {
  if (print_as_json(session.format, session.out, document)) return;
  const auto writer = make_list_writer(
      session.format, session.out,
      {member("ue", "ROW"), member("target", "TARGET"), member("verdict", "VERDICT")});
  const bool tried = add_items(*writer, document, "steps");
  if (tried || session.format == Format::kCsv) writer->finish();
  if (session.format == Format::kCsv) return;
  session.out << (tried ? "\n" : "") << explain_in_words(document) << '\n';
}

Result<int> explain(Session& session, const Question& question) {
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

void add_explain_command(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand(
      "explain", "Say which row serves a UE, and why; exit status 1 when nothing can");
  const auto question = std::make_shared<Question>();
  command->add_option("UE", question->ue, "[dev:]<associateDevAppId>, ip:<address> or *")
      ->required();
  command->add_option("APP", question->app, "appDId")->required();
  command->add_option("--ip", question->ip, "The address the device application calls from");
  command->callback(
      [=, &chosen] { chosen = [=](Session& session) { return explain(session, *question); }; });
}

void add_health_commands(CLI::App& app, Command& chosen) {
  app.add_subcommand("health", "Is the orchestrator well, and how much does it hold")
      ->callback([&chosen] { chosen = health; });
  app.add_subcommand("metrics", "Its metrics as Prometheus text")->callback([&chosen] {
    chosen = metrics;
  });
}

void add_completion_command(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("completion", "Print a completion script for a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([=, &app, &chosen] {
    chosen = [=, &app](Session& session) -> Result<int> {
      session.out << completion_script(app, *shell);
      return 0;
    };
  });
}

}  // namespace mx2::ctl
