// The shipped configuration has every key, with its default; mistakes are told.
#include "dispatcher/options.h"

#include "tests/catch.h"
#include "tests/support/example_config.h"

namespace mx2::dispatcher {
namespace {

TEST_CASE("dispatcher.yaml has every key, with its default", "[dispatcher-config]") {
  mx2::test::check_example("dispatcher.yaml", [](const config::Document& document) {
    return read_dispatcher_options(document);
  });
}

TEST_CASE("An instance under a MEPM learns from its environment where it is",
          "[dispatcher-config]") {
  std::map<std::string, std::string> variables;
  const auto environment = [&](const char* name) { return variables[name]; };
  const auto read = [&](const char* text) {
    return read_dispatcher_options(config::parse_yaml(text, "f.yaml").value(), environment);
  };
  variables["MX2_PORT"] = "1";  // of somebody else
  CHECK(read("{}")->options.listen_port == 8070);
  variables = {{"MX2_APP_INSTANCE_ID", "i"},
               {"MX2_PORT", "20001"},
               {"MX2_HOST_ID", "edge-1"},
               {"MX2_ORCHESTRATOR_URL", "https://o:1"},
               {"MX2_ORCHESTRATOR_CA_FILE", "/ca.pem"}};
  const auto told = read("{}");
  REQUIRE(told.ok());
  CHECK(told->options.listen_port == 20001);
  CHECK(told->options.listen_address == "0.0.0.0");
  CHECK(told->options.server.port == 0);
  CHECK(told->options.place.host_id == "edge-1");
  CHECK(told->options.orchestrator.url == "https://o:1");
  CHECK(told->options.orchestrator.ca_file == "/ca.pem");
  CHECK(told->options.orchestrator.token.empty());
  CHECK(told->options.haproxy.directory == ".");
  variables["MX2_ADDRESS"] = "192.0.2.7";
  CHECK(read("{}")->options.listen_address == "192.0.2.7");
  CHECK(read("host: {id: other}")->options.place.host_id == "other");
  variables["MX2_ORCHESTRATOR_URL"] = "";  // not trusted
  CHECK_FALSE(read("{}").ok());
  CHECK(read("orchestrator: {url: \"http://o:2\"}").ok());
  variables["MX2_ORCHESTRATOR_URL"] = "https://o:1";
  variables["MX2_PORT"] = "70000";
  CHECK_FALSE(read("{}").ok());
  variables["MX2_PORT"] = "20001";
  variables["MX2_ORCHESTRATOR_TOKEN_FILE"] = "/nowhere";
  CHECK_FALSE(read("{}").ok());
}

TEST_CASE("Configurations of a dispatcher that cannot work are refused", "[dispatcher-config]") {
  const auto refused = [](const char* text) {
    return !read_dispatcher_options(config::parse_yaml(text, "f.yaml").value()).ok();
  };
  CHECK(refused("selection: {policy: best}"));
  CHECK(refused("host: {latency_ms: [north]}"));
  CHECK(refused("host: {latency_ms: [north=soon]}"));
  CHECK(refused("retry: {on: [always]}"));
  CHECK(refused("limits: {buffer_bytes: 1}"));
  CHECK(refused("dispatchr: {port: 1}"));
  CHECK_FALSE(refused("host: {latency_ms: [north=4, south=40]}"));
}

}  // namespace
}  // namespace mx2::dispatcher
