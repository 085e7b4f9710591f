// Names that are looked up beside each other, with a name server that says what the test wants.
#include "dispatcher/names.h"

#include <poll.h>

#include <optional>

#include "tests/catch.h"
#include "tests/dispatcher/support.h"
#include "tests/support/manual_clock.h"
#include "tests/support/name_server.h"

namespace mx2::dispatcher {
namespace {

using mx2::test::NameServer;

struct NamesBench {
  NamesBench() {
    server.says = [this](const std::string& name) -> std::optional<NameServer::Answer> {
      if (name.starts_with("dead")) return std::nullopt;
      return NameServer::Answer{addresses.empty() ? NameServer::kNoSuchName : NameServer::kNoError,
                                addresses};
    };
  }

  [[nodiscard]] std::optional<std::string> address(const std::string& name) const {
    const auto known = names.known();
    const auto it = known.find(name);
    return it == known.end() ? std::nullopt : std::optional(it->second);
  }
  // Both sides go on until `holds`.
  template <typename Condition>
  bool until(const Condition& holds) {
    return eventually([&] {
      names.step();
      server.step();
      pollfd readable{names.fd(), POLLIN, 0};
      ::poll(&readable, 1, names.wait_ms(1));
      return holds();
    });
  }
  // The name's address after it was looked up again: before another that is new, and so is known
  // to have been.
  std::optional<std::string> again(const std::string& name,
                                   const std::vector<std::string>& has_now) {
    addresses = has_now;
    clock.advance(Names::kAgainMs);
    const auto next = "z" + std::to_string(++others) + ".example";
    names.want({name, next});
    CHECK(until([&] { return address(next).has_value(); }));
    return address(name);
  }

  ManualClock clock{1'000'000};
  NameServer server;
  std::vector<std::string> addresses{"10.0.0.1"};
  std::uint64_t others = 0;  // each a version of its own
  Names names{clock, server.address()};
};

TEST_CASE("However many names nobody answers for, they hold up no other", "[dispatcher]") {
  NamesBench bench;
  const int dead = GENERATE(50, 1100);
  std::vector<std::string> wanted;
  for (int i = 0; i < dead; ++i) wanted.push_back("dead" + std::to_string(i) + ".example");
  wanted.emplace_back("fine.example");
  wanted.emplace_back("zfine.example");
  bench.names.want(wanted);
  CHECK(bench.until([&] { return bench.names.known().size() >= 2; }));
  CHECK(bench.address("fine.example") == "10.0.0.1");
  CHECK(bench.address("zfine.example") == "10.0.0.1");
  CHECK(bench.names.known().size() == 2);  // of the others nothing is known yet
  bench.names.want({"zfine.example", "late.example"});
  CHECK(bench.until([&] { return bench.address("late.example") == "10.0.0.1"; }));
}

TEST_CASE("A name server gets a few questions at a time", "[dispatcher]") {
  NamesBench bench;
  std::vector<std::string> wanted;
  for (int i = 0; i < 300; ++i) wanted.push_back("dead" + std::to_string(i) + ".example");
  bench.names.want(wanted);
  bench.names.step();
  bench.server.step();
  CHECK(bench.server.asked.size() <= Names::kMoreInStep);
  CHECK(bench.names.wait_ms(1000) <= 10);  // the others soon
  CHECK(bench.until([&] { return bench.server.asked.size() == 300; }));
}

TEST_CASE("A name that nobody answered for is looked up again", "[dispatcher]") {
  NamesBench bench;
  bench.names.want({"dead.example"});
  CHECK(bench.until([&] { return bench.server.asked["dead.example"] > 0; }));
  bench.clock.advance(Names::kAgainMs);  // longer than anybody is waited for
  CHECK(bench.until([&] { return bench.address("dead.example") == ""; }));
  const auto version = bench.names.version();
  bench.server.says = [](const auto&) { return NameServer::Answer{0, {"10.0.0.7"}}; };
  bench.clock.advance(Names::kAgainMs);
  CHECK(bench.until([&] { return bench.address("dead.example") == "10.0.0.7"; }));
  CHECK(bench.names.version() == version + 1);
}

TEST_CASE("A name keeps its address while it has it among others", "[dispatcher]") {
  NamesBench bench;
  const std::string name = "a.example";
  CHECK(bench.again(name, {"10.0.0.1"}) == "10.0.0.1");
  const auto version = bench.names.version() - bench.others;
  CHECK(bench.again(name, {"10.0.0.2", "10.0.0.1"}) == "10.0.0.1");
  CHECK(bench.again(name, {"10.0.0.1", "10.0.0.2"}) == "10.0.0.1");
  CHECK(bench.again(name, {}) == "10.0.0.1");
  CHECK(bench.again(name, {"0.0.0.0"}) == "10.0.0.1");
  CHECK(bench.names.version() == version + bench.others);
  CHECK(bench.again(name, {"0.0.0.0", "10.0.0.3"}) == "10.0.0.3");
  CHECK(bench.names.version() == version + bench.others + 1);
}

TEST_CASE("A name with addresses alone that cannot be called has none", "[dispatcher]") {
  NamesBench bench;
  bench.addresses = {"0.0.0.0", "::"};
  bench.names.want({"a.example"});
  CHECK(bench.until([&] { return bench.address("a.example").has_value(); }));
  CHECK(bench.address("a.example") == "");
}

TEST_CASE("Names that are not used are forgotten, and not asked for too early", "[dispatcher]") {
  NamesBench bench;
  bench.names.want({"a.example", "b.example"});
  CHECK(bench.until([&] { return bench.names.known().size() == 2; }));
  bench.names.want({"b.example"});
  CHECK(bench.address("a.example") == std::nullopt);
  bench.clock.advance(Names::kAgainMs - 1);
  bench.names.step();
  bench.server.step();
  CHECK(bench.server.asked["b.example"] == 1);
  bench.clock.advance(1);
  CHECK(bench.until([&] { return bench.server.asked["b.example"] == 2; }));
  CHECK(bench.server.asked["a.example"] == 1);
}

}  // namespace
}  // namespace mx2::dispatcher
