// mx2ctl outbox …
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

Result<int> summary(Session& session) {
  auto document = session.server.get("/outbox", {{"limit", "1"}});
  if (document) document->erase("items");
  if (document) document->erase("next");
  return print_item(session, document,
                    {member("pending", "PENDING"), member("inFlight", "IN FLIGHT"),
                     member("dead", "DEAD"), member("failingDestinations", "FAILING DESTINATIONS"),
                     member("oldest", "OLDEST"), member("lastError", "LAST ERROR")});
}

struct Owed {
  bool dead = false;
  std::size_t limit = 0;
};

// Those given up come last, or alone.
Result<int> list_owed(Session& session, const Owed& owed) {
  std::vector<Query> queries;
  if (!owed.dead) queries.push_back({{"state", "pending"}});
  queries.push_back({{"state", "dead"}});
  return print_lists(session, "/outbox", queries, owed.limit,
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
    return said(revived, "retrying", "context " + id);
  });
}

}  // namespace

void add_outbox_commands(const Menu& program) {
  const auto outbox = program.group("outbox", "Notifications that are owed, in numbers");
  outbox.app().require_subcommand(0, 1);
  outbox.app().callback([outbox] {
    if (outbox.app().get_subcommands().empty()) outbox.choose(summary);
  });

  const auto [list, owed] =
      outbox.add<Owed>("list", "List those not delivered, and why", list_owed);
  list.add_flag("--dead", owed.dead, "Only those that were given up");
  add_limit(list, owed.limit);

  const auto [again, ids] =
      outbox.add<std::vector<std::string>>("retry", "Try again what was given up", retry);
  again.add_option("ID", ids, "contextId; none: all")->type_name("CONTEXT");
}

}  // namespace mx2::ctl
