// mx2ctl hosts drain: has hosts emptied, waits for it if asked to, and says who stays and why.
#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <tuple>

#include "api/base/clock.h"
#include "api/base/text.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr std::chrono::milliseconds kPause{500};
constexpr std::int64_t kStuckMs = 5000;  // without progress; then it is said who stays
constexpr int kPatchAttempts = 5;        // as others may change the table meanwhile
constexpr std::size_t kExamples = 3;
constexpr std::size_t kGroupsShown = 20;
constexpr const char* kPageOfPins = "100";

struct Draining {
  std::vector<std::string> hosts;
  bool wait = false;
  bool move_pins = false;
  double timeout_s = 600;
};

// Contexts that stay for one reason.
struct Group {
  std::size_t contexts = 0;
  std::vector<std::string> devices;  // some of them
};
struct GroupKey {
  std::string host;
  std::string app;
  std::string reason;
  std::string detail;
  bool operator<(const GroupKey& other) const {
    return std::tie(host, app, reason, detail) <
           std::tie(other.host, other.app, other.reason, other.detail);
  }
};
using Groups = std::map<GroupKey, Group>;

struct State {
  std::string state;
  std::size_t contexts = 0;
  std::string of_apps;  // "facedetect-1 10, executor-1 2"
};

Result<State> state_of(Session& session, const std::string& host) {
  const auto document = session.server.get(encoded("hosts", host));
  if (!document) return document.error();
  State state;
  state.state = text_at(*document, "state");
  const auto status = document->value("status", json::Value::object());
  if (!status.contains("contexts")) return not_found("this orchestrator does not count contexts");
  state.contexts = status.value("contexts", std::size_t{0});
  const auto apps = status.value("contextsOfApps", json::Value::object());
  for (const auto& [app, count] : apps.items()) {
    state.of_apps += (state.of_apps.empty() ? "" : ", ") + app + " " + text_of(count);
  }
  return state;
}

// The lines of a PATCH; what is not changed is told.
std::string lines_of_pins(Session& session, const json::Value& page) {
  std::string lines;
  for (const auto& pin : list_in(page, "items")) {
    const auto& row = pin.at("row");
    const auto change = pin.find("change");
    const auto name = "row (" + text_at(row, "ue") + ", " + text_at(row, "app") + ")";
    const auto to = change == pin.end() ? std::string() : text_at(*change, "targets");
    const bool removed = change != pin.end() && change->value("remove", false);
    session.err << printable(name + (removed || to.empty() ? "" : " -> " + to) + ": " +
                             text_at(pin, "why"))
                << '\n';
    if (change != pin.end()) lines += json::dump(*change) + '\n';
  }
  return lines;
}

// One page of pins, as one version of the table. Gives the cursor of the next page.
Result<std::string> move_page(Session& session, const std::string& host, const std::string& cursor,
                              std::size_t& moved) {
  const auto path = encoded("hosts", host) + "/pins?limit=" + kPageOfPins +
                    (cursor.empty() ? "" : "&cursor=" + percent_encode(cursor));
  for (int attempt = 1;; ++attempt) {
    const auto reply = session.server.exchange("GET", path);
    if (!reply) return reply.error();
    const auto page = json::parse(reply->body);
    if (!page) return page.error();
    const auto lines = lines_of_pins(session, *page);
    if (lines.empty()) return page->value("next", "");
    const auto tag = std::find_if(reply->headers.begin(), reply->headers.end(), [](const auto& h) {
      return equals_ignoring_case(h.first, "ETag");
    });
    const auto patched = session.server.patch_table(
        lines, tag == reply->headers.end() ? std::string() : tag->second);
    if (patched) {
      moved += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
      return page->value("next", "");
    }
    const bool was_changed = patched.error().code == ErrorCode::kPreconditionFailed;
    if (!was_changed || attempt == kPatchAttempts) return patched.error();
  }
}

