// What a line of the log says, as text and as JSON.
#include "api/base/log.h"

#include <cstdint>
#include <limits>

#include "api/json/json.h"
#include "tests/catch.h"
#include "tests/support/logged.h"

namespace mx2::test {
namespace {

constexpr std::size_t kTimestampChars = 24;  // 2026-01-31T12:00:00.250Z

json::Value only_line(const Logged& logged) {
  const auto lines = logged.lines();
  REQUIRE(lines.size() == 1);
  CAPTURE(lines.front());
  auto parsed = json::parse(lines.front());
  REQUIRE(parsed.ok());
  return *parsed;
}

TEST_CASE("log: in JSON each field has its type", "[log]") {
  const Logged logged(log::Format::kJson, "mx2-test");
  const std::string text = "edge-1";
  log::info("a line", {{"host", text},
                       {"literal", "12"},
                       {"rows", std::size_t{3}},
                       {"largest", std::numeric_limits<std::uint64_t>::max()},
                       {"behind", -7},
                       {"seconds", 0.25},
                       {"mean_ms", log::Decimals{3.14159, 2}},
                       {"sent", true},
                       {"nothing", std::numeric_limits<double>::infinity()}});
  const auto line = only_line(logged);
  CHECK(line["time"].get<std::string>().size() == kTimestampChars);
  CHECK(line["time"].get<std::string>().back() == 'Z');
  CHECK(line["level"] == "info");
  CHECK(line["program"] == "mx2-test");
  CHECK(line["message"] == "a line");
  CHECK(line["host"] == "edge-1");
  CHECK(line["literal"] == "12");
  CHECK(line["literal"].is_string());
  CHECK(line["rows"].is_number_integer());
  CHECK(line["rows"] == 3);
  CHECK(line["largest"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(line["behind"] == -7);
  CHECK(line["seconds"] == 0.25);
  CHECK(line["mean_ms"] == 3.14);
  CHECK(line["sent"].is_boolean());
  CHECK(line["nothing"].is_null());
  CHECK(line.size() == 13);
}

TEST_CASE("log: whatever a value has, a JSON line is one, and valid", "[log]") {
  const Logged logged(log::Format::kJson);
  log::warn("odd", {{"quote", "a\"b\\c"},
                    {"lines", "one\ntwo\r\t\x01"},
                    {"umlaut", "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80"},
                    {"latin", "\xFC"},
                    {"overlong", "\xC0\xAF"},
                    {"surrogate", "\xED\xA0\x80"},
                    {"cut", "\xE2\x82"}});
  const auto line = only_line(logged);
  CHECK(line["quote"] == "a\"b\\c");
  CHECK(line["lines"] == "one\ntwo\r\t\x01");
  CHECK(line["umlaut"] == "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80");
  const std::string unknown = "\xEF\xBF\xBD";
  CHECK(line["latin"] == unknown);
  CHECK(line["overlong"] == unknown + unknown);
  CHECK(line["surrogate"] == unknown + unknown + unknown);
  CHECK(line["cut"] == unknown + unknown);
}

TEST_CASE("log: a change of level or format does not lose the program's name", "[log]") {
  const Logged logged(log::Format::kJson, "mx2-test");
  log::configure("warn", log::Format::kJson);
  log::warn("a line", {});
  CHECK(only_line(logged)["program"] == "mx2-test");
}

TEST_CASE("log: as text, values are as they always were", "[log]") {
  const Logged logged;
  log::error("a line", {{"rows", 3},
                        {"seconds", 0.25},
                        {"mean_ms", log::Decimals{3.14159, 2}},
                        {"sent", false},
                        {"reason", "two words"},
                        {"empty", ""}});
  const auto lines = logged.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines.front().substr(kTimestampChars) ==
        " error a line rows=3 seconds=0.250000 mean_ms=3.14 sent=false reason=\"two words\" "
        "empty=\"\"");
}

}  // namespace
}  // namespace mx2::test
