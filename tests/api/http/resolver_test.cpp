// Names to addresses, with a name server that says what the test wants.
#include "api/http/resolver.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "api/http/http_client.h"
#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/name_server.h"

namespace mx2::http {
namespace {

using test::ContainsSubstring;
using test::NameServer;
using Addresses = Resolver::Addresses;

struct Looking {
  explicit Looking(ResolverOptions with = {})
      : options(std::move(with)), resolver(at_server(options), clock) {
    server.says = [this](const std::string& name) -> std::optional<NameServer::Answer> {
      const auto it = names.find(name);
      if (it == names.end()) return std::nullopt;
      return it->second;
    };
  }
  ResolverOptions at_server(ResolverOptions with) const {
    with.servers = server.address();
    return with;
  }
  // The answer comes to `answers` under the number that this returns.
  std::size_t ask(const std::string& name) {
    const auto n = answers.size();
    answers.emplace_back();
    resolver.look_up(name, [this, n](Result<Addresses> found) { answers[n] = std::move(found); });
    return n;
  }
  // Both sides go on until `condition`; false when that does not come.
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end) {
      resolver.step();
      server.step();
      pollfd readable{resolver.fd(), POLLIN, 0};
      ::poll(&readable, 1, 1);
    }
    return condition();
  }
  Result<Addresses> one(const std::string& name) {
    const auto n = ask(name);
    if (!until([&] { return answers[n].has_value(); })) return internal("no answer at all");
    return *answers[n];
  }
  int asked(const std::string& name) { return server.asked[name]; }

  NameServer server;
  std::map<std::string, NameServer::Answer> names;
  ManualClock clock{1'000'000};
  ResolverOptions options;
  std::vector<std::optional<Result<Addresses>>> answers;
  Resolver resolver;
};

std::vector<std::string> texts(const Result<Addresses>& found) {
  REQUIRE(found.ok());
  std::vector<std::string> out;
  for (const auto& address : *found) out.push_back(address.text());
  std::sort(out.begin(), out.end());
  return out;
}

