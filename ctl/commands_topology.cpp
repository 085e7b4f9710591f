// mx2ctl topology: show, watch. Where UEs are attached, the host that each has, and the latency it
// has there and could have; asks the optimizer.
#include <chrono>
#include <map>
#include <thread>

#include "api/base/clock.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

struct Asked {
  std::string ue;
  std::string app;
  bool all = false;
  std::size_t limit = 1000;
  int interval_ms = 1000;
  int times = 0;  // 0: for ever
};

std::string has_text(const json::Value& item) {
  if (!item.value("connected", true)) return "disconnected";
  if (!item.value("reachable", true)) return "unreachable";
  return decimals_at(item, "latencyMs");
}

std::vector<Column> columns() {
  return {member("ue", "UE"),
          member("app", "APP"),
          member("attachment", "ATTACHED AT"),
          member("host", "HOST"),
          {"latencyMs", "HAS MS", has_text, true},
          member("best", "NEAREST"),
          decimals("bestMs", "COULD MS")};
}

std::string source_line(const json::Value& document) {
  const auto& source = document["source"];
  auto line = source.value("kind", "");
  if (const auto name = source.value("name", ""); !name.empty()) line += " " + name;
  line += ": " + source.value("state", "");
  if (const auto error = source.value("error", ""); !error.empty()) line += " (" + error + ")";
  if (source.value("subscribed", false)) line += ", moves are told";
  return line;
}

// The document, or an error that says what is missing of it.
Result<json::Value> ask(OperatorClient& server, const Asked& asked) {
  auto document = server.get("/topology", {{"limit", std::to_string(asked.limit)},
                                           {"ue", asked.ue},
                                           {"app", asked.app},
                                           {"all", asked.all ? "true" : ""}});
  if (!document) return document;
  const bool fine = document->contains("source") && (*document)["source"].is_object() &&
                    document->contains("ues") && (*document)["ues"].is_array();
  if (!fine) return refused_as(ErrorCode::kInternal, "this optimizer's answer is not as expected");
  return document;
}

void print(Session& session, const json::Value& document) {
  if (session.format == Format::kTable) session.out << source_line(document) << "\n";
  print_items(session.format, session.out, columns(), list_in(document, "ues"));
  if (session.format != Format::kTable) return;
  for (const auto& host : list_in(document, "hostsWithoutPlace")) {
    session.out << "! " << text_of(host) << " has no place in the topology: no UE reaches it\n";
  }
  for (const auto& problem : list_in(document["source"], "problems")) {
    session.out << "! " << text_of(problem) << "\n";
  }
  const auto shown = document["ues"].size();
  const auto total = document.value("total", shown);
  if (total > shown) session.out << "... and " << total - shown << " more (--limit)\n";
}

Result<int> show_topology(Session& session, const std::string& url, const Asked& asked) {
  auto server = optimizer(session, url);
  if (!server) return server.error();
  const auto document = ask(*server, asked);
  if (!document) return document.error();
  if (!print_as_json(session.format, session.out, *document)) print(session, *document);
  return 0;
}

// What is printed of a UE when it changes. Contexts of an app that are at several hosts are items
// of their own: their hosts and latencies are joined.
struct Seen {
  std::string attachment;
  std::string host;
  std::string has;
  bool operator==(const Seen&) const = default;
};

struct Now {
  Seen seen;
  const json::Value* item = nullptr;  // the first
};

std::map<std::string, Now> by_ue_and_app(const json::Value& document) {
  std::map<std::string, Now> result;
  for (const auto& item : document["ues"]) {
    const Seen seen{item.value("attachment", ""), item.value("host", ""), has_text(item)};
    const auto key = item.value("ue", "") + " " + item.value("app", "");
    const auto [it, fresh] = result.emplace(key, Now{seen, &item});
    if (fresh) continue;
    it->second.seen.host += ", " + seen.host;
    if (it->second.seen.has != seen.has) it->second.seen.has += ", " + seen.has;
  }
  return result;
}

