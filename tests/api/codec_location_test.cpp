// LocationConstraints (clause 6.5.2) and ApplicationList (clause 6.2.2).
#include "api/mx2/codec.h"
#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2::codec {
namespace {

using json::Value;
using test::ContainsSubstring;

Result<LocationConstraints> decode_location(const Value& document, Strictness strictness) {
  return json::decode_object<LocationConstraints>(
      document, [&](json::ObjectReader& reader, LocationConstraints& location) {
        location_members(reader, location, strictness);
      });
}

std::optional<Error> error_of(const char* text, Strictness strictness = Strictness::kFull) {
  const auto location = decode_location(json::parse(text).value(), strictness);
  return location.ok() ? std::nullopt : std::optional(location.error());
}

constexpr const char* kArea = R"({"area":{"coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}})";

TEST_CASE("item 27: a polygon may leave out its type, and gets it back", "[codec][location]") {
  const auto location = decode_location(json::parse(kArea).value(), Strictness::kFull);
  REQUIRE(location.ok());
  CHECK(to_json(*location)["area"]["type"] == "Polygon");
  CHECK(to_json(*location)["area"]["coordinates"][0][1] == Value::array({1.0, 0.0}));
  CHECK(error_of(R"({"area":{"type":"Point","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}})"));
}

TEST_CASE("6.5.2: exclusivity and country code rules of a new location", "[codec][location]") {
  for (const char* bad :
       {"{}", R"({"countryCode":"au"})", R"({"countryCode":"A"})", R"({"countryCode":"AUS"})",
        R"({"countryCode":"Ä"})", R"({"countryCode":7})",
        R"({"civicAddressElement":[{"caType":1,"caValue":"x"}]})",
        R"({"countryCode":"AU","civicAddressElement":[{"caType":1,"caValue":"x"}],
            "area":{"coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}})"}) {
    CAPTURE(bad);
    CHECK(error_of(bad));
  }
  CHECK_FALSE(error_of(R"({"countryCode":"AU"})"));
  CHECK_FALSE(error_of(
      R"({"countryCode":"AU","civicAddressElement":[{"caType":1,"caValue":"Victoria"}]})"));
}

TEST_CASE("RFC 7946: rings of a new location", "[codec][location][hostile]") {
  for (const char* bad :
       {R"({"area":{}})", R"({"area":{"coordinates":[]}})", R"({"area":{"coordinates":[[]]}})",
        R"({"area":{"coordinates":[[[0,0],[1,0],[0,0]]]}})",
        R"({"area":{"coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}})",
        R"({"area":{"coordinates":[[[0,0],[181,0],[1,1],[0,0]]]}})",
        R"({"area":{"coordinates":[[[0,0],[1,91],[1,1],[0,0]]]}})",
        R"({"area":{"coordinates":[[[0],[1,0],[1,1],[0]]]}})",
        R"({"area":{"coordinates":[[["0",0],[1,0],[1,1],["0",0]]]}})",
        R"({"area":{"coordinates":[{"a":1}]}})", R"({"area":{"coordinates":7}})",
        R"({"area":7})"}) {
    CAPTURE(bad);
    const auto error = error_of(bad);
    REQUIRE(error);
    CHECK(error->pointer.rfind("/area", 0) == 0);
  }
}

TEST_CASE("R-8: an update is checked by the schema alone", "[codec][location]") {
  CHECK_FALSE(error_of(R"({"countryCode":"49","civicAddressElement":[{"caType":1,"caValue":"x"}],
                           "area":{"coordinates":[[[7.4,43.7],[7.5,43.8]]]}})",
                       Strictness::kSchemaOnly));
  CHECK(error_of(R"({"countryCode":"492"})", Strictness::kSchemaOnly));
  CHECK(error_of(R"({"area":{"coordinates":"x"}})", Strictness::kSchemaOnly));
}

TEST_CASE("a polygon has a bounded number of positions", "[codec][location][hostile]") {
  Value ring = Value::array();
  for (std::size_t i = 0; i <= kPositionsMax; ++i) ring.push_back({0, 0});
  const Value location{{"area", {{"coordinates", Value::array({ring})}}}};
  const auto refused = decode_location(location, Strictness::kSchemaOnly);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, ContainsSubstring("too many positions"));
}

TEST_CASE("the polygons of one request have a bounded number of positions together",
          "[codec][location][hostile]") {
  auto request = test::minimal_context();
  const auto ring_of = [](std::size_t positions) {
    Value ring = Value::array({{0, 0}, {1, 0}});
    while (ring.size() < positions - 1) ring.push_back({1, 1});
    ring.push_back({0, 0});
    return ring;
  };
  auto& items = request["appInfo"]["userAppInstanceInfo"];
  items = Value::array();
  for (const auto positions : {kPositionsMax, kPositionsMax - 10, std::size_t{10}}) {
    items.push_back(
        {{"appLocation", {{"area", {{"coordinates", Value::array({ring_of(positions)})}}}}}});
  }
  const auto body = json::dump(request);
  CHECK(decode_create_request(body).ok());
  items.push_back({{"appLocation", {{"area", {{"coordinates", Value::array({ring_of(4)})}}}}}});
  const auto refused = decode_create_request(json::dump(request));
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, ContainsSubstring("positions together"));
  CHECK_FALSE(decode_update_request(json::dump(request)).ok());
  CHECK(decode_app_context(json::dump(request)).ok());  // what is stored already
}

TEST_CASE("civic address elements have an octet and a text", "[codec][location]") {
  for (const char* bad :
       {R"([{"caType":-1,"caValue":"x"}])", R"([{"caType":256,"caValue":"x"}])",
        R"([{"caType":1}])", R"([{"caValue":"x"}])", R"([7])", "7",
        R"([{"caType":"1","caValue":"x"}])", R"([{"caType":1.5,"caValue":"x"}])"}) {
    CAPTURE(bad);
    CHECK(error_of(
        (R"({"countryCode":"AU","civicAddressElement":)" + std::string(bad) + "}").c_str()));
  }
}

TEST_CASE("item 20: ApplicationList has exactly the names and types of 6.2.2", "[codec]") {
  auto app = test::sample_app();
  app.info.app_charcs = AppCharcs{256, 10, 50, 2000, 1};
  app.info.app_location = {test::in_country("AU")};
  app.info.vendor_id = "acme";
  app.info.vendor_specific_ext = R"({"vendorId":"acme","more":[1]})";
  const auto plain = test::sample_app("p", "plain");
  const auto list = json::parse(encode_application_list({&app.info, &plain.info})).value();
  CHECK(list == json::parse(R"({"appList":[
    {"appInfo":{"appDId":"facedetect-1","appName":"facedetect","appProvider":"Example",
      "appSoftVersion":"1.0","appDVersion":"1.0","appDescription":"An application of the tests",
      "appLocation":[{"countryCode":"AU"}],
      "appCharcs":{"memory":256,"storage":10,"latency":50,"bandwidth":2000,"serviceCont":1}},
     "vendorSpecificExt":{"vendorId":"acme","more":[1]}},
    {"appInfo":{"appDId":"p","appName":"plain","appProvider":"Example","appSoftVersion":"1.0",
      "appDVersion":"1.0","appDescription":"An application of the tests"}}]})")
                    .value());
}

TEST_CASE("item 28: an empty list is an empty array", "[codec]") {
  CHECK(encode_application_list({}) == R"({"appList":[]})");
}

}  // namespace
}  // namespace mx2::codec
