// The tie to the orchestrator, which the test plays.
#include <fstream>

#include "api/json/json.h"
#include "lcm/mepm/orchestrator_link.h"
#include "tests/catch.h"
#include "tests/support/logged.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_notifier.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/temp_dir.h"

namespace mx2::mepm {
namespace {

using mx2::test::Logged;
using mx2::test::ScriptedClient;

const std::string kLinkRegistration = "http://meo/operator/v1/hosts/h/registration";
const std::string kLinkLoad = "http://meo/operator/v1/hosts/h/load";

HostRegistration described() {
  HostRegistration host;
  host.id = "h";
  return host;
}

struct Link {
  Link() {
    link.set_mepm_uri("http://me");
    link.set_key("k");
  }
  // What is asked next is answered so.
  std::string answer(int status, const std::string& body = {}) {
    link.step();
    REQUIRE(client.in_flight() == 1);
    REQUIRE(client.answer("", http::json_reply(status, body)));
    client.poll(0);
    return client.requests.back().url;
  }

  ScriptedClient client;
  ManualClock clock{1000};
  OrchestratorLink link{{.url = "http://meo"},           described(), {}, client, clock,
                        [] { return std::string("{}"); }};
};

TEST_CASE("the link registers with its key, and reports at once", "[link]") {
  Link world;
  CHECK(world.answer(201) == kLinkRegistration);
  CHECK(json::parse(world.client.requests.back().body).value()["mepmKey"] == "k");
  CHECK(world.answer(204) == kLinkLoad);
  CHECK(world.link.state() == "registered");
}

TEST_CASE("a MEPM remembers the newest epoch of the store, and tells it", "[link]") {
  const mx2::test::TempDir directory;
  const auto file = directory.file("store");
  const std::string id(32, 'a');
  const auto told = [](const Link& world) {
    for (const auto& [name, value] : world.client.requests.back().headers) {
      if (name == kStoreHeader) return value;
    }
    return std::string();
  };
  const auto answer = [](Link& world, const std::string& store) {
    auto reply = http::json_reply(200, "{}");
    reply.headers.emplace_back("mx2-store", store);
    world.link.step();
    REQUIRE(world.client.answer("", reply));
    world.client.poll(0);
    world.clock.advance(LinkOptions{}.report_ms);
  };
  const Logged logged;
  {
    Link world;
    world.link.remember_store_in(file);
    CHECK_FALSE(world.link.known().store);
    answer(world, id + "/5");
    CHECK(told(world).empty());
    answer(world, id + "/7");
    CHECK(told(world) == id + "/5");
    CHECK(world.link.known().reports == 2);
  }
  Link world;
  world.link.remember_store_in(file);
  for (int i = 0; i < 3; ++i) answer(world, id + "/6");  // an old copy was put back
  CHECK(told(world) == id + "/7");
  CHECK(logged.count("older than one that we have seen") == 1);
  CHECK(world.link.state() == "registered");  // nothing else follows
  const std::string other(32, 'b');
  answer(world, other + "/1");
  answer(world, other + "/1");
  CHECK(told(world) == other + "/1");
}

TEST_CASE("a MEPM whose host is another's says so and goes on trying", "[link]") {
  Link world;
  CHECK(world.answer(409) == kLinkRegistration);
  CHECK(world.link.state() == "unregistered");
  CHECK(world.link.last_error().find("409") != std::string::npos);
  world.link.step();
  CHECK(world.client.in_flight() == 0);  // not at once
  world.clock.advance(LinkOptions{}.retry_ms);
  CHECK(world.answer(200) == kLinkRegistration);
  CHECK(world.link.state() == "registered");
}

TEST_CASE("a MEPM whose host was taken over registers again, and is refused", "[link]") {
  Link world;
  world.answer(201);
  world.answer(204);
  world.clock.advance(LinkOptions{}.report_ms);
  CHECK(world.answer(409) == kLinkLoad);
  CHECK(world.link.state() == "unregistered");
  CHECK(world.answer(409) == kLinkRegistration);
  CHECK(world.link.state() == "unregistered");
  CHECK_THAT(world.link.last_error(), mx2::test::ContainsSubstring("unknown to anybody"));
}

TEST_CASE("a MEPM whose host an operator has changed registers again, and sees no other",
          "[link]") {
  Link world;
  world.answer(201);
  world.answer(204);
  world.clock.advance(LinkOptions{}.report_ms);
  const Logged logged;
  CHECK(world.answer(409) == kLinkLoad);
  CHECK(world.answer(200) == kLinkRegistration);
  CHECK(world.answer(204) == kLinkLoad);
  CHECK(world.link.state() == "registered");
  CHECK(world.link.last_error().empty());
  CHECK(logged.count("does not take this host for ours") == 1);
  CHECK(logged.count("unknown to anybody") == 0);
}

TEST_CASE("a MEPM that its orchestrator is too old for says what to do, once", "[link]") {
  Link world;
  const Logged logged;
  const std::string refusal = R"({"status":400,"detail":"/mepmKey: is not known"})";
  for (int i = 0; i < 5; ++i) {
    CHECK(world.answer(400, refusal) == kLinkRegistration);
    world.clock.advance(LinkOptions{}.retry_ms_max);
  }
  CHECK_THAT(world.link.last_error(),
             mx2::test::ContainsSubstring("upgrade the orchestrator first"));
  CHECK(logged.count("upgrade the orchestrator first") == 1);
  CHECK(world.answer(400, R"({"detail":"/zone: is not known"})") == kLinkRegistration);
  CHECK(world.link.last_error().find("upgrade") == std::string::npos);
}

TEST_CASE("the key of a MEPM counts its lives, and a damaged one is replaced", "[link]") {
  const mx2::test::TempDir directory;
  SequentialIds ids;
  const auto first = persistent_key(directory.path(), ids);
  const auto identity = first.substr(0, first.find('/'));
  CHECK(is_hex32(identity));
  CHECK(first == identity + "/1");
  CHECK(persistent_key(directory.path(), ids) == identity + "/2");
  CHECK(persistent_key(directory.path(), ids) == identity + "/3");
  const mx2::test::TempDir other;
  CHECK(persistent_key(other.path(), ids).substr(0, identity.size()) != identity);
  REQUIRE(::truncate(directory.file("key").c_str(), 5) == 0);
  const auto again = persistent_key(directory.path(), ids);
  CHECK(is_hex32(again.substr(0, again.find('/'))));
  CHECK(again.ends_with("/1"));
  CHECK(persistent_key("/nowhere", ids).ends_with("/1"));
}

}  // namespace
}  // namespace mx2::mepm
