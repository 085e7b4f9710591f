// Clients of the V1.1.1 dialect, unmodified, and what operators see of the outbox.
#include <atomic>
#include <map>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/notified.h"

namespace mx2::test {
namespace {

using json::Value;

const std::string kLegacyContexts = kLegacy + "/app_contexts";

// As that client's callback server does it: the last token of the path is the UE application, the
// body an object with a string referenceURI; 204, or 400 for all else.
class LegacyUe {
 public:
  explicit LegacyUe(Client& client) : client_(client) {}

  std::string create(const std::string& ue_app_id) {
    auto body = minimal_legacy_context(ue_app_id);
    body["callbackReference"] = receiver.url("/" + ue_app_id);
    const auto made = client_.post(kLegacyContexts, body);
    if (made.status != 201) throw std::runtime_error(made.body);
    return made.json()["contextId"];
  }
  // The 201 has been read: notifications are understood from now on.
  void knows(const std::string& ue_app_id) {
    const std::lock_guard guard(mutex_);
    uris_[ue_app_id] = "";
  }
  std::string uri(const std::string& ue_app_id) {
    const std::lock_guard guard(mutex_);
    return uris_[ue_app_id];
  }

  Receiver receiver{[this](const Heard& heard, std::size_t) { return answer(heard); }};

 private:
  http::Reply answer(const Heard& heard) {
    const std::lock_guard guard(mutex_);
    const auto it = uris_.find(heard.path.substr(heard.path.rfind('/') + 1));
    const auto body = json::parse(heard.body);
    const bool good = it != uris_.end() && heard.header("Content-Type") == "application/json" &&
                      body.ok() && body->is_object() && body->contains("referenceURI") &&
                      (*body)["referenceURI"].is_string();
    if (!good) return http::json_reply(400, R"({"ProblemDetails":{"status":400}})");
    it->second = (*body)["referenceURI"];
    return http::no_content();
  }

