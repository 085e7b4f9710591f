// Every public call inside every callback, and inside the destructor of one: nothing waits for
// ever, and nothing that is still needed dies.
#include "tests/mx2-client/callbacks.h"

#include <atomic>
#include <mutex>

#include "tests/catch.h"

namespace mx2::test {
namespace {

TEST_CASE("callbacks: every call inside on_move, of a move that the channel told", "[client]") {
  Peers peers;
  for (const auto& act : joined(kContextActs, kClientActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      it.open_context(milliseconds(5));
      REQUIRE(it.context);
      Once once(it, act);
      it.context->on_move([&](const client::Move&) { once(); });
      peers.move();
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: every call inside on_move, of a move that a call has found", "[client]") {
  Peers peers;
  for (const auto& act : joined(kContextActs, kClientActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      peers.move_to_nobody();
      it.open_context(std::chrono::hours(1));
      it.channel_tells = false;
      REQUIRE(it.context);
      Once once(it, act);
      REQUIRE(eventually([&] { return it.context->statistics().connected; }));
      it.context->on_move([&](const client::Move&) { once(); });
      peers.move();
      drop(it.context->invoke("x"));
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: every call while one of on_move dies", "[client]") {
  Peers peers;
  const auto ending = GENERATE(0, 1, 2);
  for (const auto& act : joined(kContextActs, kClientActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      it.open_context(milliseconds(5));
      REQUIRE(it.context);
      it.channel_tells = false;  // to one that is closed
      Once once(it, act);
      std::atomic<bool> called{false};
      it.context->on_move(
          [&called, last = std::make_shared<AtDeath>([&] { once(); })](auto&) { called = true; });
      peers.move();
      CHECK(eventually([&] { return called.load(); }));
      if (ending == 0) it.context->on_move({});
      if (ending == 1) it.context->on_move([](const client::Move&) {});
      if (ending == 2) drop(it.context->close());
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: every call inside on_change", "[client][domains]") {
  Peers peers;
  const bool by_a_call = GENERATE(false, true);
  for (const auto& act : joined(joined(kContextActs, kClientActs), kDomainsActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      peers.move();
      it.open_context(milliseconds(5));
      REQUIRE(it.context);
      Once once(it, act);
      std::atomic<bool> ready{false};
      auto options = it.domains_options();
      options.on_change = [&](const client::DomainChange& change) {
        if (!eventually([&] { return ready.load(); }) || change.to.empty() != by_a_call) return;
        once();
      };
      it.domains.emplace(options, facedetect(Channel::kPolling));
      if (by_a_call) {
        REQUIRE(it.domains->wait_for_domain(std::chrono::seconds(20)));
        peers.move_to_nobody();
      }
      ready = true;
      if (by_a_call) drop(it.domains->invoke("x"));
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: every call inside the local function", "[client][domains]") {
  Peers peers;
  for (const auto& act : joined(joined(kContextActs, kClientActs), kDomainsActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      it.open_context(milliseconds(5));
      REQUIRE(it.context);
      Once once(it, act);
      auto options = it.domains_options();
      options.domains.front().url = "http://127.0.0.1:1";
      options.local = [&](auto, auto&) -> client::Result<client::Reply> {
        once();
        return client::Reply{};
      };
      it.domains.emplace(options, facedetect(Channel::kPolling));
      CHECK(it.domains->invoke("x").ok());
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: every call while the functions of Domains die", "[client][domains]") {
  Peers peers;
  const bool local = GENERATE(false, true);
  for (const auto& act : joined(joined(kContextActs, kClientActs), kDomainsActs)) {
    INFO(act.name);
    within_time(act.name, [&] {
      Application it(peers);
      it.open_context(milliseconds(5));
      REQUIRE(it.context);
      Once once(it, act);
      {
        auto options = it.domains_options();
        auto last = std::make_shared<AtDeath>([&] { once(); });
        if (local) options.local = [last](auto, auto&) { return client::Reply{}; };
        if (!local) options.on_change = [last](const client::DomainChange&) {};
        it.domains.emplace(std::move(options), facedetect(Channel::kPolling));
      }
      it.domains->close();
      CHECK(once.wait());
      it.end();
    });
  }
  CHECK(eventually([&] { return peers.orchestrator.contexts() == 0; }));
}

TEST_CASE("callbacks: two that close each other's contexts both return", "[client]") {
  Peers peers;
  within_time("two contexts", [&] {
    Application a(peers);
    Application b(peers);
    a.open_context(milliseconds(5));
    b.open_context(milliseconds(5));
    std::atomic<int> begun{0};
    std::atomic<int> done{0};
    const auto close = [&](client::Context& other) {
      ++begun;
      static_cast<void>(eventually([&] { return begun == 2; }));
      drop(other.close());
      ++done;
    };
    a.context->on_move([&](const client::Move&) { close(*b.context); });
    b.context->on_move([&](const client::Move&) { close(*a.context); });
    peers.move();
    CHECK(eventually([&] { return done == 2; }));
    a.end();
    b.end();
  });
}

TEST_CASE("callbacks: none runs once close or on_move has returned elsewhere", "[client]") {
  Peers peers;
  const bool closes = GENERATE(true, false);
  Application it(peers);
  it.open_context(milliseconds(5));
  REQUIRE(it.context);
  std::atomic<bool> begun{false};
  std::atomic<bool> running{false};
  std::atomic<bool> release{false};
  it.context->on_move([&](const client::Move&) {
    running = true;
    if (closes) drop(it.context->close());  // the other one is the second to close, and waits, too
    begun = true;
    static_cast<void>(eventually([&] { return release.load(); }));
    running = false;
  });
  peers.move();
  REQUIRE(eventually([&] { return begun.load(); }));
  std::thread ending([&] {
    std::this_thread::sleep_for(milliseconds(20));
    release = true;
  });
  if (closes) drop(it.context->close());
  if (!closes) it.context->on_move({});
  CHECK_FALSE(running);
  ending.join();
}

TEST_CASE("callbacks: a slow one holds up neither calls nor news", "[client]") {
  Peers peers;
  Application it(peers);
  it.open_context(milliseconds(5));
  REQUIRE(it.context);
  std::atomic<bool> release{false};
  std::mutex mutex;
  std::vector<client::Move> told;
  it.context->on_move([&](const client::Move& move) {
    {
      const std::lock_guard lock(mutex);
      told.push_back(move);
    }
    static_cast<void>(eventually([&] { return release.load(); }));
  });
  std::string known = it.context->endpoint();
  for (int i = 0; i < 100; ++i) {
    peers.move();
    REQUIRE(it.context->wait_for_move(std::chrono::seconds(20), known));
    known = it.context->endpoint();
  }
  CHECK(it.context->invoke("x").ok());
  release = true;
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return told.back().to == known;
  }));
  it.context->on_move({});
  // Bounded: who lags is told of several moves as of one, and misses none.
  CHECK(told.size() < 100);
  for (std::size_t i = 1; i < told.size(); ++i) CHECK(told[i].from == told[i - 1].to);
}

TEST_CASE("callbacks: what they throw is theirs", "[client]") {
  Peers peers;
  Application it(peers);
  it.open_context(milliseconds(5));
  REQUIRE(it.context);
  std::atomic<int> told{0};
  it.context->on_move([&](const client::Move&) {
    ++told;
    throw 7;
  });
  for (int i = 1; i <= 3; ++i) {
    peers.move();
    CHECK(eventually([&] { return told == i; }));
  }
  CHECK(it.context->close().ok());
}

TEST_CASE("callbacks: one that has its own context is let go by close", "[client]") {
  Peers peers;
  Application it(peers);
  it.open_context(milliseconds(5));
  REQUIRE(it.context);
  auto shared = std::make_shared<client::Context>(std::move(*it.context));
  it.context.reset();
  const std::weak_ptr<client::Context> seen = shared;
  shared->on_move([shared](const client::Move&) { drop(shared->id()); });
  CHECK(shared->close().ok());
  shared.reset();
  CHECK(seen.expired());
}

}  // namespace
}  // namespace mx2::test
