// How a context learns of its moves, at orchestrators that can do more or less.
#include <atomic>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {
namespace {

using client::Channel;

const std::string kA = "http://127.0.0.1:1/a";
const std::string kB = "http://127.0.0.1:1/b";
const std::string kC = "http://127.0.0.1:1/c";

std::string address_change(const std::string& context, const std::string& uri) {
  return R"({"notificationType":"AddressChangeNotification","contextId":")" + context +
         R"(","appInstanceId":"i0","referenceURI":")" + uri + "\"}";
}

bool uses(client::Context& context, Channel channel) {
  return eventually([&] {
    const auto now = context.statistics();
    return now.connected && now.channel == channel;
  });
}

TEST_CASE("polling follows a move, with and without entity tags", "[client]") {
  const bool tags = GENERATE(true, false);
  ForeignOrchestrator orchestrator({.reads = true, .tags = tags}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  CHECK(context->endpoint() == kA);
  orchestrator.move_to({kB, kC});
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(context->endpoint() == kB);
  CHECK(context->endpoints() == std::vector<std::string>{kB, kC});
  CHECK(context->statistics().moves == 1);
  CHECK(context->statistics().channel == Channel::kPolling);
}

TEST_CASE("automatic: events where there are any", "[client]") {
  ForeignOrchestrator orchestrator({.events = true, .reads = true}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kAuto));
  REQUIRE(context.ok());
  REQUIRE(uses(*context, Channel::kEvents));
  orchestrator.move_to({kB});
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(context->endpoint() == kB);
}

TEST_CASE("automatic: a callback at a server without events", "[client]") {
  const bool reads = GENERATE(true, false);
  ForeignOrchestrator orchestrator({.reads = reads}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kAuto));
  REQUIRE(context.ok());
  REQUIRE(uses(*context, Channel::kCallback));
  orchestrator.move_to({kB});
  CHECK(notify(orchestrator.callback(), address_change(context->id(), kB)) == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(context->endpoint() == kB);
}

TEST_CASE("automatic: polling where nothing else can be had", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true, .callbacks = false}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kAuto));
  REQUIRE(context.ok());
  REQUIRE(uses(*context, Channel::kPolling));
  orchestrator.move_to({kB});
  CHECK(context->wait_for_move(milliseconds(10000), kA));
}

TEST_CASE("automatic: polling where no callback server can be started", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {kA});
  auto options = options_for(orchestrator.url());
  options.callback_address = "192.0.2.1";  // not ours
  client::Client client(options);
  auto context = client.open(facedetect(Channel::kAuto));
  REQUIRE(context.ok());
  CHECK(uses(*context, Channel::kPolling));
  const auto forced = client.open(facedetect(Channel::kCallback));
  REQUIRE_FALSE(forced.ok());
  CHECK_FALSE(forced.error().message.empty());
}

TEST_CASE("a callback takes what is ours and refuses what is not", "[client]") {
  ForeignOrchestrator orchestrator({}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kCallback));
  REQUIRE(context.ok());
  const auto url = orchestrator.callback();
  REQUIRE(url.rfind("http://127.0.0.1:", 0) == 0);

  CHECK(notify(url, address_change(context->id(), kB)) == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(notify(url, R"({"referenceURI":"10.0.0.2:6473"})") == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kB));
  CHECK(context->endpoint() == "10.0.0.2:6473");
  CHECK(notify(url, R"({"notificationType":"ApplicationContextUpdateNotification","contextId":")" +
                        context->id() +
                        R"(","userAppInstanceInfo":[{"appInstanceId":"i","referenceURI":")" + kC +
                        "\"}]}") == 204);
  CHECK(context->wait_for_move(milliseconds(10000), "10.0.0.2:6473"));
  CHECK(notify(url, R"({"notificationType":"ApplicationLocationAvailabilityNotification",)"
                    R"("availableLocations":[{"appLocation":{"countryCode":"NZ"}}]})") == 204);

  CHECK(notify(url, address_change("another", kA)) == 400);
  CHECK(notify(url, "no JSON") == 400);
  CHECK(notify(url, std::string(100000, ' ')) == 413);
  CHECK(notify(url + "x", address_change(context->id(), kA)) == 404);
  CHECK(request("GET", url) == 405);
  CHECK(context->endpoint() == kC);
  CHECK(context->statistics().moves == 3);
}

TEST_CASE("a late notification does not undo a newer one", "[client]") {
  ForeignOrchestrator orchestrator({}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kCallback));
  REQUIRE(context.ok());
  const auto url = orchestrator.callback();
  CHECK(notify(url, address_change(context->id(), kC), "12") == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(notify(url, address_change(context->id(), kB), "11") == 204);
  CHECK(notify(url, address_change(context->id(), kA), "13") == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kC));
  CHECK(context->endpoint() == kA);
  CHECK(context->statistics().moves == 2);
}

TEST_CASE("a notification that overtakes the answer to the creation counts", "[client]") {
  ForeignOrchestrator orchestrator({}, {kA});
  int status = 0;
  orchestrator.ask_before_answering(
      [&](const std::string& callback) { status = notify(callback, address_change("c1", kB)); });
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kCallback));
  REQUIRE(context.ok());
  CHECK(status == 204);
  CHECK(context->wait_for_move(milliseconds(10000), kA));
  CHECK(context->endpoint() == kB);
}

TEST_CASE("where the context can be read, that decides over a wrong notification", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kCallback));
  REQUIRE(context.ok());
  CHECK(notify(orchestrator.callback(), address_change(context->id(), kB)) == 204);
  CHECK(eventually([&] { return context->statistics().moves == 2; }));
  CHECK(context->endpoint() == kA);
}

TEST_CASE("moves reach the listener", "[client]") {
  ForeignOrchestrator orchestrator({.reads = true}, {kA});
  client::Client client(options_for(orchestrator.url()));
  auto context = client.open(facedetect(Channel::kPolling));
  REQUIRE(context.ok());
  std::atomic<int> told{0};
  context->on_move([&](const client::Move& move) {
    if (move.from == kA && move.to == kB && move.endpoints.size() == 1) ++told;
  });
  orchestrator.move_to({kB});
  CHECK(eventually([&] { return told == 1; }));
}

}  // namespace
}  // namespace mx2::test
