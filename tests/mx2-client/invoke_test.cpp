// Calls that follow their λ.
#include <atomic>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {
namespace {

using client::Channel;
using client::ErrorCode;

const std::string kNobody = "http://127.0.0.1:1/";  // nothing listens there

TEST_CASE("a call reaches the endpoint and says who answered", "[client]") {
  Lambda lambda("a");
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url() + "/detect"});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("picture", "image/jpeg");
  REQUIRE(reply.ok());
  CHECK(reply->status == 200);
  CHECK(reply->body == "a:picture");
  CHECK(reply->content_type == "text/plain");
  CHECK(reply->endpoint == lambda.url() + "/detect");
  CHECK(reply->attempts == 1);
  CHECK(reply->latency.count() > 0);
  CHECK(context->statistics().calls == 1);
}

TEST_CASE("an endpoint without a scheme is called by HTTP", "[client]") {
  Lambda lambda("a");
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url().substr(7)});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "a:x");
}

TEST_CASE("a call to an endpoint that died ends at the new one", "[client]") {
  Lambda lambda("b");
  ForeignOrchestrator orchestrator({.reads = true, .callbacks = false}, {kNobody});
  auto options = options_for(orchestrator.url());
  options.poll_interval = std::chrono::minutes(1);  // only the call itself can find out
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  orchestrator.move_to({lambda.url()});
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "b:x");
  CHECK(reply->attempts == 2);
  CHECK(context->statistics().retries == 1);
  CHECK(context->statistics().moves == 1);
}

TEST_CASE("statuses of a λ that has left make the call look again", "[client]") {
  const int status = GENERATE(404, 410, 502, 503);
  Lambda old("old", status);
  Lambda lambda("new");
  ForeignOrchestrator orchestrator({.reads = true}, {old.url()});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  orchestrator.move_to({lambda.url()});
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "new:x");
}

TEST_CASE("times without end are as long as times can be", "[client]") {
  Lambda lambda("a", 503);
  ForeignOrchestrator orchestrator({.events = true, .reads = true}, {lambda.url()});
  auto options = options_for(orchestrator.url());
  for (auto* time : {&options.timeout, &options.connect_timeout, &options.invoke_timeout,
                     &options.move_wait, &options.poll_interval}) {
    *time = milliseconds::max();
  }
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kEvents));
  REQUIRE(context.ok());
  std::thread moving([&] {
    std::this_thread::sleep_for(milliseconds(20));
    orchestrator.move_to({lambda.url() + "/other"});
  });
  CHECK(context->wait_for_move(milliseconds::max(), lambda.url()));
  moving.join();
  std::thread closing([&] {
    static_cast<void>(eventually([&] { return lambda.calls() > 0; }));
    std::this_thread::sleep_for(milliseconds(50));
    static_cast<void>(context->close());
  });
  CHECK(context->invoke("x")->status == 503);  // after it has waited for the closing
  CHECK_FALSE(context->wait_for_move(milliseconds::max()));
  closing.join();
  CHECK(orchestrator.contexts() == 0);
}

TEST_CASE("without another endpoint the answer is passed on, and is not asked for twice",
          "[client]") {
  Lambda lambda("a", 503);
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  auto options = options_for(orchestrator.url());
  options.move_wait = milliseconds(50);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->status == 503);
  CHECK(reply->attempts == 1);
  CHECK(lambda.calls() == 1);
}

TEST_CASE("a refused connection is tried again at the same place", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {kNobody});
  auto options = options_for(orchestrator.url());
  options.move_wait = milliseconds(50);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x");
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == ErrorCode::kUnreachable);
  CHECK(context->statistics().retries == 1);
}

TEST_CASE("a λ that may have seen the request is not asked again", "[client]") {
  FunctionServer lambda([](const http::Request&) {
    std::this_thread::sleep_for(milliseconds(300));
    return http::Reply{200, "text/plain", "late", {}, false};
  });
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  auto options = options_for(orchestrator.url());
  options.move_wait = milliseconds(50);
  options.invoke_timeout = milliseconds(50);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x");
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == ErrorCode::kTimeout);
  CHECK(lambda.calls() == 1);
}

TEST_CASE("a content type that cannot be sent is told at once", "[client]") {
  Lambda lambda("a");
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x", std::string("text/plain\0", 11));
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == ErrorCode::kInvalidArgument);
  CHECK(context->statistics().calls == 0);
}

