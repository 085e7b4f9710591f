// Server-sent events and long polls of one context, over HTTP.
#include <chrono>
#include <thread>

#include "tests/catch.h"
#include "tests/support/event_client.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

const std::string kCloud = "http://cloud.example/facedetect";
const std::string kNorth = "http://north.example/facedetect";
const std::string kSouth = "http://south.example/facedetect";

json::Value located(const std::string& country) {
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"][0]["appLocation"] = {{"countryCode", country}};
  return body;
}

int listeners(const TestServer& server) {
  const auto text = server.ops().get(kOperator + "/metrics").body;
  const std::string name = "\nmx2_event_listeners ";
  const auto at = text.find(name);
  REQUIRE(at != std::string::npos);
  return std::stoi(text.substr(at + name.size()));
}

bool become(const TestServer& server, int expected) {
  const auto deadline = Clock::now() + milliseconds(kPatienceMs);
  while (listeners(server) != expected) {
    if (Clock::now() > deadline) return false;
  }
  return true;
}

HeaderList polling(const std::string& tag, const std::string& prefer) {
  return {{"If-None-Match", tag}, {"Prefer", prefer}};
}

// Asks for a long poll and leaves the answer for later; the server has it when this returns.
Socket start_poll(const TestServer& server, const std::string& path, int others = 0) {
  Socket socket(server.mx2_port());
  socket.send(request_text("GET", path, "", polling("\"1\"", "wait=60")));
  REQUIRE(become(server, others + 1));
  return socket;
}

TEST_CASE("events: the present list first, then each change, then the end", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto id = create_context(client);
  const auto path = kContexts + "/" + id;
  EventClient events(server.mx2_port(), path);
  CHECK(events.head.status == 200);
  CHECK(events.head.header("Content-Type") == "text/event-stream");
  CHECK(events.head.header("Cache-Control") == "no-store");
  CHECK(events.head.header("Connection") == "close");
  CHECK_FALSE(events.head.header("Content-Length"));
  CHECK(events.head.header("X-Request-ID"));
  const auto first = events.next();
  CHECK(first.id == "1");
  CHECK(first.name == "ApplicationContextUpdateNotification");
  CHECK(first.data["contextId"] == id);
  CHECK(first.data["userAppInstanceInfo"][0]["referenceURI"] == kCloud);
  REQUIRE(client.put(path, located("NZ")).status == 204);
  const auto moved = events.next();
  CHECK(moved.id == "2");
  CHECK(moved.data["userAppInstanceInfo"][0]["referenceURI"] == kSouth);
  REQUIRE(client.put(path, located("AU")).status == 204);
  CHECK(events.next_address() == kNorth);
  REQUIRE(client.erase(path).status == 204);
  const auto ended = events.next();
  CHECK(ended.name == "ApplicationContextDeleteNotification");
  CHECK(ended.data["contextId"] == id);
  CHECK(events.socket.at_end());
  CHECK(become(server, 0));
}

TEST_CASE("events: Last-Event-ID of the present revision is told nothing again", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  EventClient knows(server.mx2_port(), path, {{"Last-Event-ID", "1"}});
  REQUIRE(client.put(path, located("NZ")).status == 204);
  CHECK(knows.next().id == "2");
  EventClient missed(server.mx2_port(), path, {{"Last-Event-ID", "1"}});
  CHECK(missed.next().id == "2");
  EventClient odd(server.mx2_port(), path, {{"Last-Event-ID", "x"}, {"Accept", "image/png"}});
  CHECK(odd.next().id == "2");
}

TEST_CASE("events: a context without an address has none to tell", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = located("FR");
  body["appAutoInstantiation"] = true;
  const auto made = client.post(kContexts, body);
  REQUIRE(made.status == 201);
  const auto path = kContexts + "/" + made.json()["contextId"].get<std::string>();
  EventClient events(server.mx2_port(), path);
  auto callback = minimal_context();
  callback["callbackReference"] = "http://ue.example/";
  REQUIRE(client.put(path, callback).status == 204);
  REQUIRE(client.put(path, located("NZ")).status == 204);
  CHECK(events.next().id == "3");
}

