#include "api/operator/codec.h"
#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2::codec {
namespace {

using json::Value;
using test::ContainsSubstring;

Result<TableChange> row(const char* text) { return decode_table_change(json::parse(text).value()); }

TEST_CASE("UE selectors: precedence kinds, canonical text", "[operator]") {
  for (const char* text : {"*", "dev:car 1", "ip:10.0.0.0/8", "ip:2001:db8::/32", "ip:192.0.2.1"}) {
    CHECK(UeSelector::parse(text)->text() == text);
  }
  CHECK(UeSelector::parse("ip:::ffff:10.0.0.0/104")->text() == "ip:10.0.0.0/8");
  for (const char* bad :
       {"", "**", "dev:", "ip:", "ip:10.0.0.1/8", "ip:x", "DEV:x", "car-1", "dev:a\nb"}) {
    CAPTURE(bad);
    CHECK_FALSE(UeSelector::parse(bad).ok());
  }
  CHECK_FALSE(UeSelector::parse("dev:" + std::string(257, 'x')).ok());
}

TEST_CASE("targets: host or endpoint", "[operator]") {
  CHECK(Target::parse("host:north")->kind == Target::Kind::kHost);
  CHECK(Target::parse("endpoint:10.0.0.1:6473")->value == "10.0.0.1:6473");
  for (const char* bad : {"", "host:", "endpoint:", "north", "host:a b", "host:a\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(Target::parse(bad).ok());
  }
}

TEST_CASE("table change: what it must and may say", "[operator]") {
  const auto good = row(R"({"ue":"*","app":"a","targets":["host:n"],"writer":"optimizer",
                            "reason":"r","version":3,"updated":"2026-01-01T00:00:00Z"})");
  REQUIRE(good.ok());
  CHECK(good->row.writer == Writer::kOptimizer);
  CHECK(good->row.version == 0);
  CHECK(row(R"({"ue":"*","app":"a","remove":true})").ok());
  for (const char* bad :
       {R"({"ue":"*","app":"a"})", R"({"ue":"*","app":"a","targets":[]})",
        R"({"app":"a","targets":["host:n"]})", R"({"ue":"*","targets":["host:n"]})",
        R"({"ue":"*","app":"a","targets":["n"]})", R"({"ue":"*","app":"a","targets":"host:n"})",
        R"({"ue":"*","app":"a","targets":["host:n"],"writer":"me"})",
        R"({"ue":"*","app":"a","targets":["host:n"],"wrtier":"operator"})",
        R"({"ue":"*","app":"a\n","targets":["host:n"]})", R"([])"}) {
    CAPTURE(bad);
    CHECK_FALSE(row(bad).ok());
  }
  Value many{{"ue", "*"}, {"app", "a"}, {"targets", std::vector<std::string>(17, "host:n")}};
  CHECK_FALSE(decode_table_change(many).ok());
}

TEST_CASE("NDJSON patch: errors name the line", "[operator]") {
  const std::string good = R"({"ue":"*","app":"a","targets":["host:n"]})";
  CHECK(decode_table_patch(good + "\r\n\n  \n" + R"({"ue":"dev:x","app":"a","remove":true})", 2)
            ->size() == 2);
  CHECK(decode_table_patch("", 2)->empty());
  const auto broken = decode_table_patch(good + "\n\n{\"ue\":", 5);
  CHECK_THAT(broken.error().pointer, ContainsSubstring("line 3"));
  const auto wrong = decode_table_patch(good + "\n{\"ue\":\"x\",\"app\":\"a\"}", 5);
  CHECK_THAT(wrong.error().pointer, ContainsSubstring("line 2"));
}

TEST_CASE("patch as an array, as generated clients send it: errors name the item", "[operator]") {
  const std::string good = R"({"ue":"*","app":"a","targets":["host:n"]})";
  CHECK(decode_table_patch(" \n[" + good + R"(,{"ue":"dev:x","app":"a","remove":true}])", 2)
            ->size() == 2);
  CHECK(decode_table_patch("[]", 2)->empty());
  CHECK_FALSE(decode_table_patch("[" + good, 2).ok());
  CHECK_FALSE(decode_table_patch("[" + good + "]\n" + good, 5).ok());
  CHECK(decode_table_patch("[" + good + ",1]", 5).error().pointer.starts_with("item 2"));
  CHECK(decode_table_patch("[" + good + "," + good + "]", 5).error().pointer == "item 2");
  CHECK(decode_table_patch("[" + good + "," + good + "]", 1).error().code == ErrorCode::kTooLarge);
}

TEST_CASE("NDJSON patch: the same row twice is an error, however it is spelt", "[operator]") {
  const auto twice = decode_table_patch(R"({"ue":"ip:10.0.0.0/8","app":"a","targets":["host:n"]}
{"ue":"ip:::ffff:10.0.0.0/104","app":"a","remove":true})",
                                        5);
  REQUIRE_FALSE(twice.ok());
  CHECK_THAT(twice.error().detail, ContainsSubstring("line 1"));
  CHECK(twice.error().pointer == "line 2");
}