  Client& client_;
  std::mutex mutex_;
  std::map<std::string, std::string> uris_;
};

TEST_CASE("legacy notification: its unmodified client follows the table",
          "[http][notification][legacy]") {
  Notified world;
  LegacyUe ue(world.client);
  ue.knows("one");
  ue.create("one");
  world.patch(Notified::row("ip:127.0.0.1", "endpoint:10.0.0.2:6473"));
  CHECK(eventually([&] { return ue.uri("one") == "10.0.0.2:6473"; }));
  world.patch(Notified::row("ip:127.0.0.1", "endpoint:10.0.0.3:6473"));
  CHECK(eventually([&] { return ue.uri("one") == "10.0.0.3:6473"; }));
  CHECK(world.nothing_owed());
  CHECK(ue.receiver.heard().size() == 2);
}

TEST_CASE("legacy notification: 400 before the client has read its 201 is tried again",
          "[http][notification][legacy]") {
  Notified world;
  LegacyUe ue(world.client);
  const auto id = ue.create("one");
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.tried_once());
  ue.knows("one");
  world.server.advance(500);
  CHECK(eventually([&] { return ue.uri("one") == kSouth; }));
  CHECK(world.client.get(kContexts + "/" + id).status == 200);
}

TEST_CASE(
    "legacy notification: 400 of a context that is not young is the last word, and ends "
    "nothing",
    "[http][notification][legacy]") {
  Notified world;
  LegacyUe ue(world.client);
  const auto id = ue.create("one");
  world.server.advance(5000);
  world.patch(Notified::row("*", "host:south"));
  CHECK(world.dead()["lastError"] == "answered 400");
  CHECK(world.instances(id)[0]["referenceURI"] == kSouth);
}

TEST_CASE("legacy notification: never one that its client does not know",
          "[http][notification][legacy]") {
  Notified world;
  LegacyUe ue(world.client);
  ue.knows("one");
  ue.knows("two");
  world.set_strategy("facedetect-1", "multiple");
  const auto ended = ue.create("one");
  ue.create("two");
  REQUIRE(world.ops.erase(kOperator + "/contexts/" + ended).status == 204);
  world.patch(json::dump(
      {{"ue", "*"}, {"app", "facedetect-1"}, {"targets", {"host:south", "host:north"}}}));
  REQUIRE(eventually([&] { return ue.uri("two") == kSouth; }));
  REQUIRE(world.nothing_owed());
  CHECK(ue.receiver.heard().size() == 1);
}

TEST_CASE("outbox: operators see what is owed and why, and have it tried again",
          "[http][notification][operator]") {
  std::atomic<int> status{503};
  Receiver receiver([&](const Heard&, std::size_t) { return http::json_reply(status, "{}"); });
  Notified world;
  const auto id = world.create("ue-1", receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.tried_once());
  const auto pending = world.outbox();
  CHECK(pending["pending"] == 1);
  CHECK(pending["dead"] == 0);
  CHECK(pending["inFlight"] == 0);
  CHECK(pending["failingDestinations"] == 0);
  CHECK(pending["oldest"] == "2023-11-14T22:13:20.000Z");
  CHECK(pending["items"][0]["contextId"] == id);
  CHECK(pending["items"][0]["state"] == "pending");
  CHECK(pending["items"][0]["notificationType"] == "AddressChangeNotification");
  CHECK(pending["items"][0]["callbackReference"] == receiver.url("/1"));
  CHECK(pending["items"][0]["lastError"] == "answered 503");
  status = 403;
  world.server.advance(500);
  CHECK(world.dead()["lastError"] == "answered 403");
  CHECK(world.outbox("dead")["items"][0]["state"] == "dead");
  CHECK(world.outbox()["items"].empty());

  const std::string retry = kOperator + "/outbox/retry";
  CHECK(world.ops.request("POST", retry + "?contextId=nobody").status == 404);
  status = 204;
  const auto before = receiver.heard().size();
  CHECK(world.ops.request("POST", retry + "?contextId=" + id).json() == Value{{"revived", 1}});
  REQUIRE(receiver.hears(before + 1));
  CHECK(world.nothing_owed());
  CHECK(world.ops.request("POST", retry).json() == Value{{"revived", 0}});
  CHECK(world.ops.get(kOperator + "/outbox?state=lost").status == 400);
}

// It was still as old as when it had been given up, and was given up again after one attempt.
TEST_CASE("outbox: what was given up for its age has all its time again",
          "[http][notification][operator]") {
  std::atomic<int> status{503};
  Receiver receiver([&](const Heard&, std::size_t) { return http::json_reply(status, "{}"); });
  Notified world([](OrchestratorOptions& o) { o.notifier.relay.retry.give_up_after_ms = 10'000; });
  world.create("ue-1", receiver.url("/1"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(world.tried_once());
  world.server.advance(10'000);
  REQUIRE(world.dead()["lastError"] == "answered 503");
  const auto before = receiver.heard().size();
  REQUIRE(world.ops.request("POST", kOperator + "/outbox/retry").json()["revived"] == 1);
  REQUIRE(receiver.hears(before + 1));
  REQUIRE(world.tried_once());
  status = 204;
  world.server.advance(500);
  CHECK(world.nothing_owed());
}

TEST_CASE("notification: metrics say what became of them", "[http][notification][operator]") {
  Receiver refuses([](const Heard&, std::size_t) { return http::json_reply(403, "{}"); });
  Receiver later([](const Heard&, std::size_t) { return http::json_reply(429, "{}"); });
  Notified world;
  world.create("ue-1", world.receiver.url("/1"));
  world.create("ue-2", refuses.url("/2"));
  world.create("ue-3", later.url("/3"));
  world.patch(Notified::row("*", "host:south"));
  REQUIRE(eventually([&] {
    const auto outbox = world.outbox();
    return outbox["pending"] == 1 && outbox["dead"] == 1 && outbox["items"][0]["attempts"] == 1;
  }));
  const auto text = world.ops.get(kOperator + "/metrics").body;
  for (const char* line :
       {R"(mx2_notifications_total{outcome="delivered"} 1)",
        R"(mx2_notifications_total{outcome="dead"} 1)",
        R"(mx2_notifications_total{outcome="retry"} 1)",
        R"(mx2_notifications_total{outcome="superseded"} 0)", "mx2_context_moves_total 3",
        "mx2_notification_delivery_seconds_count 1", "mx2_notifications_in_flight 0",
        "mx2_notification_destinations_failing 0"}) {
    CHECK_THAT(text, ContainsSubstring(line));
  }
  CHECK(eventually([&] {
    return world.ops.get(kOperator + "/metrics").body.find("mx2_notifications_pending 1") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace mx2::test