TEST_CASE("events: the context's owner alone", "[http][events][auth]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.auth.mode = "bearer";
    options.auth.tokens = "token-a alice\ntoken-b bob\n";
  });
  const auto as = [](const std::string& token) {
    return HeaderList{{"Authorization", "Bearer " + token}};
  };
  auto client = server.mx2();
  const auto made = client.request("POST", kContexts, json::dump(minimal_context()), as("token-a"));
  const auto path = kContexts + "/" + made.json()["contextId"].get<std::string>();
  CHECK(EventClient(server.mx2_port(), path, as("token-a")).head.status == 200);
  CHECK(EventClient(server.mx2_port(), path, as("token-b")).head.status == 403);
  CHECK(EventClient(server.mx2_port(), path).head.status == 401);
  CHECK(EventClient(server.mx2_port(), kContexts + "/nope", as("token-a")).head.status == 404);
  auto poll = polling("\"1\"", "wait=60");
  poll.emplace_back("Authorization", "Bearer token-b");
  CHECK(client.request("GET", path, "", poll).status == 403);
}

TEST_CASE("events: refusals and other methods", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client) + "/events";
  CHECK(client.get(path + "?x=1").status == 400);
  const auto post = client.post(path, json::Value::object());
  CHECK(post.status == 405);
  CHECK(post.header("Allow") == "GET");
  const auto head = client.request("HEAD", path);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Type") == "text/event-stream");
  CHECK_FALSE(head.header("Content-Length"));
  Socket socket(server.mx2_port());
  socket.send(request_text("HEAD", path));
  CHECK(socket.receive(true).status == 200);
  CHECK(socket.at_end());
  CHECK(become(server, 0));
}

TEST_CASE("events: many listen to one context, each is told", "[http][events]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.events.listeners_per_context_max = 100; });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  const auto other = kContexts + "/" + create_context(client, "ue-2");
  EventClient elsewhere(server.mx2_port(), other, {{"Last-Event-ID", "1"}});
  std::vector<std::unique_ptr<EventClient>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::make_unique<EventClient>(server.mx2_port(), path));
    CHECK(all.back()->next().id == "1");
  }
  CHECK(listeners(server) == 101);
  for (const char* country : {"NZ", "AU"})
    REQUIRE(client.put(path, located(country)).status == 204);
  for (auto& events : all) {
    CHECK(events->next_address() == kSouth);
    CHECK(events->next_address() == kNorth);
  }
  REQUIRE(client.erase(other).status == 204);
  CHECK(elsewhere.next().name == "ApplicationContextDeleteNotification");
}

TEST_CASE("events: limits of one context and in total", "[http][events]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.events.listeners_per_context_max = 2;
    options.events.listeners_max = 3;
  });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  const auto other = kContexts + "/" + create_context(client, "ue-2");
  EventClient first(server.mx2_port(), path);
  const auto second = start_poll(server, path, 1);
  const EventClient third(server.mx2_port(), path);
  CHECK(third.head.status == 429);
  CHECK(third.head.header("Retry-After") == "5");
  const EventClient elsewhere(server.mx2_port(), other);
  CHECK(elsewhere.head.status == 200);
  const auto full = client.request("GET", other, "", polling("\"1\"", "wait=60"));
  CHECK(full.status == 503);
  CHECK(full.header("Retry-After") == "5");
  CHECK(client.get(path).status == 200);
  first.socket.reset();
  REQUIRE(become(server, 2));
  CHECK(EventClient(server.mx2_port(), path).head.status == 200);
}