Result<std::string> move_pins(Session& session, const std::string& host) {
  std::size_t moved = 0;
  std::string cursor;
  do {
    auto next = move_page(session, host, cursor, moved);
    if (!next) return next.error();
    cursor = std::move(*next);
  } while (!cursor.empty());
  return std::to_string(moved) + (moved == 1 ? " pin moved" : " pins moved");
}

// What the Optimizer thinks of one that it has left where it is.
std::string asked_of_optimizer(Session& session, const json::Value& context) {
  auto server = optimizer(session, "");
  if (!server) return server.error().detail;
  const auto choice = server->get("/explain", {{"ue", text_at(context, "associateDevAppId")},
                                               {"app", text_at(context, "app")}});
  if (!choice) return choice.error().detail;
  std::string verdicts;
  for (const auto& candidate : list_in(*choice, "candidates")) {
    const auto verdict = text_at(candidate, "verdict");
    if (verdict == "feasible") continue;
    verdicts += (verdicts.empty() ? " (" : ", ") + text_at(candidate, "host") + ": " + verdict;
  }
  return text_at(*choice, "reason") + (verdicts.empty() ? "" : verdicts + ")");
}

Result<Groups> who_stays(Session& session, const std::vector<std::string>& hosts) {
  Groups groups;
  std::map<std::string, std::string> asked;  // by host and app
  for (const auto& host : hosts) {
    const auto take = [&](const json::Value& context) {
      GroupKey key{host, text_at(context, "app"), text_at(context, "reason"),
                   text_at(context, "detail")};
      if (key.reason == "waiting") {
        const auto [it, fresh] = asked.try_emplace(host + '\n' + key.app);
        if (fresh) it->second = asked_of_optimizer(session, context);
        key.detail += "; of one it says: " + it->second;
      }
      auto& group = groups[key];
      ++group.contexts;
      if (group.devices.size() < kExamples) {
        group.devices.push_back(text_at(context, "associateDevAppId"));
      }
      return true;
    };
    if (auto listed = session.server.list(encoded("hosts", host) + "/contexts", {}, 0, take);
        !listed) {
      return listed.error();
    }
  }
  return groups;
}

json::Value item_of(const GroupKey& key, const Group& group) {
  return {{"host", key.host},     {"app", key.app},       {"contexts", group.contexts},
          {"reason", key.reason}, {"detail", key.detail}, {"devices", group.devices}};
}

// The largest first; a table has some of them, other formats all.
void print_who_stays(Session& session, std::ostream& out, const Groups& groups) {
  std::vector<json::Value> items;
  for (const auto& [key, group] : groups) items.push_back(item_of(key, group));
  std::stable_sort(items.begin(), items.end(), [](const json::Value& a, const json::Value& b) {
    return a.at("contexts").get<std::size_t>() > b.at("contexts").get<std::size_t>();
  });
  const auto shown =
      session.format == Format::kTable ? std::min(items.size(), kGroupsShown) : items.size();
  auto list = json::Value::array();
  for (std::size_t i = 0; i < shown; ++i) list.push_back(items[i]);
  print_items(
      session.format, out,
      {member("host", "HOST"), member("app", "APP"), member("contexts", "CONTEXTS", true),
       member("reason", "REASON"), member("devices", "DEVICES"), member("detail", "DETAIL")},
      list);
  if (shown < items.size()) out << "and " << items.size() - shown << " more reasons\n";
}

// What is told of it while it goes on: the only thing on standard output is one document, if that
// is wanted.
std::ostream& told_to(const Session& session) {
  return session.format == Format::kTable ? session.out : session.err;
}

// Waits for all of them at once.
class Waiting {
 public:
  Waiting(Session& session, const Draining& draining)
      : session_(session), draining_(draining), began_ms_(clock_.now_ms()), moved_ms_(began_ms_) {}

