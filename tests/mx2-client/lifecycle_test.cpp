// From the list of applications to the deletion of a context, at our orchestrator and at others.
#include <atomic>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using client::Channel;
using client::ErrorCode;

std::string url_of(const TestServer& server) {
  return "http://127.0.0.1:" + std::to_string(server.mx2_port());
}

TEST_CASE("the applications of an orchestrator", "[client]") {
  TestServer server;
  client::Client client(options_for(url_of(server) + "/"));
  const auto all = client.apps();
  REQUIRE(all.ok());
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).app_name == "facedetect");
  CHECK(all->at(0).latency_ms == 50);
  const auto some = client.apps({{"objtrack", "a,b"}, {"Example"}});
  REQUIRE(some.ok());
  REQUIRE(some->size() == 1);
  CHECK(some->at(0).app_d_id == "objtrack-1");
  CHECK(client.apps({{}, {"Nobody"}})->empty());
}

TEST_CASE("a context is made with what the list says, and deleted in the end", "[client]") {
  TestServer server;
  auto mx2 = server.mx2();
  client::Client client(options_for(url_of(server)));
  auto request = facedetect(Channel::kAuto);
  request.device_app_id = "car-1";
  std::string id;
  {
    auto context = client.open(request);
    REQUIRE(context.ok());
    id = context->id();
    CHECK(context->endpoint() == "http://north.example/facedetect");
    const auto stored = mx2.get(kContexts + "/" + id);
    REQUIRE(stored.status == 200);
    CHECK(stored.json()["associateDevAppId"] == "car-1");
    CHECK(stored.json()["appInfo"]["appProvider"] == "Example");
  }
  CHECK(mx2.get(kContexts + "/" + id).status == 404);
}

TEST_CASE("close says whether the orchestrator confirmed, once", "[client]") {
  TestServer server;
  client::Client client(options_for(url_of(server)));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  CHECK(context->close().ok());
  CHECK(context->close().ok());
  CHECK_FALSE(context->wait_for_move(milliseconds(0)));
  CHECK(context->invoke("x").error().code == ErrorCode::kClosed);
  auto other = client.open(facedetect(Channel::kPolling));
  REQUIRE(other.ok());
  server.stop();
  const auto closed = other->close();
  REQUIRE_FALSE(closed.ok());
  CHECK(closed.error().code == ErrorCode::kUnreachable);
}

TEST_CASE("location constraints arrive as they are", "[client]") {
  TestServer server;
  client::Client client(options_for(url_of(server)));
  auto request = facedetect(Channel::kPolling);
  request.location = client::Location{};
  request.location->country_code = "NZ";
  auto there = client.open(request);
  REQUIRE(there.ok());
  CHECK(there->endpoint() == "http://south.example/facedetect");
  request.location->country_code = "AU";
  request.location->area = {
      {{144.1, -37.9}, {144.2, -37.9}, {144.2, -37.8}, {144.1, -37.8}, {144.1, -37.9}}};
  auto here = client.open(request);
  REQUIRE(here.ok());
  CHECK(here->endpoint() == "http://north.example/facedetect");
  request.location->area.clear();
  request.location->country_code = "australia";
  const auto wrong = client.open(request);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == ErrorCode::kRefused);
  CHECK(wrong.error().status == 400);
  CHECK_THAT(wrong.error().message, ContainsSubstring("countryCode"));
}

TEST_CASE("a change of address at our orchestrator is followed", "[client]") {
  TestServer server;
  auto mx2 = server.mx2();
  client::Client client(options_for(url_of(server)));
  const auto channel = GENERATE(Channel::kAuto, Channel::kPolling);
  auto request = facedetect(channel);
  request.location = client::Location{};
  request.location->country_code = "AU";
  auto context = client.open(request);
  REQUIRE(context.ok());
  REQUIRE(context->endpoint() == "http://north.example/facedetect");
  auto update = minimal_context("ue");
  update["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", "NZ"}};
  REQUIRE(mx2.put(kContexts + "/" + context->id(), update).status == 204);
  const auto seen = [&] {
    static_cast<void>(context->wait_for_move(milliseconds(50)));
    return context->endpoint() == "http://south.example/facedetect";
  };
  CHECK(eventually(seen));
  CHECK(context->statistics().moves == 1);
  CHECK(context->statistics().channel ==
        (channel == Channel::kAuto ? Channel::kEvents : Channel::kPolling));
}

TEST_CASE("a context that was deleted behind our back is made again", "[client]") {
  ForeignOrchestrator orchestrator({.events = true, .reads = true}, {"http://127.0.0.1:1/a"});
  const auto channel = GENERATE(Channel::kAuto, Channel::kPolling);
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(channel));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  const auto id = context->id();
  orchestrator.forget();
  CHECK(eventually([&] { return context->statistics().recreations == 1; }));
  CHECK(context->id() != id);
  CHECK(orchestrator.contexts() == 1);
  CHECK(context->statistics().moves == 0);
  REQUIRE(context->close().ok());
  CHECK(orchestrator.contexts() == 0);
}

