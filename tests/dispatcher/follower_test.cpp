// What the follower tells, and when, while names are looked up.
#include "dispatcher/follower.h"

#include <future>

#include "tests/catch.h"
#include "tests/dispatcher/support.h"

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
  FollowerBench()
      : follower(
            peer, {}, clock, [r = resolver](const auto& name) { return (*r)(name); },
            [this] { ++told; }) {}

  Peer peer;
  ManualClock clock{1'000'000};
  const std::shared_ptr<Resolve> resolver = std::make_shared<Resolve>();  // outlives look-ups
  std::atomic<int> told{0};
  Follower follower;
};

std::optional<std::string> address(const Follower& follower, const std::string& name) {
  const auto world = follower.world();
  const auto it = world->addresses.find(name);
  return it == world->addresses.end() ? std::nullopt : std::optional(it->second);
}

TEST_CASE("News do not wait for a resolver, nor one name for another", "[dispatcher]") {
  std::promise<void> release;
  const auto released = release.get_future().share();
  {
    FollowerBench bench;
    *bench.resolver = [released](const std::string& name) {
      if (name == "a.example") released.wait();  // nobody answers for it
      return std::vector<std::string>{"10.0.0.1"};
    };
    REQUIRE(bench.follower.step());
    CHECK(bench.follower.world()->hosts.size() == 2);
    bench.peer.next_changes =
        R"({"kind":"host","position":6,)" + Peer::members("b", "draining") + "}";
    REQUIRE(bench.follower.step());
    CHECK(bench.follower.world()->hosts.at("b").state == HostState::kDraining);
    CHECK(eventually([&] { return address(bench.follower, "b.example") == "10.0.0.1"; }));
    CHECK(address(bench.follower, "a.example") == std::nullopt);
    CHECK(bench.told == 3);
    bench.follower.stop();
  }  // who is gone is told nothing
  release.set_value();
}

TEST_CASE("Nobody asks a resolver when told to stop", "[dispatcher]") {
  FollowerBench bench;
  std::atomic<int> asked{0};
  *bench.resolver = [&](const std::string&) {
    ++asked;
    return std::vector<std::string>();
  };
  bench.follower.stop();
  REQUIRE(bench.follower.step());
  CHECK(asked == 0);
}

}  // namespace
}  // namespace mx2::dispatcher
