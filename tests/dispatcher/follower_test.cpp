// What the follower tells, and when, while names are looked up.
#include "dispatcher/follower.h"

#include <optional>

#include "tests/catch.h"
#include "tests/dispatcher/support.h"
#include "tests/support/manual_clock.h"
#include "tests/support/name_server.h"

namespace mx2::dispatcher {
namespace {

using mx2::test::NameServer;

// An orchestrator with hosts "a" and "b", each with an instance at a name.
class Peer final : public http::Client {
 public:
  Result<http::Reply> send(const std::string&, const std::string& url, const http::Headers&,
                           const std::string&) override {
    const auto is = [&](const char* what) { return url.find(what) != std::string::npos; };
    if (is("/snapshot")) return http::json_reply(200, R"({"position":5,"tableVersion":3})");
    if (is("/apps")) return http::json_reply(200, R"({"items":[]})");
    if (is("/hosts")) {
      return http::json_reply(200, R"({"items":[{)" + members("a") + "},{" + members("b") + "}]}");
    }
    const auto changes = next_changes;
    next_changes.clear();
    return http::json_reply(200, R"({"position":5,"changes":[)" + changes + "]}");
  }
  static std::string members(const std::string& id, const std::string& state = "up") {
    return R"("id":")" + id + R"(","state":")" + state +
           R"(","instances":[{"appDId":"echo","referenceURI":"http://)" + id + R"(.example:1"}])";
  }
  std::string next_changes;
};

struct FollowerBench {
  FollowerBench() : follower(peer, {}, names, [this] { ++told; }) {
    server.says = [](const std::string& name) -> std::optional<NameServer::Answer> {
      if (name == "a.example") return std::nullopt;  // nobody answers for it
      return NameServer::Answer{NameServer::kNoError, {"10.0.0.1"}};
    };
  }

  Peer peer;
  ManualClock clock{1'000'000};
  NameServer server;
  Names names{clock, server.address()};
  int told = 0;
  Follower follower;
};

std::optional<std::string> address(const Follower& follower, const std::string& name) {
  const auto world = follower.world();
  const auto it = world->addresses.find(name);
  return it == world->addresses.end() ? std::nullopt : std::optional(it->second);
}

TEST_CASE("News do not wait for a resolver, nor one name for another", "[dispatcher]") {
  FollowerBench bench;
  REQUIRE(bench.follower.step());
  CHECK(bench.follower.world()->hosts.size() == 2);
  bench.peer.next_changes =
      R"({"kind":"host","position":6,)" + Peer::members("b", "draining") + "}";
  REQUIRE(bench.follower.step());
  CHECK(bench.follower.world()->hosts.at("b").state == HostState::kDraining);
  CHECK(bench.told == 2);
  CHECK(address(bench.follower, "b.example") == std::nullopt);
  CHECK(eventually([&] {
    bench.names.step();
    bench.server.step();
    return address(bench.follower, "b.example") == "10.0.0.1";
  }));
  CHECK(address(bench.follower, "a.example") == std::nullopt);
  CHECK(bench.follower.world()->hosts.at("b").state == HostState::kDraining);
}

}  // namespace
}  // namespace mx2::dispatcher
