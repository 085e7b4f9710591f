// The four notifications of MEC 016, clauses 6.4.2 to 6.4.5.
#include "api/mx2/codec.h"
#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

using json::Value;

struct Sample {
  const char* type;
  Notification value;
  Value document;
  std::vector<std::string> mandatory;  // as pointers
};

std::vector<Sample> samples() {
  return {{"AddressChangeNotification",
           AddressChangeNotification{"c1", "i1", "http://n.example/a"},
           json::parse(R"({"notificationType":"AddressChangeNotification","contextId":"c1",
         "appInstanceId":"i1","referenceURI":"http://n.example/a"})")
               .value(),
           {"/notificationType", "/contextId", "/appInstanceId", "/referenceURI"}},
          {"ApplicationContextDeleteNotification",
           ApplicationContextDeleteNotification{"c1"},
           json::parse(R"({"notificationType":"ApplicationContextDeleteNotification",
         "contextId":"c1"})")
               .value(),
           {"/notificationType", "/contextId"}},
          {"ApplicationContextUpdateNotification",
           ApplicationContextUpdateNotification{
               "c1", {{"i1", "u1", test::in_country("AU")}, {"i2", "u2", std::nullopt}}},
           json::parse(R"({"notificationType":"ApplicationContextUpdateNotification",
         "contextId":"c1","userAppInstanceInfo":[
           {"appInstanceId":"i1","referenceURI":"u1","appLocation":{"countryCode":"AU"}},
           {"appInstanceId":"i2","referenceURI":"u2"}]})")
               .value(),
           {"/notificationType", "/contextId", "/userAppInstanceInfo",
            "/userAppInstanceInfo/1/appInstanceId", "/userAppInstanceInfo/1/referenceURI"}},
          {"ApplicationLocationAvailabilityNotification",
           ApplicationLocationAvailabilityNotification{"c1", {test::in_country("NZ")}},
           json::parse(R"({"notificationType":"ApplicationLocationAvailabilityNotification",
         "contextId":"c1","availableLocations":[{"appLocation":{"countryCode":"NZ"}}]})")
               .value(),
           {"/notificationType", "/availableLocations", "/availableLocations/0/appLocation"}}};
}

void remove(Value& document, const std::string& pointer) {
  const auto slash = pointer.rfind('/');
  document.at(Value::json_pointer(pointer.substr(0, slash))).erase(pointer.substr(slash + 1));
}

TEST_CASE("notification codec: there and back", "[codec][notification]") {
  for (const auto& sample : samples()) {
    CHECK(codec::type_of(sample.value) == sample.type);
    const auto text = codec::encode(sample.value);
    CHECK(json::parse(text).value() == sample.document);
    const auto decoded = codec::decode_notification(text);
    REQUIRE(decoded.ok());
    CHECK(decoded->index() == sample.value.index());
    CHECK(codec::encode(*decoded) == text);
  }
}

TEST_CASE("notification codec: each mandatory attribute is missed by name",
          "[codec][notification]") {
  for (const auto& sample : samples()) {
    for (const auto& pointer : sample.mandatory) {
      CAPTURE(sample.type, pointer);
      auto document = sample.document;
      remove(document, pointer);
      const auto decoded = codec::decode_notification(json::dump(document));
      REQUIRE_FALSE(decoded.ok());
      CHECK(decoded.error().code == ErrorCode::kInvalidArgument);
      CHECK(decoded.error().pointer == pointer);
    }
  }
}

TEST_CASE("notification codec: wrong types and empty texts are refused", "[codec][notification]") {
  for (const auto& sample : samples()) {
    for (const auto& pointer : sample.mandatory) {
      for (const auto& bad : {Value(7), Value(nullptr), Value(true), Value("")}) {
        CAPTURE(sample.type, pointer, json::dump(bad));
        auto document = sample.document;
        document[Value::json_pointer(pointer)] = bad;
        const auto decoded = codec::decode_notification(json::dump(document));
        REQUIRE_FALSE(decoded.ok());
        CHECK(decoded.error().pointer == pointer);
      }
    }
  }
}

TEST_CASE("notification codec: lists have at least one item, and not too many",
          "[codec][notification]") {
  for (const auto& [index, name] :
       {std::pair{2, "userAppInstanceInfo"}, {3, "availableLocations"}}) {
    auto document = samples().at(static_cast<std::size_t>(index)).document;
    const auto item = document[name][0];
    document[name] = Value::array();
    CHECK_FALSE(codec::decode_notification(json::dump(document)).ok());
    for (int i = 0; i < 257; ++i) document[name].push_back(item);
    CHECK_FALSE(codec::decode_notification(json::dump(document)).ok());
  }
}

TEST_CASE("notification codec: what is no notification", "[codec][notification]") {
  for (const char* bad : {"", "{", "[]", "7", "null", "{}", R"({"notificationType":"Other"})",
                          R"({"notificationType":"addressChangeNotification","contextId":"c"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(codec::decode_notification(bad).ok());
  }
}

TEST_CASE("notification codec: unknown attributes are ignored, contextId may be absent in one",
          "[codec][notification]") {
  for (auto sample : samples()) {
    sample.document["new"] = {{"in", "the next edition"}};
    CHECK(codec::decode_notification(json::dump(sample.document)).ok());
  }
  auto last = samples().back().document;
  last.erase("contextId");
  const auto decoded = codec::decode_notification(json::dump(last));
  REQUIRE(decoded.ok());
  CHECK_FALSE(json::parse(codec::encode(*decoded)).value().contains("contextId"));
}

TEST_CASE("notification codec: a V1.1.1 client finds its referenceURI", "[codec][notification]") {
  const auto text = codec::encode(AddressChangeNotification{"c", "i", "10.0.0.2:6473"});
  const auto document = json::parse(text).value();
  REQUIRE(document.is_object());
  CHECK(document["referenceURI"] == "10.0.0.2:6473");  // at the top, as a string
}

}  // namespace
}  // namespace mx2