TEST_CASE("events: clients that leave are forgotten at once", "[http][events]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.mx2_server.connections_max = 30; });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  for (int round = 0; round < 20; ++round) {
    EventClient closes(server.mx2_port(), path);
    EventClient resets(server.mx2_port(), path);
    auto poll = start_poll(server, path, 2);
    resets.socket.reset();
    if (round % 2 == 0) {
      poll.reset();
    } else {
      closes.socket.half_close();
    }
  }
  CHECK(become(server, 0));
  CHECK(client.put(path, located("NZ")).status == 204);
  CHECK(server.still_serves());
}

// Three instances with long civic addresses: some 45 KB in each event.
json::Value bulky(int revision) {
  auto body = minimal_context();
  auto elements = json::Value::array();
  for (int i = 0; i < 60; ++i) {
    elements.push_back(
        {{"caType", 3}, {"caValue", std::to_string(revision) + std::string(240, 'x')}});
  }
  const json::Value instance{{"appLocation", {{"civicAddressElement", elements}}}};
  body["appInfo"]["userAppInstanceInfo"] = {instance, instance, instance};
  return body;
}

TEST_CASE("events: a client that never reads is cut off, the others hear all",
          "[http][events][hostile]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = minimal_context();
  body["appInfo"]["userAppInstanceInfo"] = json::Value::array({{}, {}, {}});
  for (auto& item : body["appInfo"]["userAppInstanceInfo"]) item = json::Value::object();
  const auto made = client.post(kContexts, body);
  REQUIRE(made.status == 201);
  const auto path = kContexts + "/" + made.json()["contextId"].get<std::string>();
  EventClient never_reads(server.mx2_port(), path, {{"Last-Event-ID", "1"}}, 4096);
  EventClient reads(server.mx2_port(), path, {{"Last-Event-ID", "1"}});
  int revision = 1;
  while (listeners(server) == 2 && revision < 1000) {
    REQUIRE(client.put(path, bulky(revision)).status == 204);
    CHECK(reads.next().id == std::to_string(++revision));
  }
  CHECK(listeners(server) == 1);
  CHECK(revision > 5);  // 256 KiB are kept for it
  int heard = 0;
  while (!never_reads.block().empty()) ++heard;
  CHECK(heard < revision);
  REQUIRE(client.erase(path).status == 204);
  CHECK(reads.next().name == "ApplicationContextDeleteNotification");
}

TEST_CASE("events: comments keep a quiet stream open beyond the idle timeout", "[http][events]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.events.keep_alive_ms = 100;
    options.mx2_server.idle_timeout_ms = 1000;
  });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  EventClient events(server.mx2_port(), path, {{"Last-Event-ID", "1"}});
  events.socket.send("GET /more HTTP/1.1\r\n");  // is not read
  const auto until = Clock::now() + milliseconds(4000);
  while (Clock::now() < until) REQUIRE(events.block() == ": keep-alive");
  REQUIRE(client.put(path, located("NZ")).status == 204);
  CHECK(events.next().id == "2");
}

TEST_CASE("events: stop() ends streams and answers long polls at once",
          "[http][events][shutdown]") {
  TestServer server([](OrchestratorOptions& options) {
    options.shutdown_grace_ms = 15000;
    options.events.listeners_per_context_max = 100;
  });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  std::vector<std::unique_ptr<EventClient>> streams;
  std::vector<Socket> polls;
  for (int i = 0; i < 20; ++i) {
    streams.push_back(std::make_unique<EventClient>(server.mx2_port(), path));
    CHECK(streams.back()->next().id == "1");
    polls.push_back(start_poll(server, path, 2 * i + 1));
  }
  const auto start = Clock::now();
  server.stop();
  CHECK(Clock::now() - start < milliseconds(1000));
  for (auto& stream : streams) CHECK(stream->socket.at_end());
  for (auto& poll : polls) {
    CHECK(poll.receive().status == 304);
    CHECK(poll.at_end());
  }
}

