// What the follower tells, and when, while names are resolved.
#include "dispatcher/follower.h"

#include "tests/catch.h"

namespace mx2::dispatcher {
namespace {

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
  FollowerBench() : follower(peer, {}, clock, std::ref(resolve), [this] { ++told; }) {}

  Peer peer;
  ManualClock clock{1'000'000};
  Resolve resolve = [](const std::string&) { return std::vector<std::string>(); };
  int told = 0;
  Follower follower;
};

TEST_CASE("What is known is told before a resolver is waited for", "[dispatcher]") {
  FollowerBench bench;
  int asked = 0;
  bench.resolve = [&](const std::string&) {  // it does not answer
    ++asked;
    REQUIRE(bench.follower.world());
    bench.clock.advance(10'000);
    return std::vector<std::string>();
  };
  REQUIRE(bench.follower.step());
  CHECK(asked == 1);  // then it looks for news
  CHECK(bench.follower.world()->hosts.size() == 2);
  bench.peer.next_changes =
      R"({"kind":"host","position":6,)" + Peer::members("b", "draining") + "}";
  bench.resolve = [&](const std::string&) {
    CHECK(bench.follower.world()->hosts.at("b").state == HostState::kDraining);
    return std::vector<std::string>{"10.0.0.1"};
  };
  REQUIRE(bench.follower.step());
  CHECK(bench.follower.world()->addresses.at("b.example") == "10.0.0.1");
  CHECK(bench.told == 3);
}

TEST_CASE("Nobody asks a resolver when told to stop", "[dispatcher]") {
  FollowerBench bench;
  int asked = 0;
  bench.resolve = [&](const std::string&) {
    ++asked;
    bench.follower.stop();
    return std::vector<std::string>();
  };
  REQUIRE(bench.follower.step());
  CHECK(asked == 1);
}

TEST_CASE("A name keeps its address while it has it among others", "[dispatcher]") {
  FollowerBench bench;
  std::vector<std::string> addresses{"10.0.0.1", "10.0.0.2"};
  bench.resolve = [&](const std::string&) { return addresses; };
  REQUIRE(bench.follower.step());
  const auto address = [&] { return bench.follower.world()->addresses.at("a.example"); };
  CHECK(address() == "10.0.0.1");
  const auto told = bench.told;
  addresses = {"10.0.0.2", "10.0.0.1"};
  bench.clock.advance(30'000);
  REQUIRE(bench.follower.step());
  CHECK(address() == "10.0.0.1");
  addresses = {};
  bench.clock.advance(30'000);
  REQUIRE(bench.follower.step());
  CHECK(address() == "10.0.0.1");
  CHECK(bench.told == told);
  addresses = {"10.0.0.2", "10.0.0.3"};
  bench.clock.advance(30'000);
  REQUIRE(bench.follower.step());
  CHECK(address() == "10.0.0.2");
  CHECK(bench.told == told + 1);
}

}  // namespace
}  // namespace mx2::dispatcher
