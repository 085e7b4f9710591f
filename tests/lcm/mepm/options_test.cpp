// The shipped configuration has every key, with its default; mistakes are told with their place.
#include "lcm/mepm/options.h"

#include "tests/support/example_config.h"

namespace mx2::mepm {
namespace {

TEST_CASE("mepm.yaml has every key, with its default", "[mepm-config]") {
  mx2::test::check_example("mepm.yaml", read_mepm_options);
}

TEST_CASE("Configurations of a MEPM that cannot work are refused", "[mepm-config]") {
  const auto refused = [](const char* text) {
    return !read_mepm_options(config::parse_yaml(text, "f.yaml").value()).ok();
  };
  CHECK(refused("host: {id: 'a b'}"));
  CHECK(refused("host: {labels: [x]}"));
  CHECK(refused("process: {port_first: 65000, ports: 1000}"));
  CHECK(refused("orchestrator: {lease_ms: 1000, report_ms: 1000}"));
  CHECK(refused("proces: {ports: 1}"));
}

TEST_CASE("Instances listen on the host's address, if it is this machine's", "[mepm-config]") {
  const auto listens = [](const char* text) {
    return read_mepm_options(config::parse_yaml(text, "f.yaml").value())
        ->options.process.listen_address;
  };
  CHECK(listens("{}") == "127.0.0.1");
  CHECK(listens("host: {address: 127.0.0.9}") == "127.0.0.9");
  CHECK(listens("host: {address: 192.0.2.1}") == "0.0.0.0");  // translated on the way
  CHECK(listens("host: {address: edge.example}") == "0.0.0.0");
  CHECK(listens("process: {listen_address: 127.0.0.5}") == "127.0.0.5");
}

}  // namespace
}  // namespace mx2::mepm