TEST_CASE("If-None-Match: 304 while a context is unchanged", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  for (const char* tag : {"\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"}) {
    CAPTURE(tag);
    const auto same = client.request("GET", path, "", {{"If-None-Match", tag}});
    CHECK(same.status == 304);
    CHECK(same.header("ETag") == "\"1\"");
    CHECK(same.body.empty());
    CHECK_FALSE(same.header("Preference-Applied"));
  }
  for (const char* tag : {"\"2\"", "1", "\"x\"", "\"\"", "\"1"}) {
    CAPTURE(tag);
    CHECK(client.request("GET", path, "", {{"If-None-Match", tag}}).status == 200);
  }
}

TEST_CASE("long poll: answered by a change, with the new document", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  auto poll = start_poll(server, path);
  REQUIRE(client.put(path, located("NZ")).status == 204);
  const auto changed = poll.receive();
  CHECK(changed.status == 200);
  CHECK(changed.header("ETag") == "\"2\"");
  CHECK(changed.header("Preference-Applied") == "wait=60");
  CHECK(changed.json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"] == kSouth);
  CHECK(poll.at_end());
  CHECK(become(server, 0));
  const auto late = client.request("GET", path, "", polling("\"1\"", "wait=60"));
  CHECK(late.status == 200);  // it has changed already
  CHECK(late.header("Preference-Applied") == "wait=60");
}

TEST_CASE("long poll: a change without an address to tell answers, too", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  auto body = located("FR");
  body["appAutoInstantiation"] = true;
  const auto made = client.post(kContexts, body).json();
  const auto path = kContexts + "/" + made["contextId"].get<std::string>();
  auto poll = start_poll(server, path);
  REQUIRE(client.put(path, minimal_context()).status == 204);
  CHECK(poll.receive().header("ETag") == "\"2\"");
}

TEST_CASE("long poll: 404 when the context ends meanwhile", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto id = create_context(client);
  auto poll = start_poll(server, kContexts + "/" + id);
  REQUIRE(server.ops().erase(kOperator + "/contexts/" + id).status == 204);
  const auto ended = poll.receive();
  CHECK(ended.status == 404);
  CHECK(ended.header("Content-Type") == "application/problem+json");
  CHECK(become(server, 0));
}

TEST_CASE("long poll: 304 when the time is over, whatever the idle timeout", "[http][events]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.mx2_server.idle_timeout_ms = 1000; });
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  const auto start = Clock::now();
  const auto over = client.request("GET", path, "", polling("\"1\"", "wait=3"));
  CHECK(Clock::now() - start >= milliseconds(2900));
  CHECK(over.status == 304);
  CHECK(over.header("ETag") == "\"1\"");
  CHECK(over.header("Preference-Applied") == "wait=3");
  CHECK(become(server, 0));
  const auto head = client.request("HEAD", path, "", polling("\"1\"", "wait=1"));
  CHECK(head.status == 304);
}

TEST_CASE("long poll: Prefer in its forms", "[http][events]") {
  const TestServer server;
  auto client = server.mx2();
  const auto path = kContexts + "/" + create_context(client);
  // The revision differs, so nothing is waited for; Preference-Applied tells what was understood.
  const auto applied = [&](const char* prefer) {
    return client.request("GET", path, "", polling("\"9\"", prefer)).header("Preference-Applied");
  };
  CHECK(applied("wait=10") == "wait=10");
  CHECK(applied("respond-async, Wait = \"7\"; x=y") == "wait=7");
  CHECK(applied("wait=999999999") == "wait=60");
  CHECK(applied("wait=3, wait=5") == "wait=3");
  for (const char* ignored : {"wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "waiting=3", "",
                              "wait=99999999999999999999999"}) {
    CAPTURE(ignored);
    CHECK_FALSE(applied(ignored));
  }
  CHECK_FALSE(client.request("GET", path, "", {{"Prefer", "wait=5"}}).header("Preference-Applied"));
  CHECK(client.request("GET", path, "", polling("\"1\"", "wait=0")).status == 304);
}

}  // namespace
}  // namespace mx2::test
