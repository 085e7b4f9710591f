#include "emulator/scenario.h"

#include "tests/catch.h"
#include "tests/support/paths.h"

namespace mx2::emulator {
namespace {

using test::ContainsSubstring;

constexpr const char* kSmall = R"(
lambdas: [{id: face}, {id: voice}]
hosts: [{id: north}, {id: south, cores: 2, lambdas: [voice]}]
)";

Result<Scenario> read(const std::string& text, const std::vector<Setting>& settings = {}) {
  auto document = config::parse_yaml(text, "test.yaml");
  REQUIRE(document.ok());
  return read_scenario(std::move(*document), settings);
}

std::string error_of(const std::string& text, const std::vector<Setting>& settings = {}) {
  const auto scenario = read(text, settings);
  REQUIRE_FALSE(scenario.ok());
  return scenario.error().detail;
}

}  // namespace

TEST_CASE("The commented example is a scenario") {
  auto document =
      config::read_yaml_file(mx2::test::source_file("tests/experiments/strategies/scenario.yaml"));
  REQUIRE(document.ok());
  const auto scenario = read_scenario(std::move(*document));
  if (!scenario) FAIL(scenario.error().detail);
  CHECK(scenario->hosts.size() == 3);
  CHECK(scenario->lambdas[3].id == "lambda-4");
  CHECK(scenario->hosts[2].lambdas == std::vector<std::uint32_t>{2, 3, 0});
  CHECK(scenario->network.cells == 3);
}

TEST_CASE("What a scenario does not say has a default") {
  const auto scenario = read(kSmall);
  REQUIRE(scenario.ok());
  CHECK(scenario->ues.number == 40);
  CHECK(scenario->hosts[0].lambdas.size() == 2);
  CHECK(scenario->hosts[1].lambdas == std::vector<std::uint32_t>{1});
  CHECK(scenario->hosts[1].processor.cores == 2);
}

TEST_CASE("A setting changes one key, also one that the file does not have") {
  const auto scenario =
      read(kSmall, {{"strategy.kind", "baseline"}, {"hosts.0.count", "7"}, {"ues.number", "5"}});
  REQUIRE(scenario.ok());
  CHECK(scenario->strategy.kind == StrategyKind::kBaseline);
  CHECK(scenario->hosts.size() == 8);
  CHECK(scenario->hosts[6].id == "north-7");
  CHECK(scenario->ues.number == 5);
}

TEST_CASE("All errors are told at once, with their places") {
  const auto error = error_of(std::string(kSmall) + R"(
ues: {number: 0, trafic: {}}
strategy: {kind: notify}
)");
  CHECK_THAT(error, ContainsSubstring("test.yaml:5:7"));
  CHECK_THAT(error, ContainsSubstring("number is 0; must be an integer from 1"));
  CHECK_THAT(error, ContainsSubstring("trafic is not known; did you mean 'traffic'?"));
  CHECK_THAT(error, ContainsSubstring("allowed: static, baseline, notification"));
}

TEST_CASE("Errors of a setting name it") {
  CHECK_THAT(error_of(kSmall, {{"ues.number", "many"}}), ContainsSubstring("--set ues.number"));
  CHECK_THAT(error_of(kSmall, {{"hosts.x.count", "2"}}), ContainsSubstring("no such place"));
  CHECK_THAT(error_of(kSmall, {{"hosts.0.count", "1000"}}), ContainsSubstring("to 250"));
  CHECK_THAT(error_of(kSmall, {{"ues.number", ""}}), ContainsSubstring("has no value"));
}

TEST_CASE("A scenario that makes no sense is refused") {
  CHECK_THAT(error_of("lambdas: [{id: a}, {id: b}]\nhosts: [{id: h, lambdas: [a]}]\n"),
             ContainsSubstring("do not offer b"));
  CHECK_THAT(error_of(std::string(kSmall) + "network: {cells: 1}\n"),
             ContainsSubstring("must not be fewer than hosts"));
  CHECK_THAT(error_of(std::string(kSmall) + "warmup_s: 500\n"),
             ContainsSubstring("leaves nothing"));
  CHECK_THAT(error_of(std::string(kSmall) + "optimizer: {policy: best}\n"),
             ContainsSubstring("none of mx2-optimizer"));
  CHECK_THAT(error_of("lambdas: [{id: a}]\nhosts: [{id: h, count: 2}, {id: h-1}]\n"),
             ContainsSubstring("has h-1 twice"));
  CHECK_THAT(error_of("lambdas: [{id: a}]\nhosts: [{id: h, lambdas: [a, a]}]\n"),
             ContainsSubstring("has a twice"));
  CHECK_THAT(
      error_of(std::string(kSmall) + "ues: {traffic: {model: on-off, on_s: 1, spacing_min_s: 60, "
                                     "spacing_max_s: 90}}\n"),
      ContainsSubstring("longer than on_s"));
  CHECK_THAT(error_of("hosts: 3\nlambdas: []\n"), ContainsSubstring("must be a list"));
  CHECK_THAT(error_of("- 1\n"), ContainsSubstring("must be a mapping"));
}

}  // namespace mx2::emulator