TEST_CASE("a call that waits for a move ends when its context is closed", "[client]") {
  Lambda lambda("a", 503);
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  auto options = options_for(orchestrator.url());
  options.move_wait = std::chrono::seconds(60);
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  std::thread closing([&] {
    static_cast<void>(eventually([&] { return lambda.calls() > 0; }));
    static_cast<void>(context->close());
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = context->invoke("x");
  closing.join();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  REQUIRE(reply.ok());
  CHECK(reply->status == 503);
}

TEST_CASE("other statuses are answers", "[client]") {
  Lambda lambda("a", 500);
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->status == 500);
  CHECK(lambda.calls() == 1);
}

TEST_CASE("a call waits for an application that runs nowhere yet", "[client]") {
  Lambda lambda("a");
  ForeignOrchestrator orchestrator({.reads = true}, {});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE_FALSE(context.ok());  // an answer needs at least one item
  CHECK(context.error().code == ErrorCode::kProtocol);

  ForeignOrchestrator starting({.reads = true}, {""});
  auto options = options_for(starting.url());
  options.move_wait = milliseconds(100);
  client::Client other(options);
  auto waiting = other.open(facedetect(Channel::kPolling));
  REQUIRE(waiting.ok());
  CHECK(waiting->endpoint().empty());
  const auto none = waiting->invoke("x");
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == ErrorCode::kNoEndpoint);
  starting.move_to({lambda.url()});
  const auto reply = waiting->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "a:x");
}

TEST_CASE("many threads call while the λ moves to and fro, and no call fails", "[client]") {
  Lambda first("1");
  Lambda second("2");
  const std::vector<std::string> places{first.url(), second.url()};
  ForeignOrchestrator orchestrator({.events = true, .reads = true}, {places[0]});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kAuto));
  REQUIRE(context.ok());
  std::atomic<int> failures{0};
  std::atomic<int> calls{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const auto reply = context->invoke("x");
        if (!reply.ok() || reply->body.substr(1) != ":x") ++failures;
        ++calls;
      }
    });
  }
  for (std::size_t k = 1; calls < 700; ++k) {
    orchestrator.move_to({places[k % 2]});
    std::this_thread::sleep_for(milliseconds(5));
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(calls == 800);
}

TEST_CASE("uncoordinated access: the fastest answers and becomes primary", "[client]") {
  FunctionServer slow([](const http::Request&) {
    std::this_thread::sleep_for(milliseconds(500));
    return http::Reply{200, "text/plain", "slow", {}, false};
  });
  Lambda fast("fast");
  ForeignOrchestrator orchestrator({.reads = true}, {slow.url(), fast.url()});
  client::Client client(options_for(orchestrator.url()));
  auto request = facedetect(Channel::kPolling);
  request.strategy = client::Strategy::kMultiple;
  request.persistence = 1;
  request.endpoints = 2;
  auto context = client.open(request);
  REQUIRE(context.ok());
  CHECK(context->endpoint() == slow.url());
  const auto reply = context->invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->body == "fast:x");
  CHECK(reply->latency < milliseconds(500));
  CHECK(context->endpoint() == fast.url());
  CHECK(context->statistics().moves == 0);
}

TEST_CASE("uncoordinated access: one that fails does not win, and persistence 0 asks one",
          "[client]") {
  Lambda broken("broken", 503);
  Lambda good("good");
  ForeignOrchestrator orchestrator({.reads = true}, {broken.url(), good.url()});
  client::Client client(options_for(orchestrator.url()));
  auto request = facedetect(Channel::kPolling);
  request.strategy = client::Strategy::kMultiple;
  request.persistence = 1;
  auto context = client.open(request);
  REQUIRE(context.ok());
  for (int i = 0; i < 5; ++i) CHECK(context->invoke("x")->body == "good:x");
  CHECK(context->endpoint() == good.url());

  request.persistence = 0;
  auto alone = client.open(request);
  REQUIRE(alone.ok());
  const auto before = good.calls();
  const auto reply = alone->invoke("x");  // the primary is broken: the next one, at once
  REQUIRE(reply.ok());
  CHECK(reply->body == "good:x");
  CHECK(reply->attempts == 2);
  CHECK(good.calls() == before + 1);
}

}  // namespace
}  // namespace mx2::test
