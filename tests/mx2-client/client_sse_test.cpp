// Server-sent events out of bytes that are cut anywhere.
#include <random>

#include "mx2-client/src/sse_parser.h"
#include "tests/catch.h"

namespace mx2::device {
namespace {

std::vector<ServerEvent> parse(const std::vector<std::string>& pieces, bool* fine = nullptr) {
  SseParser parser(1000);
  std::vector<ServerEvent> out;
  bool all = true;
  for (const auto& piece : pieces) {
    all = all && parser.feed(piece, [&](const ServerEvent& event) {
      out.push_back(event);
      return true;
    });
  }
  if (fine != nullptr) *fine = all;
  return out;
}

TEST_CASE("SSE: identifier, type and data", "[client]") {
  const auto events = parse({"id: 7\nevent: Move\ndata: {\"a\":1}\n\n"});
  REQUIRE(events.size() == 1);
  CHECK(events[0].id == "7");
  CHECK(events[0].type == "Move");
  CHECK(events[0].data == "{\"a\":1}");
}

TEST_CASE("SSE: comments, unknown fields and missing parts", "[client]") {
  const auto events = parse({": keep-alive\n\nretry: 10\nnonsense\ndata\n\nid: 3\n\ndata:x\n\n"});
  REQUIRE(events.size() == 2);
  CHECK(events[0].type == "message");
  CHECK(events[0].data.empty());
  CHECK(events[1].data == "x");
  CHECK(events[1].id == "3");  // given by an event without data, kept
}

TEST_CASE("SSE: lines of data are joined, one space is taken away", "[client]") {
  const auto events = parse({"data: a\ndata:  b\ndata:c\n\n"});
  REQUIRE(events.size() == 1);
  CHECK(events[0].data == "a\n b\nc");
}

TEST_CASE("SSE: the three line ends, a byte order mark, and cuts at every byte", "[client]") {
  const std::string text =
      "\xEF\xBB\xBF"
      "id: 1\r\ndata: one\r\n\r\ndata: two\r\rdata: three\n\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto events = parse({text.substr(0, cut), text.substr(cut)});
    REQUIRE(events.size() == 3);
    CHECK(events[0].data == "one");
    CHECK(events[0].id == "1");
    CHECK(events[2].data == "three");
  }
}

TEST_CASE("SSE: an event that is not finished is none", "[client]") {
  CHECK(parse({"data: a\n"}).empty());
}

TEST_CASE("SSE: a line or an event without end is refused, not stored", "[client]") {
  bool fine = true;
  static_cast<void>(parse({"data: " + std::string(2000, 'x')}, &fine));
  CHECK_FALSE(fine);
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "data: 0123456789\n";
  static_cast<void>(parse({lines}, &fine));
  CHECK_FALSE(fine);
  std::string events;
  for (int i = 0; i < 200; ++i) events += "data: 0123456789\n\n";
  CHECK(parse({events}, &fine).size() == 200);
  CHECK(fine);
}

TEST_CASE("SSE: whoever takes events may stop", "[client]") {
  SseParser parser;
  int seen = 0;
  CHECK_FALSE(parser.feed("data: a\n\ndata: b\n\n", [&](const ServerEvent&) {
    ++seen;
    return false;
  }));
  CHECK(seen == 1);
}

TEST_CASE("SSE: random bytes give the same events however they are cut", "[client]") {
  std::mt19937 random(7);
  const std::string alphabet = "\r\n: aid\0et\xEF\xBB\xBF";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 200; ++i) {
      text += random() % 8 == 0 ? "data:" : std::string(1, alphabet[random() % alphabet.size()]);
    }
    std::vector<std::string> bytes;
    for (const char c : text) bytes.emplace_back(1, c);
    const auto whole = parse({text});
    const auto cut = parse(bytes);
    REQUIRE(whole.size() == cut.size());
    for (std::size_t i = 0; i < cut.size(); ++i) REQUIRE(whole[i].data == cut[i].data);
  }
}

}  // namespace
}  // namespace mx2::device