TEST_CASE("resolver: a name's addresses, IPv4 and IPv6, are kept for their time", "[resolver]") {
  Looking world;
  world.names["ue.example"] = {NameServer::kNoError, {"192.0.2.1", "2001:db8::1"}, 30};
  CHECK(texts(world.one("ue.example")) == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  world.names["ue.example"] = {NameServer::kNoError, {"192.0.2.2"}, 30};
  world.clock.advance(29'999);
  CHECK(texts(world.one("UE.Example")).front() == "192.0.2.1");
  CHECK(world.asked("ue.example") == 1);
  world.clock.advance(1);
  CHECK(texts(world.one("ue.example")) == std::vector<std::string>{"192.0.2.2"});
  CHECK(world.asked("ue.example") == 2);
}

TEST_CASE("resolver: no time to live is believed beyond a minute, none is nothing", "[resolver]") {
  Looking world;
  world.names["long.example"] = {NameServer::kNoError, {"192.0.2.1"}, 1'000'000};
  world.names["short.example"] = {NameServer::kNoError, {"192.0.2.2"}, 0};
  REQUIRE(world.one("long.example").ok());
  REQUIRE(world.one("short.example").ok());
  world.clock.advance(1000);
  REQUIRE(world.one("short.example").ok());
  CHECK(world.asked("short.example") == 2);
  world.clock.advance(58'999);
  REQUIRE(world.one("long.example").ok());
  CHECK(world.asked("long.example") == 1);
  world.clock.advance(1);
  REQUIRE(world.one("long.example").ok());
  CHECK(world.asked("long.example") == 2);
}

TEST_CASE("resolver: however many ask, a name is looked up once", "[resolver]") {
  Looking world;
  world.names["ue.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  for (int i = 0; i < 50; ++i) world.ask("ue.example");
  REQUIRE(world.until([&] { return world.answers.back().has_value(); }));
  for (const auto& answer : world.answers) CHECK(texts(*answer).size() == 1);
  CHECK(world.asked("ue.example") == 1);
}

TEST_CASE("resolver: a name that does not exist is said to, and is not asked for a moment",
          "[resolver]") {
  Looking world;
  world.names["gone.example"] = {NameServer::kNoSuchName, {}, 30};
  const auto found = world.one("gone.example");
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().cause == kNoSuchName);
  CHECK(found.error().detail == "the name 'gone.example' does not exist");
  CHECK(world.one("gone.example").error().cause == kNoSuchName);
  CHECK(world.asked("gone.example") == 1);
  world.names["gone.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  world.clock.advance(10'000);
  CHECK(world.one("gone.example").ok());
}

TEST_CASE("resolver: what cannot exist is not asked for", "[resolver]") {
  Looking world;
  for (const std::string& name :
       {std::string("invalid"), std::string("no.such.host.invalid"), std::string("INVALID."),
        std::string("a..example"), std::string(64, 'a') + ".example"}) {
    CAPTURE(name);
    const auto found = world.one(name);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().cause == kImpossibleName);
  }
  CHECK(world.server.asked.empty());
}

TEST_CASE("resolver: this machine is known without a server", "[resolver]") {
  Looking world;
  for (const char* name : {"localhost", "LocalHost"}) {
    for (const auto& text : texts(world.one(name))) {
      CHECK((text == "127.0.0.1" || text == "::1"));
    }
  }
  CHECK(world.server.asked.empty());
}

TEST_CASE("resolver: a failure of servers, or a name without addresses, may pass", "[resolver]") {
  Looking world;
  for (const int code : {NameServer::kServerFailure, NameServer::kNoError}) {
    const auto name = "code-" + std::to_string(code) + ".example";
    world.names[name] = {code, {}, 30};
    const auto found = world.one(name);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == ErrorCode::kUnavailable);
    CHECK(found.error().cause == kUnreachable);
    CHECK_THAT(found.error().detail, ContainsSubstring("could not be resolved: "));
    world.names[name] = {NameServer::kNoError, {"192.0.2.1"}, 30};
    CHECK_FALSE(world.one(name).ok());  // for a moment
    world.clock.advance(1000);
    CHECK(world.one(name).ok());
  }
}

TEST_CASE("resolver: a name without an answer ends in time, and delays no other", "[resolver]") {
  Looking world;
  world.names["good.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  const auto slow = world.ask("slow.example");
  CHECK(world.one("good.example").ok());
  CHECK_FALSE(world.answers[slow].has_value());
  world.clock.advance(world.options.timeout_ms - 1);
  world.resolver.step();
  CHECK_FALSE(world.answers[slow].has_value());
  CHECK(world.resolver.wait_ms(60'000) <= 1);
  world.clock.advance(1);
  world.resolver.step();
  REQUIRE(world.answers[slow].has_value());
  CHECK(world.answers[slow]->error().code == ErrorCode::kDeadlineExceeded);
  CHECK(world.answers[slow]->error().cause == kUnreachable);
  // What comes after all is for the next who asks.
  world.names["slow.example"] = {NameServer::kNoError, {"192.0.2.2"}, 30};
  world.clock.advance(1000);
  CHECK(world.one("slow.example").ok());
}

TEST_CASE("resolver: whoever asks again and again does not make more look-ups", "[resolver]") {
  Looking world;
  for (int i = 0; i < 20; ++i) {
    const auto n = world.ask("slow.example");
    world.resolver.step();
    world.server.step();
    world.clock.advance(world.options.timeout_ms);
    world.resolver.step();
    REQUIRE(world.answers[n].has_value());
    world.clock.advance(1000);
  }
  CHECK(world.asked("slow.example") <= 3);  // the tries of one
}

TEST_CASE("resolver: while the servers are silent a name keeps its addresses, not for ever",
          "[resolver]") {
  Looking world;
  world.names["ue.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  REQUIRE(world.one("ue.example").ok());
  world.names.clear();
  world.clock.advance(30'000);
  const auto later = world.ask("ue.example");
  world.resolver.step();
  CHECK_FALSE(world.answers[later].has_value());
  world.clock.advance(world.options.timeout_ms);
  world.resolver.step();
  REQUIRE(world.answers[later].has_value());
  CHECK(texts(*world.answers[later]).front() == "192.0.2.1");
  CHECK(world.one("ue.example").ok());  // at once
  world.clock.advance(3'600'000);
  const auto last = world.ask("ue.example");
  world.clock.advance(world.options.timeout_ms);
  REQUIRE(world.until([&] { return world.answers[last].has_value(); }));
  CHECK_FALSE(world.answers[last]->ok());
}

TEST_CASE("resolver: a name that has gone has no old addresses", "[resolver]") {
  Looking world;
  world.names["ue.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  REQUIRE(world.one("ue.example").ok());
  world.names["ue.example"] = {NameServer::kNoSuchName, {}, 30};
  world.clock.advance(30'000);
  CHECK(world.one("ue.example").error().cause == kNoSuchName);
}

TEST_CASE("resolver: so many look-ups at once, the others in turn", "[resolver]") {
  ResolverOptions options;
  options.at_once_max = 2;
  Looking world(options);
  for (const char* name : {"a.example", "b.example", "c.example"}) world.ask(name);
  REQUIRE(
      world.until([&] { return world.asked("a.example") > 0 && world.asked("b.example") > 0; }));
  CHECK(world.asked("c.example") == 0);
  world.names["a.example"] = world.names["c.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  REQUIRE(world.until([&] { return world.answers[2].has_value(); }));
  CHECK(world.answers[2]->ok());
}

TEST_CASE("resolver: it remembers no more than it may, and works on", "[resolver]") {
  ResolverOptions options;
  options.known_max = 10;
  Looking world(options);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 25; ++i) {
      const auto name = "ue-" + std::to_string(i) + ".example";
      world.names[name] = {NameServer::kNoError, {"192.0.2.1"}, 30};
      CHECK(world.one(name).ok());
    }
  }
  CHECK(world.asked("ue-0.example") == 2);
}

TEST_CASE("resolver: whoever is told may ask again", "[resolver]") {
  Looking world;
  world.names["a.example"] = world.names["b.example"] = {NameServer::kNoError, {"192.0.2.1"}, 30};
  int told = 0;
  world.resolver.look_up("a.example", [&](const Result<Addresses>&) {
    ++told;
    for (const char* name : {"a.example", "b.example"}) {
      world.resolver.look_up(name, [&](const Result<Addresses>& found) { told += found ? 1 : 0; });
    }
  });
  CHECK(world.until([&] { return told == 3; }));
}

TEST_CASE("resolver: it ends while names are looked up, and tells nobody", "[resolver]") {
  const auto token = std::make_shared<int>();
  bool told = false;
  {
    Looking world;
    world.resolver.look_up("slow.example",
                           [&told, token](const Result<Addresses>&) { told = true; });
    REQUIRE(world.until([&] { return world.asked("slow.example") > 0; }));
  }
  CHECK_FALSE(told);
  CHECK(token.use_count() == 1);
}

}  // namespace
}  // namespace mx2::http
