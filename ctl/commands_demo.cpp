// mx2ctl demo …: an example that is loaded through the operator API, and taken away again. Loading
// changes nothing that is there already, so it may be done twice.
#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>

#include "api/operator/codec.h"
#include "ctl/commands.h"
#include "ctl/demo.h"
#include "ctl/onboarding.h"

namespace mx2::ctl {
namespace {

using Said = Result<std::string>;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* kThere = "is there already";
constexpr const char* kGone = "is not there";
constexpr auto kTryEvery = std::chrono::milliseconds(200);
constexpr double kStartS = 10;  // that an orchestrator may take to listen
constexpr std::size_t kRowsOfPatch = 5000;

struct DemoArguments {
  std::string file = installed_demo();
  double wait_s = 120;
};

struct DemoStep {
  std::string id;  // "host local"
  std::function<Said()> take;
};

Result<int> take_all(Session& session, const std::vector<DemoStep>& steps) {
  std::vector<std::string> ids;
  ids.reserve(steps.size());
  for (const auto& step : steps) ids.push_back(step.id);
  std::size_t next = 0;
  return for_each_id(session, "demo", ids,
                     [&](const auto& /*id*/) { return steps[next++].take(); });
}

bool is_missing(const Error& error) { return error.code == ErrorCode::kNotFound; }

Said load_package(OperatorClient& server, const Demo::Package& package, double wait_s) {
  const auto there = find_package(server, package.app_d_id);
  if (there) return std::string(kThere);
  if (!is_missing(there.error())) return there.error();
  OnboardArguments arguments;
  arguments.source = package.file;
  arguments.wait_s = wait_s;
  const auto made = onboard_package(server, arguments);
  if (!made) return made.error();
  if (text_at(*made, "onboardingState") != "ONBOARDED") {
    return unavailable(package.file + ": on-boarding goes on; load the example again later");
  }
  const auto app = text_at(*made, "appDId");
  if (app != package.app_d_id) {
    return invalid_argument("is of app '" + app + "' and not of '" + package.app_d_id + "'",
                            package.file);
  }
  return std::string("on-boarded");
}

Said load_entry(OperatorClient& server, const std::string& path, const json::Value& document) {
  const auto there = server.get(path);
  if (there) return std::string(kThere);
  if (!is_missing(there.error())) return there.error();
  return said(server.put(path, document), "created");
}

Said load_row(OperatorClient& server, const TableChange& change) {
  const auto& row = change.row;
  bool there = false;
  const auto listed = server.list("/table", {{"app", row.app_d_id}, {"ue", row.ue.text()}}, 1,
                                  [&](const json::Value&) { return there = true; });
  if (!listed) return listed.error();
  if (there) return std::string(kThere);
  return said(server.patch_table(codec::encode_table_change(change)), "set");
}

std::vector<DemoStep> steps_of_loading(OperatorClient& server, const Demo& demo, double wait_s) {
  std::vector<DemoStep> steps;
  for (const auto& package : demo.packages) {
    steps.push_back({"package " + package.app_d_id, [&server, &package, wait_s] {
                       return load_package(server, package, wait_s);
                     }});
  }
  for (const auto& [id, app] : demo.apps) {
    steps.push_back({"app " + id, [&server, path = encoded("apps", id), &document = app] {
                       return load_entry(server, path, document);
                     }});
  }
  for (const auto& [id, host] : demo.hosts) {
    steps.push_back({"host " + id, [&server, path = encoded("hosts", id), &document = host] {
                       return load_entry(server, path, document);
                     }});
  }
  for (const auto& change : demo.rows) {
    steps.push_back({"row (" + change.row.ue.text() + ", " + change.row.app_d_id + ")",
                     [&server, &change] { return load_row(server, change); }});
  }
  return steps;
}

SteadyTime in_seconds(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(seconds));
}

// One that has just been started, as systemd says "started" before it listens.
Result<void> await_server(Session& session, SteadyTime end) {
  for (bool told = false;; told = true) {
    const auto answer = session.server.get("/health");
    if (answer || answer.error().cause != http::kUnreachable) return {};
    if (std::chrono::steady_clock::now() >= end) return answer.error();
    if (!told) session.err << "waiting: " << printable(answer.error().detail) << std::endl;
    std::this_thread::sleep_for(kTryEvery);
  }
}

Result<int> load(Session& session, const DemoArguments& given) {
  const auto demo = read_demo(given.file);
  if (!demo) return demo.error();
  const auto there = await_server(session, in_seconds(std::min(given.wait_s, kStartS)));
  if (!there) return there.error();
  auto status = take_all(session, steps_of_loading(session.server, *demo, given.wait_s));
  if (status && *status == 0 && session.format == Format::kTable && !demo->next.empty()) {
    session.out << '\n' << demo->next;
  }
  return status;
}

// The texts of a member of all items of a list.
Result<std::vector<std::string>> members_of(OperatorClient& server, const std::string& path,
                                            const std::string& app, const std::string& name) {
  std::vector<std::string> texts;
  const auto listed = server.list(path, {{"app", app}}, 0, [&](const json::Value& item) {
    texts.push_back(text_at(item, name));
    return true;
  });
  if (!listed) return listed.error();
  return texts;
}

Result<void> end_contexts(OperatorClient& server, const std::string& app) {
  const auto ids = members_of(server, "/contexts", app, "contextId");
  if (!ids) return ids.error();
  for (const auto& id : *ids) {
    const auto ended = server.remove(encoded("contexts", id));
    if (!ended && !is_missing(ended.error())) return ended.error();
  }
  return {};
}

Result<void> remove_rows(OperatorClient& server, const std::string& app) {
  const auto selectors = members_of(server, "/table", app, "ue");
  if (!selectors) return selectors.error();
  std::string patch;
  for (std::size_t i = 0; i < selectors->size(); ++i) {
    auto ue = UeSelector::parse((*selectors)[i]);
    if (!ue) return ue.error();
    TableChange change;
    change.row.ue = std::move(*ue);
    change.row.app_d_id = app;
    change.remove = true;
    patch += codec::encode_table_change(change);
    if (i + 1 < selectors->size() && (i + 1) % kRowsOfPatch != 0) continue;
    if (const auto sent = server.patch_table(patch); !sent) return sent.error();
    patch.clear();
  }
  return {};
}

Result<void> clear_app(OperatorClient& server, const std::string& app) {
  auto ended = end_contexts(server, app);
  return ended ? remove_rows(server, app) : ended;
}

// Refused while rows, contexts or instances of the apps hold it: an Optimizer may write rows again,
// and instances end some time after their last call. `api`: where `path` is.
Said remove_when_free(Session& session, const std::vector<std::string>& apps, OperatorClient api,
                      const std::string& path, SteadyTime end) {
  for (bool told = false;; told = true) {
    for (const auto& app : apps) {
      if (const auto cleared = clear_app(session.server, app); !cleared) return cleared.error();
    }
    const auto removed = api.remove(path);
    if (removed) return std::string("deleted");
    const auto& error = removed.error();
    if (is_missing(error)) return std::string(kGone);
    if (error.code != ErrorCode::kConflict || std::chrono::steady_clock::now() >= end) return error;
    if (!told) session.err << "waiting: " << printable(error.detail) << std::endl;
    std::this_thread::sleep_for(kTryEvery);
  }
}

// A host that a MEPM serves now is more than an example.
Said remove_host(Session& session, const std::vector<std::string>& apps, const std::string& id,
                 SteadyTime end) {
  const auto host = session.server.get(encoded("hosts", id));
  if (!host) return is_missing(host.error()) ? Said(kGone) : Said(host.error());
  const bool reachable = host->value("status", json::Value::object()).value("reachable", true);
  if (reachable && !text_at(*host, "mepmUri").empty()) {
    return std::string("stays, as its MEPM runs");
  }
  return remove_when_free(session, apps, session.server, encoded("hosts", id), end);
}

Said remove_demo_package(Session& session, const std::string& app, SteadyTime end) {
  const auto package = find_package(session.server, app);
  if (!package) return is_missing(package.error()) ? Said(kGone) : Said(package.error());
  auto packages = session.server.api(kPackageApi);
  const auto path = encoded("app_packages", text_at(*package, "id"));
  if (text_at(*package, "operationalState") == "ENABLED") {
    const auto disabled =
        packages.exchange("PATCH", path, R"({"operationalState":"DISABLED"})", "application/json");
    if (!disabled) return disabled.error();
  }
  return remove_when_free(session, {app}, packages, path, end);
}

std::vector<DemoStep> steps_of_removal(Session& session, const Demo& demo, SteadyTime end) {
  const auto apps = demo.app_ids();
  std::vector<DemoStep> steps;
  steps.reserve(2 * apps.size() + demo.hosts.size() + demo.packages.size());
  for (const auto& app : apps) {
    steps.push_back({"rows and contexts of " + app,
                     [&session, app] { return said(clear_app(session.server, app), "removed"); }});
  }
  for (const auto& [id, host] : demo.hosts) {
    steps.push_back({"host " + id, [&session, apps, id = id, end] {
                       return remove_host(session, apps, id, end);
                     }});
  }
  for (const auto& package : demo.packages) {
    steps.push_back({"package " + package.app_d_id, [&session, app = package.app_d_id, end] {
                       return remove_demo_package(session, app, end);
                     }});
  }
  // Those of packages go with them, unless somebody had put them before or was in between.
  for (const auto& app : apps) {
    steps.push_back({"app " + app, [&session, app, end] {
                       return remove_when_free(session, {app}, session.server, encoded("apps", app),
                                               end);
                     }});
  }
  return steps;
}

Result<int> remove(Session& session, const DemoArguments& given) {
  const auto demo = read_demo(given.file);
  if (!demo) return demo.error();
  return take_all(session, steps_of_removal(session, *demo, in_seconds(given.wait_s)));
}

void add_demo_options(CLI::App& command, DemoArguments& arguments, const std::string& waits_for) {
  command.add_option("FILE", arguments.file, "Another example than the installed one");
  command.add_option("--wait", arguments.wait_s, "Seconds to wait for " + waits_for)
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

}  // namespace

void add_demo_commands(const Menu& program) {
  const auto group = program.group("demo", "An example to begin with");
  const auto [loading, to_load] =
      group.add<DemoArguments>("load", "Load it: what is there already stays as it is", load);
  add_demo_options(loading, to_load, "each package, at most 10 for the orchestrator");
  const auto [removal, to_remove] = group.add<DemoArguments>(
      "remove", "Take it away, with all rows and contexts of its applications", remove);
  add_demo_options(removal, to_remove, "instances to end, as they do when nobody calls them");
}

}  // namespace mx2::ctl
