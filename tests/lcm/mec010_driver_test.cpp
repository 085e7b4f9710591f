#include "lcm/mec010_driver.h"

#include "api/json/json.h"
#include "tests/catch.h"

namespace mx2::lcm {
namespace {

// Answers each request with what is written in `answers`, in order.
class ScriptedClient final : public http::AsyncClient {
 public:
  struct Script {
    std::vector<http::OutgoingRequest> asked;
    std::vector<http::Reply> answers;
  };
  explicit ScriptedClient(Script& script) : script_(script) {}

  void begin(http::OutgoingRequest request, Callback<Result<http::Reply>> done) override {
    done(script_.answers.at(script_.asked.size()));
    script_.asked.push_back(std::move(request));
  }
  void poll(int /*timeout_ms*/) override {}
  void wake() override {}

 private:
  Script& script_;
};

std::string instance_of(const std::string& id, const std::string& name, const std::string& more) {
  return R"({"id":")" + id + R"(","appInstanceName":")" + name +
         R"(","appDId":"a","appProvider":"P","appName":"N","appSoftVersion":"1","appDVersion":"1",)"
         R"("appPkgId":"p","instantiationState":"NOT_INSTANTIATED","_links":{"self":{"href":"/x"}})" +
         more + "}";
}

std::string header_of(const http::OutgoingRequest& request, const std::string& name) {
  for (const auto& [each, value] : request.headers) {
    if (each == name) return value;
  }
  return {};
}

TEST_CASE("the driver creates with its key, as header and, for older MEPMs, as name",
          "[mec010-driver]") {
  ScriptedClient::Script script;
  script.answers = {http::json_reply(201, instance_of("i1", "mx2-7", ""))};
  Mec010Driver driver(std::make_unique<ScriptedClient>(script), "");
  std::string key;
  driver.create("http://m", "a", "mx2-7",
                [&](const Result<Instance>& created) { key = created->key; });
  REQUIRE(script.asked.size() == 1);
  CHECK(header_of(script.asked[0], "Idempotency-Key") == "\"mx2-7\"");
  CHECK(json::parse(script.asked[0].body).value()["appInstanceName"] == "mx2-7");
  CHECK(key == "mx2-7");
}

TEST_CASE("the driver knows an instance by the key that its MEPM tells, else by its name",
          "[mec010-driver]") {
  ScriptedClient::Script script;
  script.answers = {
      http::json_reply(200, "[" +
                                instance_of("i1", "mx2-looks-like-ours",
                                            R"(,"mx2":{"phase":"absent",)"
                                            R"("restarts":0,"idempotencyKey":""})") +
                                "," +
                                instance_of("i2", "renamed",
                                            R"(,"mx2":{"phase":"absent","restarts":0,)"
                                            R"("idempotencyKey":"mx2-8"})") +
                                "," + instance_of("i3", "mx2-9", "") + "]")};
  Mec010Driver driver(std::make_unique<ScriptedClient>(script), "");
  std::vector<std::string> keys;
  driver.list("http://m", [&](const Result<std::vector<Instance>>& all) {
    REQUIRE(all.ok());
    for (const auto& instance : *all) keys.push_back(instance.key);
  });
  CHECK(keys == std::vector<std::string>{"", "mx2-8", "mx2-9"});
}

}  // namespace
}  // namespace mx2::lcm
