// What HAProxy is told and what it says: destinations, configuration, commands, logs.
#include <algorithm>

#include "dispatcher/call_log.h"
#include "dispatcher/command_socket.h"
#include "dispatcher/destinations.h"
#include "dispatcher/haproxy_config.h"
#include "dispatcher/layout.h"
#include "tests/catch.h"

namespace mx2::dispatcher {
namespace {

using test::ContainsSubstring;

Host host(const std::string& id, const std::string& zone, const std::string& uri,
          const std::string& app = "echo") {
  Host out;
  out.id = id;
  out.zone = zone;
  out.instances = {{app, "i", uri, false}};
  return out;
}

World world(std::vector<Host> hosts) {
  World out;
  out.apps = {{"echo", true}, {"off", false}, {"dispatcher-1", true}};
  for (auto& h : hosts) out.hosts[h.id] = std::move(h);
  return out;
}

DispatcherOptions at(const std::string& host_id) {
  DispatcherOptions options;
  options.place.host_id = host_id;
  return options;
}

TEST_CASE("referenceURIs that can be dispatched to", "[dispatcher]") {
  const auto uri = parse_reference_uri("HTTP://Edge.example:9000/face/detect/");
  REQUIRE(uri.ok());
  CHECK(uri->host == "edge.example");
  CHECK(uri->port == 9000);
  CHECK(uri->path == "/face/detect");
  CHECK(parse_reference_uri("http://10.0.0.1")->port == 80);
  CHECK(parse_reference_uri("http://[2001:db8::1]:81/x")->host == "2001:db8::1");
  for (const auto* bad : {"", "https://", "https://10.0.0.1", "https://[::1]:1", "http://",
                          "http://a:0", "http://a:65536", "http://a:x", "http://a/b?c",
                          "http://a/'", "http://a/%\n", "http://a b/", "http://[x]/", "http://u@a/",
                          "ftp://a", "http://[fe80::1%25eth0]:1/", "http://[fe80::1%eth0]:1/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_reference_uri(bad).ok());
  }
}

TEST_CASE("https destinations", "[dispatcher]") {
  const auto uri = parse_reference_uri("HTTPS://Edge.example/p");
  REQUIRE(uri.ok());
  CHECK(uri->tls);
  CHECK(uri->port == 443);
  auto all = world({host("a", "x", "http://10.0.0.1:1"), host("b", "x", "https://b.example:1")});
  all.addresses = {{"b.example", "10.0.0.1"}};
  auto options = at("a");
  options.ca_file = "/ca.pem";
  const auto lambda = find_lambdas(all, options).at("echo");
  REQUIRE(lambda.destinations.size() == 2);
  CHECK(lambda.destinations[1].name == "10.0.0.1:1:tls:b.example");
  CHECK(lambda.destinations[1].tls_host == "b.example");
  options.ca_file.clear();
  CHECK(find_lambdas(all, options).at("echo").destinations.size() == 1);

  Layout plain;
  plain.ca_file = "/ca.pem";  // HAProxy has read it from the start
  add_lambda(plain, {"echo", "", {lambda.destinations[0]}, {}}, {256});
  Layout both;
  add_lambda(both, lambda, {256, 1});
  both.ca_file = "/ca.pem";
  const auto commands = difference(plain, both, " check", "/d").commands;
  REQUIRE(commands.size() == 3);
  CHECK(commands[0] ==
        "add server l.echo/10.0.0.1:1:tls:b.example 10.0.0.1:1 weight 1 check ssl verify required "
        "ca-file /ca.pem sni str(b.example) verifyhost b.example check-ssl check-sni b.example");
}

TEST_CASE("Tiers: host and zone, the edge, the cloud", "[dispatcher]") {
  auto cloud = host("cloud", "here", "http://10.0.0.4:1");
  cloud.labels = {{"tier", "cloud"}};
  const auto all =
      world({host("a", "here", "http://10.0.0.1:1"), host("b", "here", "http://10.0.0.2:1"),
             host("c", "there", "http://10.0.0.3:1"), cloud});
  const auto tiers = [&](const DispatcherOptions& options) {
    std::map<std::string, Tier> out;
    const auto lambdas = find_lambdas(all, options);
    for (const auto& d : lambdas.at("echo").destinations) out[d.host_id] = d.tier;
    return out;
  };
  CHECK(tiers(at("a")) == std::map<std::string, Tier>{{"a", Tier::kLocal},
                                                      {"b", Tier::kLocal},
                                                      {"c", Tier::kNeighbour},
                                                      {"cloud", Tier::kCloud}});
  CHECK(tiers(at("c")).at("a") == Tier::kNeighbour);
  CHECK(tiers(at("")).at("c") == Tier::kLocal);
  CHECK(tiers(at("cloud")).at("cloud") == Tier::kLocal);
}

TEST_CASE("Which applications and destinations there are", "[dispatcher]") {
  auto draining = host("b", "x", "http://b.example:1/p");
  draining.state = HostState::kDraining;
  auto down = host("c", "x", "http://10.0.0.3:1/p");
  down.reachable = false;
  auto all = world({host("a", "x", "http://10.0.0.1:1/p"), draining, down,
                    host("d", "y", "http://10.0.0.4:1/q"), host("e", "y", "http://no.where:1/p")});
  CHECK(names_to_resolve(all) == std::vector<std::string>{"b.example", "no.where"});
  all.addresses = {{"b.example", "2001:db8::2"}, {"no.where", ""}};
  const auto lambdas = find_lambdas(all, at("a"));
  REQUIRE(lambdas.size() == 1);  // not those that are off, nor dispatchers
  const auto& lambda = lambdas.at("echo");
  CHECK(lambda.path == "/p");
  REQUIRE(lambda.destinations.size() == 3);
  CHECK(lambda.destinations[0].admin == Admin::kReady);
  CHECK(lambda.destinations[1].admin == Admin::kDraining);
  CHECK(lambda.destinations[1].address == "[2001:db8::2]:1");
  CHECK(lambda.destinations[1].name == "2001:db8::2:1");
  CHECK(lambda.destinations[2].admin == Admin::kDown);
  CHECK(lambda.problems.size() == 2);  // another path, no address
  auto options = at("a");
  options.apps = {"other"};
  CHECK(find_lambdas(all, options).empty());
}

TEST_CASE("Names of the configuration that nobody has", "[dispatcher]") {
  const auto all = world({host("mec-north", "x", "http://10.0.0.1:1")});
  auto options = at("a");
  CHECK(unknown_names(all, options).empty());
  options.apps = {"echo", "ehco"};
  options.place.latency_ms = {{"mec-north", 4}, {"mec-norht", 5}};
  CHECK(unknown_names(all, options) ==
        std::vector<std::string>{
            "dispatcher.apps names 'ehco', which there is not; did you mean 'echo'?",
            "host.latency_ms names 'mec-norht', which there is not; did you mean 'mec-north'?"});
}

TEST_CASE("Addresses that HAProxy would refuse, or that lead back to us, are none",
          "[dispatcher]") {
  for (const auto* bad : {"fe80::1%eth0", "0.0.0.0", "::", "::ffff:0.0.0.0", "", "a.example", "*",
                          "10.0.0.1:80", "127.1", "10.0.0.1 ", "/run/socket"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_callable(bad));
    auto all = world({host("a", "x", "http://a.example:1"), host("b", "x", "http://10.0.0.2:1")});
    all.addresses = {{"a.example", bad}};
    const auto lambda = find_lambdas(all, at("b")).at("echo");
    CHECK(lambda.destinations.size() == 1);
    REQUIRE(lambda.problems.size() == 1);
    CHECK_THAT(lambda.problems[0], ContainsSubstring("no address that can be called"));
  }
  const auto literal = world({host("a", "x", "http://0.0.0.0:1"), host("b", "x", "http://[::]:1")});
  const auto lambda = find_lambdas(literal, at("a")).at("echo");
  CHECK(lambda.destinations.empty());
  CHECK(lambda.problems.size() == 2);
  CHECK(is_callable("fe80::1"));
  CHECK(is_callable("::1"));
}

TEST_CASE("Dispatchers among the destinations", "[dispatcher]") {
  auto all = world(
      {host("a", "x", "http://10.0.0.1:8070/echo"), host("b", "x", "http://10.0.0.2:8070/echo")});
  all.hosts["a"].instances.push_back({"dispatcher-1", "i", "http://10.0.0.1:8070", false});
  all.hosts["b"].instances.push_back({"dispatcher-1", "i", "http://10.0.0.2:8070", false});
  const auto lambda = find_lambdas(all, at("a")).at("echo");
  REQUIRE(lambda.destinations.size() == 1);  // not ourselves
  CHECK_FALSE(lambda.destinations[0].final);
  Layout layout;
  add_lambda(layout, lambda, {256});
  CHECK(layout.routes.at("echo") == "l.echo");
  CHECK(layout.final_routes.at("echo") == "f.echo");
  CHECK(layout.backends.at("f.echo").servers.empty());
}

TEST_CASE("Names are safe and differ", "[dispatcher]") {
  CHECK(backend_name("echo-1_x.y", false) == "l.echo-1_x.y");
  CHECK(backend_name("a b/ä~:", true) == "f.a:20b:2F:C3:A4:7E:3A");
  CHECK(route_key("a b/~") == "a%20b%2F~");
}

Layout layout_of(std::map<std::string, Server> servers, const std::string& path = "") {
  Layout out;
  out.backends["l.x"] = {path, std::move(servers)};
  out.routes = out.final_routes = {{"x", "l.x"}};
  return out;
}

TEST_CASE("Differences become commands", "[dispatcher]") {
  const auto running = layout_of({{"a:1", {"a:1", 256, true}}, {"b:1", {"b:1", 1, true}}});
  const auto commands = [&](const Layout& wanted) {
    return difference(running, wanted, " check", "/d").commands;
  };
  using Commands = std::vector<std::string>;
  CHECK(commands(running).empty());
  CHECK(commands(layout_of({{"a:1", {"a:1", 128, true}}, {"b:1", {"b:1", 1, true}}})) ==
        Commands{"set server l.x/a:1 weight 128"});
  CHECK(commands(layout_of({{"a:1", {"a:1", 256, false}}, {"b:1", {"b:1", 1, true}}})) ==
        Commands{"disable server l.x/a:1"});
  const auto other = difference(
      running, layout_of({{"a:1", {"a:1", 256, true}}, {"c:1", {"c:1", 9, true}}}), " check", "/d");
  CHECK(other.commands == Commands{"disable server l.x/b:1",
                                   "add server l.x/c:1 c:1 weight 9 check", "enable server l.x/c:1",
                                   "enable health l.x/c:1"});
  CHECK(other.leaving == Commands{"l.x/b:1"});
  CHECK_FALSE(other.reload);
  CHECK(commands({}) == Commands{"disable server l.x/a:1", "disable server l.x/b:1",
                                 "del map /d/routes.map x", "del map /d/final.map x"});
}

TEST_CASE("A λ that is new, or has another path, takes a reload", "[dispatcher]") {
  CHECK(difference({}, layout_of({}), "", "/d").reload);
  CHECK(difference(layout_of({}), layout_of({}, "/p"), "", "/d").reload);
  CHECK_FALSE(difference(layout_of({}), {}, "", "/d").reload);
}

TEST_CASE("The configuration of HAProxy", "[dispatcher]") {
  DispatcherOptions options;
  options.selection.policy = "two-choices";
  options.limits.in_flight_max = 7;
  const auto files =
      haproxy_files(layout_of({{"a:1", {"a:1", 3, false}}}, "/p%20"), options, "/d", 4);
  const auto has = [&](const std::string& text) {
    CAPTURE(text);
    CHECK(files.configuration.find(text) != std::string::npos);
  };
  has("stats socket unix@/d/command.4 ");
  has("bind fd@3");
  has("backend l.x\n  balance random(2)\n  http-request set-path /p%%20/");
  has("  server a:1 a:1 weight 3 check inter 2000ms ");
  has(" maxconn 7 disabled\n");
  // Calls are left out of the log before it is known how they end.
  has("http-request set-log-level silent if { be_sess_rate gt 500 }");
  CHECK(files.routes == "x l.x\n");
  // Checks of many servers are as many a second.
  CHECK(server_arguments(options, 10'000).starts_with(" check inter 100000ms "));
}

TEST_CASE("Servers need files, too", "[dispatcher]") {
  DispatcherOptions options;
  CHECK(connections_max(options, 100'000) == 4000);
  options.haproxy.files_max = 8192;
  CHECK(connections_max(options, 0) == 3846);
  CHECK(connections_max(options, 2000) == 2846);
  options.haproxy.files_max = 1024;
  CHECK(connections_max(options, 600) == 84);
  CHECK(connections_max(options, 100'000) == 32);
  const auto files =
      haproxy_files(layout_of({{"a:1", {"a:1", 3}}, {"b:1", {"b:1", 3}}}), options, "/d", 4);
  CHECK(files.configuration.find("maxconn 383\n") != std::string::npos);
}

TEST_CASE("Lines of HAProxy's log", "[dispatcher]") {
  const auto logged = [](std::string_view line) {
    const auto parsed = parse_log_line(line);
    CAPTURE(line);
    REQUIRE(parsed);
    return std::get<CallLogged>(*parsed);
  };
  const auto call = logged("R l.x a:1 200 1000000 1002500 1003000 120 3 a:1/ 0 0 -- 2 3\n");
  CHECK(call.backend == "l.x");
  CHECK(call.server == "a:1");
  CHECK(call.sample->seconds == Approx(0.0025));
  CHECK(call.sample->bytes == 120);
  CHECK(call.sample->load == 3);
  CHECK_FALSE(call.sample->failed);
  CHECK_FALSE(call.queued);
  CHECK_FALSE(call.abandoned);
  CHECK(call.failed.empty());
  const auto failed = logged("R l.x a:1 500 1 2 3 1 1 a:1/ 0 2 -- 0 0");
  CHECK(failed.sample->failed);
  CHECK(failed.queued);
  CHECK(logged("R l.x a:1 504 1 - 9 1 1 a:1/ 0 0 sH -1 0").sample->failed);
  CHECK(logged("R l.x a:1 503 - - 9 1 1 - 0 0 SC -1 0").sample->failed);
  const auto down = parse_log_line("Server l.x/a:1 is DOWN, reason: Layer4 connection problem");
  CHECK_FALSE(std::get<ServerChanged>(*down).up);
  CHECK(std::get<ServerChanged>(*down).server == "a:1");
  CHECK(std::get<ServerChanged>(*parse_log_line("Server l.x/a:1 is UP, reason: …")).up);
  CHECK(
      std::get<ServerChanged>(*parse_log_line("Server l.x/a:1 is UP/READY (leaving maintenance)."))
          .up);
  for (const auto* other :
       {"", "R", "R ", "R l.x <NOSRV> 503 - - 1 1 0 - 0 0 SC -1 0", "Server x", "Proxy y",
        "R l.x a:1 200 1 2 3 1 1 a:1/ 0 0 CD 0 0", "R l.x a:1 200 x 2 3 1 1 a:1/ 0 0 -- 0 0",
        "R l.x a:1 400 - - 3 1 1 - 0 0 CC -1 0",
        // The clock was set back.
        "R l.x a:1 200 9 8 8 1 1 a:1/ 0 0 -- -1 -1", "R l.x a:1 400 9 - 8 1 1 a:1/ 0 0 CH -1 -1",
        "Server l.x/a:1 is going DOWN for maintenance"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_log_line(other));
  }
}

TEST_CASE("Log lines of calls that were made again, or whose caller has gone", "[dispatcher]") {
  const auto logged = [](std::string_view line) {
    const auto parsed = parse_log_line(line);
    CAPTURE(line);
    REQUIRE(parsed);
    return std::get<CallLogged>(*parsed);
  };
  using Names = std::vector<std::string_view>;
  const auto again = logged("R l.x c:1 200 7 9 9 1 1 c:1/b:1/a:1/ 0 0 -- 0 0");
  CHECK(again.failed == Names{"b:1", "a:1"});
  CHECK(again.sample->seconds == Approx(2e-6));
  const auto unreached = logged("R l.x b:1 503 7 - 9 1 1 a:1/ 0 0 SC -1 0");
  CHECK(unreached.failed == Names{"a:1"});
  CHECK(unreached.sample->failed);
  const auto nowhere = logged("R l.x <NOSRV> 503 7 - 9 1 0 a:1/ 0 0 sQ -1 0");
  CHECK(nowhere.failed == Names{"a:1"});
  CHECK_FALSE(nowhere.sample);
  const auto gone = logged("R l.x a:1 400 1000000 - 3000000 1 1 a:1/ 0 0 CH -1 2001");
  CHECK(gone.abandoned);
  CHECK(gone.sample->seconds == Approx(2));
  const auto early = logged("R l.x b:1 400 1 - 9 1 1 a:1/ 0 0 CC -1 0");
  CHECK(early.failed == Names{"a:1"});
  CHECK_FALSE(early.sample);
}

TEST_CASE("A clock that is set during a call does not make it long or short", "[dispatcher]") {
  const auto seconds = [](std::string_view line) {
    const auto parsed = parse_log_line(line);
    CAPTURE(line);
    REQUIRE(parsed);
    return std::get<CallLogged>(*parsed).sample->seconds;
  };
  // An hour forward, an hour back, half a second back; 20 ms were measured without the clock.
  CHECK(seconds("R l.x a:1 200 1000000 3601000000 9 1 1 a:1/ 0 0 -- 20 25") == Approx(0.02));
  CHECK(seconds("R l.x a:1 200 3601000000 1020000 9 1 1 a:1/ 0 0 -- 20 25") == Approx(0.02));
  CHECK(seconds("R l.x a:1 200 1000000 1500000 9 1 1 a:1/ 0 0 -- 1000 1001") == Approx(0.9));
  CHECK(seconds("R l.x a:1 200 1000000 1020480 9 1 1 a:1/ 0 0 -- 20 25") == Approx(0.02048));
  // The caller has gone after a second and a half.
  CHECK(seconds("R l.x a:1 400 1000000 - 3601000000 1 1 a:1/ 0 0 CH -1 1500") == Approx(1.5));
  CHECK(seconds("R l.x a:1 400 3601000000 - 1000000 1 1 a:1/ 0 0 CH -1 1500") == Approx(1.5));
}

TEST_CASE("Servers that leave are asked in turns", "[dispatcher]") {
  const std::set<std::string> all{"a", "b", "c", "d", "e"};
  using Names = std::vector<std::string>;
  CHECK(in_turn(all, "", 2) == Names{"a", "b"});
  CHECK(in_turn(all, "b", 2) == Names{"c", "d"});
  CHECK(in_turn(all, "d", 2) == Names{"e", "a"});
  CHECK(in_turn(all, "e", 9) == Names{"a", "b", "c", "d", "e"});
  CHECK(in_turn(all, "bb", 1) == Names{"c"});  // b has gone
  CHECK(in_turn({}, "b", 2).empty());
}

TEST_CASE("Many commands become lines that HAProxy reads", "[dispatcher]") {
  const std::vector<std::string> questions(64, "show stat l." + std::string(3072, 'x') + " 4 -1");
  std::size_t bytes = 0;
  for (const auto& line : lines_of(questions)) {
    CHECK(line.size() <= 8192);
    bytes += line.size() + 1;
  }
  CHECK(bytes == 64 * (questions[0].size() + 1));  // all of them
  CHECK(lines_of({"a", "b"}) == std::vector<std::string>{"a;b"});
  CHECK(lines_of({}).empty());
}

TEST_CASE("Answers of the Runtime API", "[dispatcher]") {
  CHECK(complaints("\n\nNew server registered.\n\n\nServer deleted.\n").empty());
  CHECK(complaints("\nNo such server.\n\n") == std::vector<std::string>{"No such server."});
  const auto states = parse_stat(
      "# pxname,svname,qcur,scur,stot,econ,eresp,wretr,status,type,hrsp_5xx,check_status\n"
      "l.x,a:1,2,3,4,5,6,7,UP 1/3,2,8,* L4OK\nl.x,BACKEND,0,0,0,0,0,0,UP,1,0,\n\n"
      "# pxname,svname,status,type\nl.y,b:1,MAINT,2\nl.y,c:1");
  REQUIRE(states.size() == 2);
  CHECK(states[0].backend == "l.x");
  CHECK(states[0].up);
  CHECK(states[0].checked);
  CHECK(states[0].in_flight == 3);
  CHECK(states[0].queued == 2);
  CHECK(states[0].server_errors == 8);
  CHECK_FALSE(states[1].up);
  CHECK(states[1].disabled);
  CHECK_FALSE(states[1].checked);
}

}  // namespace
}  // namespace mx2::dispatcher
