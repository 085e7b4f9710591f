// Destinations that do not do what they should, beside good ones; and those that nobody may reach.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/notified.h"

namespace mx2::test {
namespace {

// Contexts at a bad destination and at the receiver, all moved by one row: the good ones hear of it
// and nothing else matters to them.
struct Beside {
  explicit Beside(const std::string& bad_url, const TestServer::Adjust& adjust = {})
      : world(adjust) {
    for (int i = 0; i < 20; ++i) {
      const auto n = std::to_string(i);
      bad.push_back(world.create("bad-" + n, bad_url));
      world.create("good-" + n, world.receiver.url("/" + n));
    }
    world.patch(Notified::row("*", "host:south"));
  }
  void check_good_ones() {
    CHECK(world.receiver.hears(20));
    CHECK(world.receiver.heard().size() == 20);
    CHECK(world.server.still_serves());
    for (const auto& id : bad) CHECK(world.client.get(kContexts + "/" + id).status == 200);
  }

  Notified world;
  std::vector<std::string> bad;
};

TEST_CASE("bad destination: never answers", "[http][notification]") {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  Beside beside(silent.url("/"));
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["failingDestinations"] == 1; }));
  CHECK(beside.world.outbox()["dead"] == 0);
}

TEST_CASE("bad destination: accepts and closes", "[http][notification]") {
  BadReceiver closes(BadReceiver::Manner::kCloses);
  Beside beside(closes.url("/"));
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["failingDestinations"] == 1; }));
  CHECK(eventually([&] { return beside.world.outbox()["pending"] == 20; }));
}

TEST_CASE("bad destination: headers for ever", "[http][notification]") {
  BadReceiver headers(BadReceiver::Manner::kHeaders);
  Beside beside(headers.url("/"));
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["failingDestinations"] == 1; }));
  REQUIRE(eventually([&] { return !beside.world.outbox().value("lastError", "").empty(); }));
  CHECK_THAT(beside.world.outbox()["lastError"].get<std::string>(),
             ContainsSubstring("larger than"));
}

TEST_CASE("bad destination: 500", "[http][notification]") {
  Receiver broken([](const Heard&, std::size_t) { return http::json_reply(500, "{}"); });
  Beside beside(broken.url("/"));
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["failingDestinations"] == 1; }));
  CHECK(eventually([&] { return beside.world.outbox()["pending"] == 20; }));
}

TEST_CASE("bad destination: 404", "[http][notification]") {
  Receiver unknown([](const Heard&, std::size_t) { return http::json_reply(404, "{}"); });
  Beside beside(unknown.url("/"), [](OrchestratorOptions& options) {
    options.notifier.relay.retry.young_context_ms = 0;
  });
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["dead"] == 20; }));
  CHECK(beside.world.dead()["lastError"] == "answered 404");
  CHECK(unknown.heard().size() == 20);
}

TEST_CASE("bad destination: redirects to loopback", "[http][notification][ssrf]") {
  Receiver target;
  Receiver redirects([&](const Heard&, std::size_t) {
    return http::Reply{302, "", "", {{"Location", target.url("/internal")}}, false};
  });
  Beside beside(redirects.url("/"));
  beside.check_good_ones();
  REQUIRE(eventually([&] { return beside.world.outbox()["dead"] == 20; }));
  CHECK_THAT(beside.world.dead()["lastError"].get<std::string>(),
             ContainsSubstring("redirects are not followed"));
  CHECK(target.heard().empty());
}

TEST_CASE("bad destination: 200 with a large body is delivered", "[http][notification]") {
  const std::string large(4U << 20U, 'x');
  Receiver talkative([&](const Heard&, std::size_t) {
    return http::Reply{200, "text/html", large, {}, false};
  });
  // The receiver writes 20 of them, which takes it seconds under ThreadSanitizer.
  Beside beside(talkative.url("/"),
                [](OrchestratorOptions& options) { options.notifier.timeout_ms = 20000; });
  beside.check_good_ones();
  CHECK(beside.world.nothing_owed());
  CHECK(beside.world.outbox()["dead"] == 0);
}