std::string arrow(const std::string& before, const std::string& now) {
  const auto shown = [](const std::string& text) { return text.empty() ? "-" : text; };
  return before == now ? shown(now) : shown(before) + " -> " + shown(now);
}

void print_change(std::ostream& out, const json::Value& item, const Seen& before, const Seen& now) {
  out << format_utc(SystemClock().now_ms()).substr(11, 12) << "  " << item.value("ue", "") << "  "
      << item.value("app", "") << "  at " << arrow(before.attachment, now.attachment) << "  host "
      << arrow(before.host, now.host) << "  " << arrow(before.has, now.has) << " ms";
  const auto best = decimals_at(item, "bestMs");
  if (!best.empty()) out << "  (could have " << best << " at " << item.value("best", "") << ")";
  out << "\n";
}

class Watcher {
 public:
  explicit Watcher(std::ostream& out) : out_(out) {}

  void look(const json::Value& document) {
    const auto source = source_line(document);
    if (source != source_) out_ << source << "\n";
    source_ = source;
    std::map<std::string, Seen> seen_now;
    for (const auto& [key, now] : by_ue_and_app(document)) {
      const auto it = seen_.find(key);
      const auto& before = it == seen_.end() ? now.seen : it->second;
      if (it == seen_.end() || before != now.seen) {
        print_change(out_, *now.item, before, now.seen);
      }
      seen_now.emplace(key, now.seen);
    }
    for (const auto& [key, seen] : seen_) {
      if (!seen_now.contains(key)) out_ << key << "  has gone\n";
    }
    seen_ = std::move(seen_now);
    out_.flush();
  }

 private:
  std::ostream& out_;
  std::string source_;
  std::map<std::string, Seen> seen_;
};

// Goes on when an optimizer hands over to another, or none leads for a while.
Result<int> watch_topology(Session& session, const std::string& url, const Asked& asked) {
  Watcher watcher(session.out);
  std::string trouble;  // told once
  int status = 0;
  for (int i = 0; asked.times == 0 || i < asked.times; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(asked.interval_ms));
    auto server = optimizer(session, url);
    const auto document = server ? ask(*server, asked) : Result<json::Value>(server.error());
    if (document) watcher.look(*document);
    const auto now = document ? std::string() : document.error().detail;
    if (!now.empty() && now != trouble) print_error(session.err, document.error());
    trouble = now;
    status = document ? 0 : exit_status_of(document.error());
  }
  return status;
}

void add_options(CLI::App& command, Asked& asked) {
  command.add_option("--ue", asked.ue, "Only this one: [dev:]<associateDevAppId>")->type_name("UE");
  command.add_option("--app", asked.app, "Only contexts of this appDId")->type_name("APP");
  command.add_flag("--all", asked.all, "Also UEs that have no context");
  command.add_option("--limit", asked.limit, "UEs at most")->check(CLI::Range(1, 100000));
}

}  // namespace

void add_topology_commands(const Menu& program) {
  const auto group = program.group("topology", "Where UEs are, and the latency they have");
  const auto url = add_optimizer_url(group);
  const auto [show, shown] = group.add<Asked>(
      "show", "UEs, where they are attached, their host, its latency",
      [url](Session& session, const Asked& asked) { return show_topology(session, *url, asked); });
  add_options(show, shown);
  const auto [watch, watched] = group.add<Asked>(
      "watch", "A line for each change, until Ctrl-C",
      [url](Session& session, const Asked& asked) { return watch_topology(session, *url, asked); });
  add_options(watch, watched);
  watch.add_option("--interval", watched.interval_ms, "Milliseconds between two looks")
      ->check(CLI::Range(10, 3600000));
  watch.add_option("--times", watched.times, "So many looks, then exit; 0: for ever");
}

}  // namespace mx2::ctl
