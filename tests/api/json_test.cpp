#include "api/json/json.h"

#include "tests/catch.h"

namespace mx2::json {
namespace {

using test::ContainsSubstring;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_CASE("JSON depth: 32 levels pass, 33 do not", "[json][hostile]") {
  CHECK(parse(nested(kDepthMax)).ok());
  CHECK_THAT(parse(nested(kDepthMax + 1)).error().detail, ContainsSubstring("deeper than 32"));
  CHECK_FALSE(parse(nested(100000)).ok());
  CHECK_FALSE(parse(std::string(1000000, '[')).ok());
  CHECK_FALSE(parse("{\"a\":" + nested(kDepthMax) + "}").ok());
}

TEST_CASE("JSON: a refusal says where, in our words", "[json][hostile]") {
  const auto said = [](std::string_view text) { return parse(text).error().detail; };
  CHECK(said(R"({"a":)") == "malformed JSON: byte 6: the text ends too early");
  CHECK(said("") == "malformed JSON: byte 1: the text ends too early");
  CHECK(said("[1,]") == "malformed JSON: byte 4: no JSON from here on");
  CHECK(said("[1] x") == "malformed JSON: byte 5: no JSON from here on");
  CHECK_THAT(said("[1e999]"), ContainsSubstring("a number that is too large"));
}

TEST_CASE("JSON: a member name that appears twice is refused", "[json][hostile]") {
  CHECK_THAT(parse(R"({"a":1,"a":2})").error().detail, ContainsSubstring("'a' appears twice"));
  CHECK_FALSE(parse(R"({"x":{"a":1,"\u0061":2}})").ok());
  CHECK(parse(R"({"a":{"a":1},"b":{"a":1}})").ok());
}

TEST_CASE("JSON: NUL is refused wherever it stands", "[json][hostile]") {
  CHECK_FALSE(parse(R"(["\u0000"])").ok());
  CHECK_FALSE(parse(R"({"\u0000":1})").ok());
  CHECK_FALSE(parse(std::string("[\"a\0b\"]", 7)).ok());
  CHECK_FALSE(parse(std::string("[1]\0", 4)).ok());
  CHECK_FALSE(parse(std::string("[1]\0garbage", 11)).ok());
  CHECK_FALSE(parse(std::string("\0[1]", 4)).ok());
}

TEST_CASE("JSON: invalid UTF-8 is refused", "[json][hostile]") {
  for (const char* bad : {"[\"\xFF\"]", "[\"\xC0\xAF\"]", "[\"\xED\xA0\x80\"]", "[\"\xE2\x82\"]",
                          "[\"\xF5\x80\x80\x80\"]", R"(["\ud800"])", R"(["\udc00\ud800"])"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse(bad).ok());
  }
  CHECK(parse("[\"ä🚗\"]").ok());
  CHECK(parse(R"(["\ud83d\ude97"])")->at(0) == "🚗");
}

TEST_CASE("JSON: numbers that no double can hold are refused", "[json][hostile]") {
  CHECK_FALSE(parse("1e999").ok());
  CHECK_FALSE(parse("-1e999").ok());
  CHECK_FALSE(parse(std::string(400, '9')).ok());
  CHECK(parse("123456789012345678901234567890").ok());
  for (const char* bad : {"01", "1.", ".5", "+1", "0x10", "NaN", "Infinity", "-"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse(bad).ok());
  }
}

TEST_CASE("JSON: what is no document is refused with a place", "[json][hostile]") {
  for (const char* bad : {"", " ", "{", "{\"a\"}", "[1,]", "{\"a\":1,}", "nul", "[1] [2]", "'a'",
                          "[\"\x01\"]", "// comment\n1", "\"open"}) {
    CAPTURE(bad);
    const auto parsed = parse(bad);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(parsed.error().detail, ContainsSubstring("malformed JSON"));
  }
}

TEST_CASE("JSON: dump never throws, bad bytes become U+FFFD", "[json]") {
  CHECK(dump(Value("a\xFFz")) == "\"a\xEF\xBF\xBDz\"");
  CHECK(parse(dump(Value("a\xC3"))).ok());
}

struct Read {
  Value value;
  Errors error;
  ObjectReader reader;
  explicit Read(const char* text) : value(parse(text).value()), reader(value, "/o", error) {}
};

TEST_CASE("ObjectReader remembers the first error with its pointer", "[json]") {
  Read read(R"({"a/b~c":1,"n":"x"})");
  std::string text;
  read.reader.required("a/b~c", text, kName32);
  read.reader.required("missing", text, kName32);
  REQUIRE(read.error);
  CHECK(read.error->pointer == "/o/a~1b~0c");
  CHECK(read.error->detail == "must be a string");
}

TEST_CASE("ObjectReader tells all errors to who asks for them", "[json]") {
  const auto value =
      parse(R"({"name":7,"mode":"fats","list":["a",1,2],"items":[{"n":0},{"n":9},{}],"x":1})");
  std::vector<Error> more;
  Errors errors(&more);
  ObjectReader reader(*value, "", errors);
  std::string text;
  std::vector<std::string> list;
  std::vector<int> items;
  bool fast = false;
  reader.required("name", text, kName32);
  reader.required_either("mode", fast, "fast", "slow");
  reader.optional("list", list, kName32, 10);
  reader.optional_items("items", items, 10,
                        [](ObjectReader& item, int& n) { item.required("n", n, 1, 8); });
  reader.refuse_unknown({"name", "mode", "list", "items"});
  REQUIRE(errors);
  std::vector<std::string> places{errors->pointer};
  for (const auto& error : more) places.push_back(error.pointer);
  CHECK(places == std::vector<std::string>{"/name", "/mode", "/list/1", "/list/2", "/items/0/n",
                                           "/items/1/n", "/items/2/n", "/x"});
}

TEST_CASE("ObjectReader keeps a bounded number of errors", "[json]") {
  Value value;
  for (int i = 0; i < 500; ++i) value["member-" + std::to_string(i)] = i;
  std::vector<Error> more;
  Errors errors(&more);
  ObjectReader(value, "", errors).refuse_unknown({"a"});
  CHECK(more.size() == kMoreErrorsMax);
}

TEST_CASE("ObjectReader counts code points", "[json]") {
  Read read(
      R"({"fits":"ääääääääääääääääääääääääääääääää","long":"123456789012345678901234567890123"})");
  std::string text;
  read.reader.required("fits", text, kName32);
  CHECK_FALSE(read.error);
  read.reader.required("long", text, kName32);
  REQUIRE(read.error);
  CHECK_THAT(read.error->detail, ContainsSubstring("longer than 32"));
}

TEST_CASE("ObjectReader integers: bounds, fractions and overflow", "[json]") {
  const auto* text = GENERATE("-1", "11", "1.0", "1e0", "18446744073709551615", "\"5\"", "true",
                              "null", "-9223372036854775808", "123456789012345678901234567890");
  CAPTURE(text);
  Read read((R"({"n":)" + std::string(text) + "}").c_str());
  std::optional<std::int64_t> number;
  read.reader.optional("n", number, 0, 10);
  CHECK(read.error);
  CHECK_FALSE(number);
}

TEST_CASE("ObjectReader: null is not absent", "[json]") {
  Read read(R"({"t":null,"b":null})");
  std::optional<bool> flag;
  read.reader.optional("b", flag);
  CHECK(read.error);
}

TEST_CASE("ObjectReader: a value that is no object, arrays and unknown members", "[json]") {
  Read array("[1]");
  CHECK(array.error->detail == "must be an object");
  Read list(R"({"l":["a",1]})");
  std::vector<std::string> texts;
  list.reader.optional("l", texts, kName32, 8);
  CHECK(list.error->pointer == "/o/l/1");
  Read many(R"({"l":[1,2,3]})");
  CHECK(many.reader.array("l", 2) == nullptr);
  CHECK_THAT(many.error->detail, ContainsSubstring("more than 2"));
  Read unknown(R"({"enabld":true})");
  unknown.reader.refuse_unknown({"enabled", "id"});
  CHECK_THAT(unknown.error->detail, ContainsSubstring("did you mean 'enabled'"));
}

}  // namespace
}  // namespace mx2::json