TEST_CASE("bad destination: recovers, and hears the last word", "[http][notification]") {
  std::atomic<bool> works{false};
  Receiver flaky([&](const Heard&, std::size_t) {
    return works ? http::no_content() : http::json_reply(503, "{}");
  });
  Notified world;
  for (int i = 0; i < 30; ++i) {
    const auto n = std::to_string(i);
    world.create("ue-" + n, flaky.url("/" + n));
  }
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(eventually([&] { return world.outbox()["failingDestinations"] == 1; }));
  world.patch(Notified::row("*", "host:north"));
  const auto before = flaky.heard().size();
  works = true;
  REQUIRE(eventually([&] {
    world.server.advance(100);
    return world.outbox()["pending"] == 0;
  }));
  std::map<std::string, std::string> last;
  const auto all = flaky.heard();
  for (auto i = before; i < all.size(); ++i) last[all[i].path] = all[i].json()["referenceURI"];
  CHECK(last.size() == 30);
  for (const auto& [path, uri] : last) CHECK(uri == kNorth);
  CHECK(world.outbox()["failingDestinations"] == 0);
}

TEST_CASE("SSRF: with no allow list nothing reaches this host", "[http][notification][ssrf]") {
  Notified world([](OrchestratorOptions& options) { options.notifier.allow.clear(); });
  std::size_t refused = 0;
  for (const char* host :
       {"127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "localhost", "LOCALHOST", "169.254.169.254", "0.0.0.0", "10.0.0.1"}) {
    CAPTURE(host);
    auto body = minimal_context("ue");
    body["callbackReference"] = world.receiver.url("/" + std::string(host), host);
    const auto made = world.client.post(kContexts, body);
    if (made.status == 400) continue;  // not even taken
    REQUIRE(made.status == 201);
    ++refused;
  }
  REQUIRE(refused >= 6);
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(eventually([&] { return world.outbox()["dead"] == refused; }));
  const auto dead = world.outbox("dead");
  CHECK(dead["items"].size() == refused);
  for (const auto& item : dead["items"]) {
    CAPTURE(json::dump(item));
    CHECK(item["lastError"] ==
          "the address of the host is not allowed; notifier.allow does not have it");
  }
  CHECK(world.receiver.heard().empty());
}

TEST_CASE("SSRF: a callback that is refused is told in the answer", "[http][notification][ssrf]") {
  Notified world([](OrchestratorOptions& options) { options.notifier.allow = {"10.1.0.0/16"}; });
  const auto warning_for = [&](const std::string& callback) {
    auto body = minimal_context("ue");
    body["callbackReference"] = callback;
    const auto made = world.client.post(kContexts, body);
    REQUIRE(made.status == 201);
    return made.header("Warning").value_or("");
  };
  for (const char* refused : {"http://127.0.0.1:9/x", "https://10.2.0.1", "http://[::1]:9/?a=b",
                              "http://LOCALHOST/", "http://192.168.1.1/?x"}) {
    CAPTURE(refused);
    CHECK_THAT(warning_for(refused), ContainsSubstring("notifier.allow does not have it"));
  }
  for (const char* fine : {"http://10.1.2.3:9/x", "http://192.0.2.7/", "http://name.example/"}) {
    CAPTURE(fine);
    CHECK(warning_for(fine).empty());
  }
}

// Milliseconds from the change to each good receiver, with `bad` contexts at bad destinations.
double p99_of_good(int good, int bad) {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  BadReceiver closes(BadReceiver::Manner::kCloses);
  Notified world;
  for (int i = 0; i < bad; ++i) {
    world.create("bad-" + std::to_string(i), (i % 2 == 0 ? silent : closes).url("/"));
  }
  for (int i = 0; i < good; ++i) {
    world.create("good-" + std::to_string(i), world.receiver.url("/" + std::to_string(i)));
  }
  const auto changed = std::chrono::steady_clock::now();
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.receiver.hears(static_cast<std::size_t>(good)));
  std::vector<double> took;
  for (const auto& heard : world.receiver.heard()) {
    took.push_back(std::chrono::duration<double, std::milli>(heard.when - changed).count());
  }
  std::sort(took.begin(), took.end());
  return took.at(took.size() * 99 / 100);
}

TEST_CASE("bad destinations: the p99 of good ones is not theirs", "[http][notification]") {
  const auto alone = p99_of_good(1800, 0);
  const auto beside = p99_of_good(1800, 200);
  std::printf("p99 of 1800 good ones: alone %.1f ms, beside 200 bad ones %.1f ms, ratio %.2f\n",
              alone, beside, beside / alone);
  CHECK(beside < 3 * alone + 100);  // a silent destination takes a second
}

}  // namespace
}  // namespace mx2::test
