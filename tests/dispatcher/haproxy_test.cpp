// The data plane with the real HAProxy: what it takes, and what becomes of what it does not.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/base/clock.h"
#include "dispatcher/data_plane.h"
#include "dispatcher/set_aside.h"
#include "tests/catch.h"
#include "tests/dispatcher/support.h"

namespace mx2::dispatcher {
namespace {

using test::ContainsSubstring;

const std::string kProgram = DispatcherOptions().haproxy.program;

// Said loudly, because without it little is tested here.
#define NEEDS_HAPROXY()                        \
  if (::access(kProgram.c_str(), X_OK) != 0) { \
    WARN("SKIPPED: there is no " + kProgram);  \
    return;                                    \
  }                                            \
  static_assert(true)

class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/mx2-haproxy-test-XXXXXX";
};

// λ with one destination each, at an address as HAProxy is given it.
Lambda with_address(const std::string& app, const std::string& address,
                    const std::string& path = "") {
  Destination destination;
  destination.name = "10.0.0.1:1";
  destination.address = address;
  return {app, path, {destination}, {}};
}

struct PlaneBench {
  explicit PlaneBench(DispatcherOptions given = {}) : options(std::move(given)) {
    options.haproxy.reload_interval_ms = 0;
    options.haproxy.threads = 1;
    options.ca_file.clear();
    REQUIRE(listener);
    plane.emplace(options, folder.path(), *listener, registry);
    plane->set_complete();
  }
  void put(const Lambda& it) { plane->put(it, {256}); }
  // Until HAProxy runs with what was put.
  [[nodiscard]] bool runs(const std::vector<std::string>& apps) {
    std::vector<std::string> names;
    for (const auto& app : apps) names.push_back(backend_name(app, false));
    return eventually([&] {
      plane->step(clock.now_ms());
      return plane->is_ready() && plane->look(names).size() == apps.size();
    });
  }

  // Until HAProxy has been told to load another configuration.
  [[nodiscard]] bool asks_to_reload() {
    return eventually([&] {
      plane->step(clock.now_ms());
      return registry.text().find("haproxy_reloads_total 1") != std::string::npos;
    });
  }