  Result<int> run() {
    left_ = draining_.hosts;
    for (;;) {
      if (auto looked = look(); !looked) return looked.error();
      if (left_.empty()) {
        if (session_.format != Format::kTable) print_who_stays(session_, session_.out, {});
        return given_up_ ? kExitRefused : 0;
      }
      if (elapsed_ms() >= static_cast<std::int64_t>(draining_.timeout_s * 1000)) break;
      if (auto told = tell_if_stuck(); !told) return told.error();
      std::this_thread::sleep_for(kPause);
    }
    const auto groups = who_stays(session_, left_);
    if (!groups) return groups.error();
    print_who_stays(session_, session_.out, *groups);
    session_.err << "mx2ctl: not empty after " << draining_.timeout_s << " s: " << join(left_, ", ")
                 << '\n';
    return kExitRefused;
  }

 private:
  [[nodiscard]] std::int64_t elapsed_ms() const { return clock_.now_ms() - began_ms_; }

  Result<void> look() {
    std::vector<std::string> still;
    for (const auto& host : left_) {
      const auto state = state_of(session_, host);
      if (!state) return state.error();
      if (told_[host] != state->of_apps) progress(host, *state);
      if (state->contexts == 0) {
        told_to(session_) << "host " << printable(host) << ": empty\n";
      } else if (state->state != "draining") {
        given_up_ = true;
        session_.err << "mx2ctl: host " << printable(host) << " is " << printable(state->state)
                     << " again: nobody empties it\n";
      } else {
        still.push_back(host);
      }
    }
    left_ = std::move(still);
    session_.out.flush();
    return {};
  }

  void progress(const std::string& host, const State& state) {
    told_[host] = state.of_apps;
    moved_ms_ = clock_.now_ms();
    stuck_told_ = false;
    if (state.contexts == 0) return;
    session_.err << "host " << printable(host) << ": " << state.contexts
                 << (state.contexts == 1 ? " context" : " contexts")
                 << " left: " << printable(state.of_apps) << '\n';
  }

  Result<void> tell_if_stuck() {
    if (stuck_told_ || clock_.now_ms() - moved_ms_ < kStuckMs) return {};
    stuck_told_ = true;
    const auto groups = who_stays(session_, left_);
    if (!groups) return groups.error();
    auto as_table = session_;
    as_table.format = Format::kTable;
    print_who_stays(as_table, session_.err, *groups);
    return {};
  }

  Session& session_;
  const Draining& draining_;
  const SteadyClock clock_;
  const std::int64_t began_ms_;
  std::int64_t moved_ms_;
  bool stuck_told_ = false;
  bool given_up_ = false;
  std::vector<std::string> left_;
  std::map<std::string, std::string> told_;
};

Result<int> drain(Session& session, const Draining& draining) {
  Session first{session.server, session.format, draining.wait ? told_to(session) : session.out,
                session.err, session.in};
  auto status =
      for_each_id(first, "host", draining.hosts, [&](const std::string& id) -> Result<std::string> {
        const auto drained = session.server.post(encoded("hosts", id) + "/drain");
        if (!drained || !draining.move_pins) return said(drained, "draining");
        const auto moved = move_pins(session, id);
        return said(moved, moved ? "draining, " + *moved : "", "host " + id);
      });
  if (!status || *status != 0 || !draining.wait) return status;
  session.out.flush();
  return Waiting(session, draining).run();
}

}  // namespace

void add_drain_command(const Menu& hosts) {
  const auto [command, draining] =
      hosts.add<Draining>("drain", "Have the Optimizer empty hosts", drain);
  command.add_option("ID", draining.hosts)->required()->type_name("HOST");
  command.add_flag("--wait", draining.wait,
                   "Until they are empty: tells progress and, if that ends, who stays and why; "
                   "exit status 1 when the time is over");
  command.add_flag("--move-pins", draining.move_pins,
                   "Take the hosts out of rows of operators: other targets stay; a row without any "
                   "goes, or leads to the other hosts if nobody else would serve");
  command.add_option("--timeout", draining.timeout_s, "Seconds to wait for it; with --wait")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
}

}  // namespace mx2::ctl