TEST_CASE("NDJSON patch: too many rows", "[operator]") {
  std::string body;
  for (int i = 0; i < 3; ++i) {
    body += R"({"ue":"dev:)" + std::to_string(i) +
            R"(","app":"a","targets":["host:n"]})"
            "\n";
  }
  CHECK(decode_table_patch(body, 3).ok());
  CHECK(decode_table_patch(body, 2).error().code == ErrorCode::kTooLarge);
}

TEST_CASE("host: round trip", "[operator]") {
  auto host = test::sample_host("north", {"a", "b"});
  host.name = "North";
  host.zone = "z";
  host.state = HostState::kCordoned;
  host.labels = {{"tier", "edge"}, {"x/y~", ""}};
  host.service_area = {test::in_area(test::square(0, 0, 1), "AU")};
  const auto text = to_json(host);
  const auto again = decode_host(text);
  REQUIRE(again.ok());
  CHECK(to_json(*again) == text);
}

TEST_CASE("context of a plan: round trip, and what more a list has is passed over", "[operator]") {
  ContextPlace place{"c", "app", "ue", "10.0.0.1", "north", nullptr};
  CHECK(to_json(*decode_context_place(to_json(place))) == to_json(place));
  place.app_location =
      std::make_shared<const LocationConstraints>(test::in_area(test::square(0, 0, 1), "AU"));
  auto document = to_json(place);
  document["callback"] = true;
  const auto again = decode_context_place(document);
  REQUIRE(again.ok());
  CHECK(to_json(*again) == to_json(place));
  for (const char* name : {"contextId", "app"}) {
    auto less = document;
    less.erase(name);
    CHECK_FALSE(decode_context_place(less).ok());
  }
  document["appLocation"]["area"] = {{"coordinates", {{{"x"}}}}};
  CHECK(decode_context_place(document).error().pointer == "/appLocation/area/coordinates/0/0");
  CHECK_FALSE(decode_context_place(json::Value::array()).ok());
}

TEST_CASE("host: what is refused", "[operator]") {
  for (
      const char* bad :
      {R"({})", R"({"id":""})", R"({"id":"a b"})", R"({"id":"a/b"})", R"({"id":"a\n"})",
       R"({"id":"a","state":"gone"})", R"({"id":"a","lables":{}})",
       R"({"id":"a","labels":{"x":1}})", R"({"id":"a","instances":[{"appDId":"x"}]})",
       R"({"id":"a","instances":[{"appDId":"x","referenceURI":""}]})",
       R"({"id":"a","instances":[{"appDId":"x","referenceURI":"u"},{"appDId":"x","referenceURI":"u"}]})",
       R"({"id":"a","serviceArea":[{}]})", R"({"id":"a","serviceArea":{}})"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_host(json::parse(bad).value()).ok());
  }
}

TEST_CASE("app: round trip", "[operator]") {
  auto app = test::sample_app();
  app.enabled = false;
  app.subjects = {"alice", "bob"};
  app.info.app_charcs = AppCharcs{1, 2, 3, 4, 0};
  app.info.app_location = {test::in_country("AU")};
  app.info.vendor_id = "acme";
  app.info.vendor_specific_ext = R"({"vendorId":"acme","x":{"y":[1,2]}})";
  const auto text = to_json(app);
  const auto again = decode_app(text);
  REQUIRE(again.ok());
  CHECK(to_json(*again) == text);
}

TEST_CASE("app: every limit of clause 6.2.2", "[operator]") {
  const auto good = to_json(test::sample_app());
  struct Bad {
    const char* path;
    Value value;
  };
  for (const auto& bad :
       {Bad{"/appName", std::string(33, 'x')}, Bad{"/appName", ""},
        Bad{"/appProvider", std::string(33, 'x')}, Bad{"/appSoftVersion", std::string(33, 'x')},
        Bad{"/appDescription", std::string(129, 'x')}, Bad{"/appDId", ""}, Bad{"/appDId", "a\nb"},
        Bad{"/appCharcs", {{"serviceCont", 2}}}, Bad{"/appCharcs", {{"memory", -1}}},
        Bad{"/appCharcs", {{"memory", 4294967296}}}, Bad{"/appCharcs", 1},
        Bad{"/vendorSpecificExt", Value::object()},
        Bad{"/vendorSpecificExt", {{"vendorId", std::string(33, 'x')}}}, Bad{"/enabled", 1},
        Bad{"/subjects", {1}}, Bad{"/enabeld", true}}) {
    CAPTURE(bad.path, bad.value.dump());
    auto document = good;
    document[Value::json_pointer(bad.path)] = bad.value;
    CHECK_FALSE(decode_app(document).ok());
  }
  for (const char* name :
       {"appDId", "appName", "appProvider", "appSoftVersion", "appDVersion", "appDescription"}) {
    CAPTURE(name);
    auto document = good;
    document.erase(name);
    CHECK_FALSE(decode_app(document).ok());
  }
}

}  // namespace
}  // namespace mx2::codec