  SteadyClock clock;
  metrics::Registry registry;
  Folder folder;
  Result<Listener> listener = listen_on("127.0.0.1", 0);
  DispatcherOptions options;
  std::optional<DataPlane> plane;
};

TEST_CASE("HAProxy: a λ whose configuration is refused is set aside alone", "[dispatcher]") {
  NEEDS_HAPROXY();
  PlaneBench bench;
  const bool from_the_start = GENERATE(true, false);
  for (int i = 0; i < 5; ++i) bench.put(with_address("fine" + std::to_string(i), "10.0.0.1:1"));
  if (!from_the_start) REQUIRE(bench.runs({"fine0"}));
  bench.put(with_address("bad", "fe80::1%eth0:1"));
  bench.put(with_address("new", "10.0.0.1:1"));
  REQUIRE(bench.runs({"fine0", "fine4", "new"}));
  CHECK_THAT(bench.plane->refusal("bad"), ContainsSubstring("fe80::1%eth0"));
  CHECK(bench.plane->count_refused() == 1);
  CHECK(bench.plane->refusal("new").empty());
  CHECK_THAT(bench.registry.text(), ContainsSubstring("mx2_dispatcher_refused_lambdas 1"));
  // It is not tried again as it is, and others change without it.
  const auto generation = bench.plane->generation();
  bench.plane->put(with_address("bad", "fe80::1%eth0:1"), {1});
  for (int i = 0; i < 20; ++i) bench.plane->step(bench.clock.now_ms());
  CHECK(bench.plane->generation() == generation);
  bench.put(with_address("bad", "10.0.0.1:1"));
  CHECK(bench.runs({"bad", "new"}));
  CHECK(bench.plane->count_refused() == 0);
  bench.put(with_address("bad", "10.0.0.1:x"));
  bench.put(with_address("newer", "10.0.0.1:1"));
  CHECK(bench.runs({"newer"}));
  CHECK(bench.plane->count_refused() == 1);
  bench.plane->remove("bad");
  CHECK(bench.plane->count_refused() == 0);
}

TEST_CASE("HAProxy: who is refused holds up no new one, not for a moment", "[dispatcher]") {
  NEEDS_HAPROXY();
  PlaneBench bench;
  bench.put(with_address("fine", "10.0.0.1:1"));
  REQUIRE(bench.runs({"fine"}));
  bench.put(with_address("bad", "fe80::1%eth0:1"));
  bench.put(with_address("new", "10.0.0.1:1"));
  REQUIRE(bench.asks_to_reload());
  const auto now_ms = bench.clock.now_ms();  // time stands still from here on
  CHECK(eventually([&] {
    bench.plane->step(now_ms);
    return bench.plane->look({backend_name("new", false)}).size() == 1;
  }));
  CHECK(bench.plane->count_refused() == 1);
}

TEST_CASE("HAProxy: what changes while it loads a configuration is not lost", "[dispatcher]") {
  NEEDS_HAPROXY();
  PlaneBench bench;
  bench.put(with_address("a", "10.0.0.1:1"));
  REQUIRE(bench.runs({"a"}));
  bench.put(with_address("b", "10.0.0.1:1"));
  REQUIRE(bench.asks_to_reload());
  auto moved = with_address("a", "10.0.0.2:1");
  moved.destinations.front().name = "10.0.0.2:1";
  bench.put(moved);
  CHECK(eventually([&] {
    bench.plane->step(bench.clock.now_ms());
    const auto servers = bench.plane->look({backend_name("a", false)});
    const bool there = std::any_of(servers.begin(), servers.end(), [](const auto& server) {
      return server.server == "10.0.0.2:1" && !server.disabled;
    });
    return there && bench.plane->look({backend_name("b", false)}).size() == 1;
  }));
}

TEST_CASE("HAProxy: who keeps it from starting is set aside when it has ended", "[dispatcher]") {
  NEEDS_HAPROXY();
  PlaneBench bench;
  bench.put(with_address("bad", "fe80::1%eth0:1"));
  bench.put(with_address("fine", "10.0.0.1:1"));
  const auto now_ms = bench.clock.now_ms();
  bench.plane->step(now_ms);
  REQUIRE(eventually([&] {
    siginfo_t ended{};
    return ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
  }));
  bench.plane->step(now_ms);
  CHECK(bench.plane->count_refused() == 1);
  CHECK(eventually([&] {
    bench.plane->step(now_ms);
    return bench.plane->look({backend_name("fine", false)}).size() == 1;
  }));
}

// Strings that somebody may give as an appDId, or as part of an instance's address.
std::vector<std::string> hostile() {
  std::vector<std::string> out{"a b",      "a;b",      "a#b",
                               "'",        "\"",       "\\",
                               "a\\ b",    "$HOME",    "${HOME}",
                               "%[src]",   "%",        "a%20b",
                               "~",        ":",        "::",
                               "/",        "..",       ".",
                               "-",        "*",        "api",
                               "own",      "trust",    "set-aside",
                               "l.x",      "f.x",      "dispatcher",
                               "defaults", "global",   "{",
                               "}",        "(",        ")",
                               ",",        "|",        "<",
                               ">",        "\xC3\xA4", "\xF0\x9F\x9A\x97",
                               "\x7F",     "\t",       "server x 1.1.1.1"};
  out.push_back(std::string(256, 'x'));
  std::string wide;
  for (int i = 0; i < 256; ++i) wide += "\xF0\x9F\x9A\x97";
  out.push_back(wide);
  return out;
}

TEST_CASE("HAProxy: takes whatever names the orchestrator lets pass", "[dispatcher]") {
  NEEDS_HAPROXY();
  DispatcherOptions options;
  options.ca_file = "/etc/ssl/certs/ca-certificates.crt";
  World world;
  int n = 0;
  for (const auto& text : hostile()) {
    world.apps[text] = true;
    auto& host = world.hosts["h" + std::to_string(++n)];
    host.id = text;
    for (const auto& uri :
         {"http://" + text, "http://" + text + ":1/p", "http://[" + text + "]:1",
          "https://" + text + "/" + text, "http://10.0.0.1:" + text, "http://10.0.0.1/" + text,
          "http://[fe80::1%25" + text + "]:1", std::string("http://a:0"),
          std::string("http://a:65536"), "https://" + std::string(253, 'h') + ":65535"}) {
      host.instances.push_back({text, "i", uri, false});
    }
  }
  for (const auto& name : names_to_resolve(world)) {
    static const std::vector<std::string> kFound{"10.0.0.9", "2001:db8::1", "fe80::1%eth0", "::1",
                                                 ""};
    world.addresses[name] = kFound[world.addresses.size() % kFound.size()];
  }
  Layout layout;
  layout.ca_file = options.ca_file;
  std::set<std::string> apps;
  for (const auto& [app, found] : find_lambdas(world, options)) {
    add_lambda(layout, found, std::vector<int>(found.destinations.size(), 1));
    apps.insert(app);
  }
  CHECK(apps.size() == hostile().size());
  CHECK(layout.backends.size() == apps.size());  // no two have one name
  // What is said in commands is one command each, of the words that were meant.
  Layout empty = layout;
  for (auto& [name, backend] : empty.backends) backend.servers.clear();
  empty.routes.clear();
  for (const auto& text : difference(empty, layout, " check", "/d").commands) {
    CAPTURE(text);
    CHECK(text.find_first_of(";\n\"'\\#<") == std::string::npos);
    CHECK(text.size() <= 8192);
  }
  const Folder folder;
  const auto listener = listen_on("127.0.0.1", 0);
  REQUIRE(listener);
  const Process process(kProgram, listener->fd.get());
  const auto files = haproxy_files(layout, options, folder.path(), 1);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() + name) << text;
  };
  write("/wait.lua", files.script);
  write("/routes.map", files.routes);
  write("/final.map", files.final_routes);
  write("/haproxy.cfg", files.configuration);
  CHECK(process.refusal(folder.path() + "/haproxy.cfg").empty());
  write("/haproxy.cfg", files.configuration + "\nserver nonsense\n");
  CHECK_FALSE(process.refusal(folder.path() + "/haproxy.cfg").empty());
}

