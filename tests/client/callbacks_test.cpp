// Every public call inside every callback, and inside the destructor of one: nothing waits for
// ever, and nothing that is still needed dies.
#include <cstdlib>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>

#include "mx2-client/include/mx2/domains.h"
#include "tests/catch.h"
#include "tests/client/support.h"

namespace mx2::test {
namespace {

using client::Channel;
using client::ContextRequest;

// A deadlock cannot be left behind: it ends the program, after saying where.
void within_time(const std::string& what, const std::function<void()>& scenario) {
  auto running = std::async(std::launch::async, scenario);
  if (running.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    std::cerr << "waits for ever: " << what << std::endl;
    std::abort();
  }
  running.get();
}

// A λ at two places, and one orchestrator for both.
struct Peers {
  Lambda first{"1"};
  Lambda second{"2"};
  ForeignOrchestrator orchestrator{{.events = true, .reads = true}, {first.url()}};
  std::atomic<std::size_t> moves{0};

  // Each time to a place that is new.
  void move() {
    const auto n = ++moves;
    orchestrator.move_to({(n % 2 == 0 ? first : second).url() + "/" + std::to_string(n)});
  }
  void move_to_nobody() { orchestrator.move_to({"http://127.0.0.1:1/" + std::to_string(++moves)}); }
};

// Who calls. Callbacks have it all in hand, as an application has.
struct Application {
  explicit Application(Peers& given) : peers(given) {}

  static client::ClientOptions options(const std::string& url) {
    auto out = options_for(url);
    out.move_wait = milliseconds(100);
    out.connect_timeout = milliseconds(500);
    return out;
  }
  void open_context(milliseconds poll_interval) {
    auto one = options(peers.orchestrator.url());
    one.poll_interval = poll_interval;
    client.emplace(one);
    auto opened = client->open(facedetect(Channel::kPolling));
    if (opened) context.emplace(std::move(*opened));
  }
  client::DomainsOptions domains_options() const {
    client::DomainsOptions out;
    out.domains = {options(peers.orchestrator.url())};
    out.look_interval = milliseconds(10);
    return out;
  }

  // What callbacks use may go after this.
  void end() {
    domains.reset();
    context.reset();
  }

  Peers& peers;
  bool channel_tells = true;  // of moves, soon
  std::optional<client::Client> client;
  std::optional<client::Context> context;
  std::optional<client::Domains> domains;
};

struct Act {
  const char* name;
  void (*run)(Application&);
};

template <typename T>
void drop(const T& /*result*/) {}

// The calls of a Context; `it` has one.
const std::vector<Act> kContextActs{
    {"id, endpoint, endpoints, statistics",
     [](Application& it) {
       drop(it.context->id());
       drop(it.context->endpoint());
       drop(it.context->endpoints());
       drop(it.context->statistics());
     }},
    {"wait_for_move, and it comes",
     [](Application& it) {
       const auto known = it.context->endpoint();
       it.peers.move();
       it.peers.move_to_nobody();
       const bool came = it.context->wait_for_move(
           it.channel_tells ? std::chrono::seconds(20) : milliseconds(20), known);
       if (it.channel_tells && !came) std::abort();
       drop(it.context->wait_for_move(milliseconds(1)));
     }},
    {"invoke",
     [](Application& it) {
       it.peers.move();
       drop(it.context->invoke("x"));
     }},
    {"an invoke that fails",
     [](Application& it) {
       it.peers.move_to_nobody();
       drop(it.context->invoke("x"));
     }},
    {"on_move", [](Application& it) { it.context->on_move([](const client::Move&) {}); }},
    {"on_move of nothing", [](Application& it) { it.context->on_move({}); }},
    {"close", [](Application& it) { drop(it.context->close()); }},
    {"close, and close again",
     [](Application& it) {
       drop(it.context->close());
       drop(it.context->close());
       drop(it.context->invoke("x"));
     }},
    {"moving the context",
     [](Application& it) {
       auto other = std::move(*it.context);
       *it.context = std::move(other);
       drop(it.context->id());
     }},
    {"assigning another context",
     [](Application& it) {
       auto other = it.client->open(facedetect(Channel::kAuto));
       if (other) *it.context = std::move(*other);
     }},
    {"destroying the context", [](Application& it) { it.context.reset(); }},
    {"destroying the client, then the context",
     [](Application& it) {
       it.client.reset();
       it.context.reset();
     }},
    {"destroying the context, then the client",
     [](Application& it) {
       it.context.reset();
       it.client.reset();
     }},
};

// Those of a Client; a callback may have one of its own.
const std::vector<Act> kClientActs{
    {"apps", [](Application& it) { drop(it.client->apps()); }},
    {"a second context, with a callback of its own",
     [](Application& it) {
       auto second = it.client->open(facedetect(Channel::kCallback));
       if (!second) return;
       second->on_move([](const client::Move&) {});
       drop(second->invoke("x"));
     }},
    {"another client",
     [](Application& it) {
       client::Client other(Application::options(it.peers.orchestrator.url()));
       auto opened = other.open(facedetect(Channel::kPolling));
       client::Client moved(std::move(other));
       other = std::move(moved);
       drop(other.apps());
     }},
    {"moving and destroying the client",
     [](Application& it) {
       auto other = std::move(*it.client);
       *it.client = std::move(other);
       it.client.reset();
     }},
    {"name_of", [](Application& /*it*/) { drop(client::name_of(Channel::kAuto)); }},
};

const std::vector<Act> kDomainsActs{
    {"current, status, wait_for_domain",
     [](Application& it) {
       drop(it.domains->current());
       drop(it.domains->status());
       drop(it.domains->wait_for_domain(milliseconds(1)));
     }},
    {"other domains",
     [](Application& it) {
       it.peers.move();  // to somebody
       client::Domains other(it.domains_options(), facedetect(Channel::kPolling));
       drop(other.wait_for_domain(std::chrono::seconds(20)));
       drop(other.invoke("x"));
     }},
    {"close",
     [](Application& it) {
       it.domains->close();
       it.domains->close();
       drop(it.domains->invoke("x"));
     }},
    {"moving the domains",
     [](Application& it) {
       auto other = std::move(*it.domains);
       *it.domains = std::move(other);
       drop(it.domains->status());
     }},
    {"assigning other domains",
     [](Application& it) {
       *it.domains = client::Domains(it.domains_options(), facedetect(Channel::kPolling));
     }},
    {"destroying the domains", [](Application& it) { it.domains.reset(); }},
};

std::vector<Act> joined(std::vector<Act> all, const std::vector<Act>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Runs `act` when the last copy of the callable that has it dies.
struct AtDeath {
  explicit AtDeath(std::function<void()> given) : act(std::move(given)) {}
  AtDeath(const AtDeath&) = delete;
  AtDeath& operator=(const AtDeath&) = delete;
  ~AtDeath() { act(); }
  std::function<void()> act;
};

// Runs an act once, and says when it has ended.
class Once {
 public:
  Once(Application& it, const Act& act) : it_(it), act_(act) {}
  void operator()() {
    if (begun_.exchange(true)) return;
    act_.run(it_);
    done_ = true;
  }
  [[nodiscard]] bool wait() const {
    return eventually([this] { return done_.load(); });
  }

 private:
  Application& it_;
  const Act& act_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> done_{false};
};

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
