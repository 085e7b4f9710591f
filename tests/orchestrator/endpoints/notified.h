// An orchestrator whose callbacks may lead to this host, for tests of notifications.
#pragma once

#include "tests/support/receiver.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {

struct Notified {
  explicit Notified(const TestServer::Adjust& adjust = {})
      : server([&](OrchestratorOptions& options) {
          options.notifier.allow = {"127.0.0.0/8"};
          options.notifier.timeout_ms = 1000;
          options.notifier.relay.look_every_ms = 5;  // the test moves the clock, nobody wakes it
          if (adjust) adjust(options);
        }) {}

  // A context of facedetect-1 with this callback.
  std::string create(const std::string& dev_app_id, const std::string& callback) {
    auto body = minimal_context(dev_app_id);
    body["callbackReference"] = callback;
    const auto made = client.post(kContexts, body);
    if (made.status != 201) throw std::runtime_error("not created: " + made.body);
    return made.json()["contextId"];
  }
  static std::string row(const std::string& ue, const std::string& target,
                         const std::string& app = "facedetect-1") {
    return json::dump({{"ue", ue}, {"app", app}, {"targets", {target}}}) + "\n";
  }
  void patch(const std::string& ndjson) {
    const auto patched = ops.request("PATCH", kOperator + "/table", ndjson);
    if (patched.status != 200) throw std::runtime_error("not patched: " + patched.body);
  }
  void set_strategy(const std::string& app, const char* strategy) {
    auto document = ops.get(kOperator + "/apps/" + app).json();
    document["strategy"] = strategy;
    if (ops.put(kOperator + "/apps/" + app, document).status != 200) throw std::runtime_error(app);
  }
  void change_host(const std::string& id, const std::function<void(json::Value&)>& change) {
    auto document = ops.get(kOperator + "/hosts/" + id).json();
    change(document);
    if (ops.put(kOperator + "/hosts/" + id, document).status != 200) throw std::runtime_error(id);
  }
  json::Value instances(const std::string& id) {
    return client.get(kContexts + "/" + id).json()["appInfo"]["userAppInstanceInfo"];
  }
  json::Value outbox(const std::string& state = "pending") {
    return ops.get(kOperator + "/outbox?state=" + state).json();
  }
  bool nothing_owed() {
    return eventually([&] { return outbox()["pending"] == 0; });
  }
  // The first entry has been tried, and is to be tried again.
  bool tried_once() {
    return eventually([&] { return outbox()["items"][0]["attempts"] == 1; });
  }
  // The first dead entry, when there is one.
  json::Value dead() {
    static_cast<void>(eventually([&] { return outbox()["dead"] != 0; }));
    const auto items = outbox("dead")["items"];
    return items.empty() ? json::Value::object() : items[0];
  }

  Receiver receiver;
  TestServer server;
  Client client = server.mx2();
  Client ops = server.ops();
};

inline const std::string kCloud = "http://cloud.example/facedetect";
inline const std::string kNorth = "http://north.example/facedetect";
inline const std::string kSouth = "http://south.example/facedetect";

}  // namespace mx2::test