TEST_CASE("Those who are refused are found by halves", "[dispatcher]") {
  Layout layout;
  std::set<std::string> apps;
  std::set<std::string> bad{"app-17", "app-18", "app-777"};
  for (int i = 0; i < 1000; ++i) {
    const auto app = "app-" + std::to_string(i);
    apps.insert(app);
    add_lambda(layout, with_address(app, "10.0.0.1:1"), {1});
  }
  int questions = 0;
  const auto refusal = [&](const Layout& some) {
    ++questions;
    for (const auto& app : bad) {
      if (some.routes.contains(app)) return "because of " + app;
    }
    return std::string();
  };
  SetAside aside;
  CHECK(aside.find(layout, apps, refusal) ==
        std::vector<std::string>{"app-17", "app-18", "app-777"});
  CHECK(questions <= 60);
  CHECK(aside.reason("app-777") == "because of app-777");
  CHECK(aside.reason("app-1").empty());
  Layout other;
  add_lambda(other, with_address("app-17", "10.0.0.1:1"), {200});  // a weight is no change
  CHECK(aside.is_still_refused("app-17", other));
  add_lambda(other, with_address("app-17", "10.0.0.2:1"), {1});
  CHECK_FALSE(aside.is_still_refused("app-17", other));
  add_lambda(other, with_address("app-18", "10.0.0.1:1", "/p"), {1});
  CHECK_FALSE(aside.is_still_refused("app-18", other));
  CHECK(aside.size() == 1);

  // Nobody's fault: it is refused without them.
  SetAside nobody;
  CHECK(nobody.find(layout, apps, [](const Layout&) { return "no"; }).empty());
  CHECK(nobody.find(layout, apps, [](const Layout&) { return ""; }).empty());
  // Everybody's: as many questions as are allowed, and it goes on with the next time.
  questions = 0;
  const auto all = [&](const Layout& some) {
    ++questions;
    return std::string(some.routes.empty() ? "" : "no");
  };
  const auto some = nobody.find(layout, apps, all);
  CHECK(questions == SetAside::kQuestionsMax);
  CHECK(some.size() > 20);
}

}  // namespace
}  // namespace mx2::dispatcher
