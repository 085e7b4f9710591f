// mx2ctl outbox …
#include <memory>

#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

Result<int> summary(Session& session) {
  auto document = session.server.get("/outbox", {{"limit", "1"}});
  if (!document) return document.error();
  document->erase("items");
  document->erase("next");
  write_item(session.format, session.out,
             {member("pending", "PENDING"), member("inFlight", "IN FLIGHT"), member("dead", "DEAD"),
              member("failingDestinations", "FAILING DESTINATIONS"), member("oldest", "OLDEST"),
              member("lastError", "LAST ERROR")},
             *document);
  return 0;
}

// Those given up come last, or alone.
Result<int> list(Session& session, bool dead, std::size_t limit) {
  std::vector<Query> queries;
  if (!dead) queries.push_back({{"state", "pending"}});
  queries.push_back({{"state", "dead"}});
  return print_lists(session, "/outbox", queries, limit,
                     {member("contextId", "CONTEXT"), member("notificationType", "NOTIFICATION"),
                      member("state", "STATE"), member("attempts", "ATTEMPTS", true),
                      member("written", "WRITTEN"), member("due", "DUE"),
                      member("callbackReference", "CALLBACK"), member("lastError", "LAST ERROR")});
}

Result<int> retry_all(Session& session) {
  const auto revived = session.server.post("/outbox/retry");
  if (!revived) return revived.error();
  const auto document = json::parse(revived->body);
  session.out << "retrying "
              << (document ? text_of(document->value("revived", json::Value())) : "?")
              << " notifications\n";
  return 0;
}

Result<int> retry(Session& session, const std::vector<std::string>& ids) {
  if (ids.empty()) return retry_all(session);
  return for_each_id(session, "context", ids, [&](const auto& id) -> Result<std::string> {
    const auto revived = session.server.post("/outbox/retry", {{"contextId", id}});
    if (!revived) {
      auto error = revived.error();
      error.detail = "context " + id + ": " + error.detail;
      return error;
    }
    return std::string("retrying");
  });
}

}  // namespace

void add_outbox_commands(CLI::App& app, Command& chosen) {
  auto* outbox = app.add_subcommand("outbox", "Notifications that are owed, in numbers");
  outbox->require_subcommand(0, 1);
  outbox->callback([=, &chosen] {
    if (outbox->get_subcommands().empty()) chosen = summary;
  });

  auto* list_command = outbox->add_subcommand("list", "List those not delivered, and why");
  const auto dead = std::make_shared<bool>(false);
  const auto limit = std::make_shared<std::size_t>(0);
  list_command->add_flag("--dead", *dead, "Only those that were given up");
  add_limit(*list_command, *limit);
  list_command->callback(
      [=, &chosen] { chosen = [=](Session& session) { return list(session, *dead, *limit); }; });

  auto* retry_command = outbox->add_subcommand("retry", "Try again what was given up");
  const auto ids = std::make_shared<std::vector<std::string>>();
  retry_command->add_option("ID", *ids, "contextId; none: all");
  retry_command->callback(
      [=, &chosen] { chosen = [=](Session& session) { return retry(session, *ids); }; });
}

}  // namespace mx2::ctl
