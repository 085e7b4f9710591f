// Statuses that may say that a λ has left, from one that has not.
#include <atomic>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {
namespace {

using client::Channel;
using std::chrono::milliseconds;

TEST_CASE("a λ's own 404 costs one question, and then nothing", "[client]") {
  const int status = GENERATE(404, 410);
  Lambda lambda("a", status);
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  auto options = options_for(orchestrator.url());
  options.poll_interval = std::chrono::minutes(1);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  // The list, the creation, and two GETs of the channel, which then pauses.
  REQUIRE(eventually([&] { return orchestrator.requests() == 4; }));
  const auto before = orchestrator.requests();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    const auto reply = context->invoke("x");
    REQUIRE(reply.ok());
    CHECK(reply->status == status);
    CHECK(reply->body == "a:x");
    CHECK(reply->attempts == 1);
  }
  CHECK(std::chrono::steady_clock::now() - begin < options.move_wait);
  CHECK(orchestrator.requests() <= before + 1);
  CHECK(lambda.calls() == 50);
}

// A context of a λ that answers 404, as it has found out, with a channel that works.
struct Answered404 {
  Answered404() {
    REQUIRE(context.ok());
    REQUIRE(is_connected());
    CHECK(context->invoke("x")->status == 404);
  }
  bool is_connected(bool wanted = true) {
    return eventually([&] { return context->statistics().connected == wanted; });
  }

  Lambda lambda{"a", 404};
  ForeignOrchestrator orchestrator{{.events = true, .reads = true}, {lambda.url()}};
  client::Client client{options_for(orchestrator.url())};
  client::Result<client::Context> context = client.open(facedetect(Channel::kEvents));
};

TEST_CASE("a λ's own 404 is asked about again after a move, and after a loss of the channel",
          "[client]") {
  Answered404 world;
  auto& [lambda, orchestrator, client, context] = world;
  Lambda other("b", 404);
  orchestrator.move_to({other.url()});
  REQUIRE(context->wait_for_move(std::chrono::seconds(20), lambda.url()));
  CHECK(context->invoke("x")->body == "b:x");
  // Nobody can be asked: the answer is passed on, at once but for the first.
  orchestrator.break_down(true);
  REQUIRE(world.is_connected(false));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK(context->invoke("x")->status == 404);
  CHECK(std::chrono::steady_clock::now() - begin < milliseconds(2000));
  // What moved meanwhile is found by the first call when somebody can be asked again.
  Lambda good("c");
  orchestrator.break_down(false);
  orchestrator.move_to({good.url()});
  REQUIRE(world.is_connected());
  CHECK(context->invoke("x")->body == "c:x");
}

TEST_CASE("a λ's own 404 is asked about again when a channel works again that was lost",
          "[client]") {
  Answered404 world;
  auto& [lambda, orchestrator, client, context] = world;
  orchestrator.break_down(true);
  REQUIRE(world.is_connected(false));
  orchestrator.break_down(false);
  REQUIRE(world.is_connected());  // it tells of no move
  const auto before = orchestrator.requests();
  CHECK(context->invoke("x")->status == 404);
  CHECK(orchestrator.requests() > before);
}

TEST_CASE("a 404 of a context that the orchestrator has lost is not the λ's own", "[client]") {
  Lambda old("old", 404);
  Lambda lambda("new");
  ForeignOrchestrator orchestrator({.reads = true}, {old.url()});
  auto options = options_for(orchestrator.url());
  options.move_wait = std::chrono::seconds(20);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  orchestrator.move_to({lambda.url()});
  orchestrator.forget();  // another one is made, which leads elsewhere
  CHECK(context->invoke("x")->body == "new:x");
}

TEST_CASE("uncoordinated access: a λ's own 404 wins, and is not asked for twice", "[client]") {
  Lambda fast("fast", 404);
  std::atomic<bool> slow{false};
  FunctionServer other([&](const http::Request&) {
    if (slow) std::this_thread::sleep_for(milliseconds(500));
    return http::Reply{404, "text/plain", "slow", {}, false};
  });
  ForeignOrchestrator orchestrator({.reads = true}, {fast.url(), other.url()});
  auto options = options_for(orchestrator.url());
  options.poll_interval = std::chrono::minutes(1);
  client::Client client(options);
  auto request = facedetect(Channel::kPolling);
  request.strategy = client::Strategy::kMultiple;
  request.persistence = 1;
  auto context = client.open(request);
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  CHECK(context->invoke("x")->status == 404);
  slow = true;
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "fast:x");
  CHECK(reply->attempts == 1);
  CHECK(reply->latency < milliseconds(500));
}

}  // namespace
}  // namespace mx2::test