TEST_CASE("our orchestrator deletes a context, and the client has another one", "[client]") {
  TestServer server;
  auto mx2 = server.mx2();
  const auto channel = GENERATE(Channel::kAuto, Channel::kPolling);
  client::Client client(options_for(url_of(server)));
  auto context = client.open(facedetect(channel));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  const auto id = context->id();
  REQUIRE(mx2.erase(kContexts + "/" + id).status == 204);
  CHECK(eventually([&] { return context->statistics().recreations == 1; }));
  CHECK(mx2.get(kContexts + "/" + context->id()).status == 200);
  CHECK(mx2.get(kContexts + "/" + id).status == 404);
}

TEST_CASE("a notification of deletion makes the context again, with another callback", "[client]") {
  ForeignOrchestrator orchestrator({}, {"http://127.0.0.1:1/a"});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kCallback));
  REQUIRE(context.ok());
  const auto url = orchestrator.callback();
  const auto id = context->id();
  orchestrator.move_to({"http://127.0.0.1:1/b"});
  CHECK(notify(url, R"({"notificationType":"ApplicationContextDeleteNotification","contextId":")" +
                        id + "\"}") == 204);
  CHECK(eventually([&] { return context->statistics().recreations == 1; }));
  CHECK(context->endpoint() == "http://127.0.0.1:1/b");
  CHECK(context->statistics().moves == 1);
  CHECK(orchestrator.callback() != url);
  CHECK(notify(url, R"({"referenceURI":"10.0.0.2:6473"})") == 404);
  CHECK(notify(orchestrator.callback(), R"({"referenceURI":"10.0.0.2:6473"})") == 204);
}

TEST_CASE("an orchestrator in trouble does not unsettle what is known", "[client]") {
  const auto channel = GENERATE(Channel::kAuto, Channel::kPolling);
  ForeignOrchestrator orchestrator({.events = true, .reads = true}, {"http://127.0.0.1:1/a"});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(channel));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  orchestrator.break_down(true);
  CHECK(eventually([&] {
    const auto now = context->statistics();
    return !now.connected && now.last_error.find("500") != std::string::npos;
  }));
  CHECK(context->endpoint() == "http://127.0.0.1:1/a");
  orchestrator.break_down(false);
  CHECK(eventually([&] { return context->statistics().connected; }));
  CHECK(context->statistics().recreations == 0);
}

TEST_CASE("an orchestrator that cannot make the context again is asked until it can", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {"http://127.0.0.1:1/a"});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  orchestrator.forget();
  orchestrator.refuse_contexts(true);
  CHECK(eventually([&] {
    return context->statistics().last_error.find("cannot be made again") != std::string::npos;
  }));
  CHECK(context->endpoint() == "http://127.0.0.1:1/a");
  orchestrator.refuse_contexts(false);
  CHECK(eventually([&] { return context->statistics().recreations == 1; }));
}

TEST_CASE("closing does not wait for a long poll or a stream", "[client]") {
  const auto channel = GENERATE(Channel::kAuto, Channel::kPolling, Channel::kCallback);
  TestServer server;
  auto options = options_for(url_of(server));
  options.poll_interval = std::chrono::minutes(1);
  client::Client client(options);
  auto context = client.open(facedetect(channel));
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(context->close().ok());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
}

TEST_CASE("a listener may close its context", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {"http://127.0.0.1:1/a"});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  std::atomic<bool> closed{false};
  context->on_move([&](const client::Move&) {
    static_cast<void>(context->close());
    closed = true;
  });
  orchestrator.move_to({"http://127.0.0.1:1/b"});
  CHECK(eventually([&] { return closed.load(); }));
  CHECK(orchestrator.contexts() == 0);
}

TEST_CASE("a context outlives its client", "[client]") {
  Lambda lambda("a");
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  std::optional<client::Context> kept;
  {
    client::Client client(options_for(orchestrator.url()));
    auto context = client.open(facedetect(Channel::kCallback));
    REQUIRE(context.ok());
    kept = std::move(*context);
  }
  CHECK(kept->invoke("x")->body == "a:x");
  kept.reset();
  CHECK(orchestrator.contexts() == 0);
}

TEST_CASE("what cannot be asked is told without asking", "[client]") {
  client::Client wrong_url({.url = "localhost:8080"});
  CHECK(wrong_url.apps().error().code == ErrorCode::kInvalidArgument);
  client::Client wrong_token({.url = "http://127.0.0.1:1", .bearer_token = "a\nb"});
  CHECK(wrong_token.apps().error().code == ErrorCode::kInvalidArgument);
  client::Client nobody({.url = "http://127.0.0.1:1"});
  CHECK(nobody.apps().error().code == ErrorCode::kUnreachable);
  CHECK(nobody.open({}).error().code == ErrorCode::kInvalidArgument);
  auto request = facedetect(Channel::kAuto);
  request.endpoints = 17;
  CHECK(nobody.open(request).error().code == ErrorCode::kInvalidArgument);
  request.endpoints = 1;
  request.persistence = 2;
  CHECK(nobody.open(request).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("an application that is not on offer", "[client]") {
  TestServer server;
  client::Client client(options_for(url_of(server)));
  client::ContextRequest request;
  request.app_name = "facedetekt";
  const auto context = client.open(request);
  REQUIRE_FALSE(context.ok());
  CHECK(context.error().code == ErrorCode::kRefused);
  CHECK_THAT(context.error().message, ContainsSubstring("facedetekt"));
}

}  // namespace
}  // namespace mx2::test
