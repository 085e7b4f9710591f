// AppContext of MEC 016 V2.2.1, clause 6.2.3; numbers are those of the conformance checklist.
#include "api/mx2/codec.h"
#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2::codec {
namespace {

using json::Value;
using test::ContainsSubstring;
using test::minimal_context;

std::string characters(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "ä";
  return text;
}

Value full_context() {
  auto context = minimal_context();
  context["callbackReference"] = "http://ue.example:8000/cb?x=1";
  context["appLocationUpdates"] = true;
  context["appAutoInstantiation"] = false;
  context["appInfo"]["appDId"] = "facedetect-1";
  context["appInfo"]["appSoftVersion"] = "1.0";
  context["appInfo"]["appDescription"] = "d";
  context["appInfo"]["appPackageSource"] = "https://repo.example/p.csar";
  context["appInfo"]["userAppInstanceInfo"] = {{{"appLocation", {{"countryCode", "AU"}}}},
                                               Value::object()};
  return context;
}

// `path`: JSON pointer of the attribute that is set to `value` (or removed) in the full context.
Value with(const std::string& path, Value value) {
  auto context = full_context();
  context[Value::json_pointer(path)] = std::move(value);
  return context;
}

Value without(const std::string& path) {
  auto context = full_context();
  const Value::json_pointer pointer(path);
  context[pointer.parent_pointer()].erase(pointer.back());
  return context;
}

void check_refused(const Value& context, const std::string& pointer) {
  const auto decoded = decode_create_request(json::dump(context));
  CAPTURE(context.dump(), pointer);
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().code == ErrorCode::kInvalidArgument);
  CHECK(decoded.error().pointer == pointer);
}

TEST_CASE("items 10, 41: every mandatory attribute of AppContext is required", "[codec]") {
  for (const auto* path :
       {"/associateDevAppId", "/appInfo", "/appInfo/appName", "/appInfo/appProvider",
        "/appInfo/appDVersion", "/appInfo/userAppInstanceInfo"}) {
    check_refused(without(path), path);
    CHECK_FALSE(decode_update_request(json::dump(without(path))).ok());
  }
}

TEST_CASE("item 39, R-4: the minimal body is accepted", "[codec]") {
  const auto decoded = decode_create_request(json::dump(minimal_context()));
  REQUIRE(decoded.ok());
  CHECK(decoded->associate_dev_app_id == "ue-1");
  CHECK(decoded->app_info.app_name == "facedetect");
  CHECK(decoded->app_info.user_app_instance_info.size() == 1);
  CHECK_FALSE(decoded->app_info.app_d_id);
  CHECK_FALSE(decoded->callback_reference);
}

TEST_CASE("item 21: what a request says comes back unchanged", "[codec]") {
  const auto decoded = decode_create_request(json::dump(full_context()));
  REQUIRE(decoded.ok());
  CHECK(json::parse(encode(*decoded)).value() == full_context());
}

TEST_CASE("item 14: lengths are limited in characters, not bytes", "[codec]") {
  struct Limit {
    const char* path;
    std::size_t most;
  };
  for (const auto& limit : {Limit{"/associateDevAppId", 32}, Limit{"/appInfo/appName", 32},
                            Limit{"/appInfo/appProvider", 32}, Limit{"/appInfo/appSoftVersion", 32},
                            Limit{"/appInfo/appDescription", 128}}) {
    CAPTURE(limit.path);
    CHECK(decode_create_request(json::dump(with(limit.path, characters(limit.most)))).ok());
    check_refused(with(limit.path, characters(limit.most + 1)), limit.path);
  }
}

TEST_CASE("item 10: a wrong type is refused where it stands", "[codec]") {
  for (const auto* path :
       {"/associateDevAppId", "/callbackReference", "/appLocationUpdates", "/appAutoInstantiation",
        "/appInfo", "/appInfo/appName", "/appInfo/appProvider", "/appInfo/appDVersion",
        "/appInfo/appDId", "/appInfo/appSoftVersion", "/appInfo/appDescription",
        "/appInfo/appPackageSource", "/appInfo/userAppInstanceInfo"}) {
    for (const auto& wrong : {Value(7), Value(nullptr), Value::array({7})}) {
      if (std::string(path) == "/appInfo/userAppInstanceInfo" && wrong.is_array()) continue;
      check_refused(with(path, wrong), path);
    }
  }
  check_refused(with("/appInfo/userAppInstanceInfo", {7}), "/appInfo/userAppInstanceInfo/0");
}

TEST_CASE("item 10: a document that is no object is refused", "[codec]") {
  for (const char* body : {"[]", "\"x\"", "null", "1", "true", "", "{"}) {
    CAPTURE(body);
    CHECK_FALSE(decode_create_request(body).ok());
    CHECK_FALSE(decode_update_request(body).ok());
    CHECK_FALSE(decode_location_availability(body).ok());
  }
}

TEST_CASE("item 41: userAppInstanceInfo has 1 to 16 items", "[codec]") {
  check_refused(with("/appInfo/userAppInstanceInfo", Value::array()),
                "/appInfo/userAppInstanceInfo");
  const std::vector<Value> most(kInstancesMax, Value::object());
  CHECK(decode_create_request(json::dump(with("/appInfo/userAppInstanceInfo", most))).ok());
  const std::vector<Value> more(kInstancesMax + 1, Value::object());
  check_refused(with("/appInfo/userAppInstanceInfo", more), "/appInfo/userAppInstanceInfo");
}

TEST_CASE("item 22: the two flags shall not both be true", "[codec]") {
  check_refused(with("/appAutoInstantiation", true), "");
}

TEST_CASE("item 24: appLocationUpdates needs a callbackReference", "[codec]") {
  check_refused(without("/callbackReference"), "/appLocationUpdates");
}

TEST_CASE("item 25: callbackReference is an absolute http or https URI", "[codec]") {
  for (const char* bad :
       {"", "ftp://x/y", "/relative", "http://", "http:///p", "http://:80/", "javascript:alert(1)",
        "http://a b/", "file:///etc/passwd", "http:/x", "http://x/\xC3\xA4", "http://x/\r\nX: y"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_create_request(json::dump(with("/callbackReference", bad))).ok());
  }
  for (const char* good :
       {"HTTP://x", "https://[2001:db8::1]:8443/cb", "http://10.0.0.1:80/a?b#c"}) {
    CAPTURE(good);
    CHECK(decode_create_request(json::dump(with("/callbackReference", good))).ok());
  }
}

TEST_CASE("item 37, R-1: wrapped bodies are read", "[codec]") {
  for (const char* name : {"appContext", "AppContext"}) {
    CHECK(decode_create_request(json::dump({{name, minimal_context()}})).ok());
    CHECK(decode_update_request(json::dump({{name, minimal_context()}})).ok());
  }
  CHECK_FALSE(decode_create_request(json::dump({{"AppCtx", minimal_context()}})).ok());
  CHECK_FALSE(decode_create_request(R"({"appContext":[]})").ok());
}

TEST_CASE("item 42: contextId is refused in a create request", "[codec]") {
  check_refused(with("/contextId", "1"), "/contextId");
}

TEST_CASE("item 42: appInstanceId and referenceURI of a create request are ignored", "[codec]") {
  const Value item{{"appInstanceId", "forged"}, {"referenceURI", "http://evil"}};
  const auto decoded =
      decode_create_request(json::dump(with("/appInfo/userAppInstanceInfo", {item})));
  REQUIRE(decoded.ok());
  CHECK(decoded->app_info.user_app_instance_info[0].app_instance_id.empty());
  CHECK(decoded->app_info.user_app_instance_info[0].reference_uri.empty());
}

TEST_CASE("item 16: unknown attributes are ignored", "[codec]") {
  const auto decoded = decode_create_request(json::dump(with("/somethingNew", {{"a", 1}})));
  REQUIRE(decoded.ok());
  CHECK(json::parse(encode(*decoded)).value() == full_context());
}

TEST_CASE("R-7, item 53: associateUeAppId is the one unknown name that is refused", "[codec]") {
  check_refused(with("/associateUeAppId", "x"), "/associateUeAppId");
  CHECK_FALSE(decode_update_request(json::dump(with("/associateUeAppId", "x"))).ok());
}

TEST_CASE("items 52, R-6: an update may carry any contextId, or none", "[codec]") {
  CHECK(decode_update_request(json::dump(with("/contextId", "1"))).ok());
  CHECK(decode_update_request(json::dump(with("/contextId", std::string(36, 'a')))).ok());
  CHECK(decode_update_request(json::dump(full_context())).ok());
}

TEST_CASE("item 15: absent attributes are omitted, never null", "[codec]") {
  const auto encoded = encode(*decode_create_request(json::dump(minimal_context())));
  CHECK(encoded.find("null") == std::string::npos);
  CHECK(json::parse(encoded).value() == minimal_context());
}

TEST_CASE("representation: what the store keeps can always be read back", "[codec]") {
  AppContext context = *decode_create_request(json::dump(full_context()));
  context.context_id = std::string(32, 'c');
  context.app_info.user_app_instance_info[0].app_instance_id = "i";
  context.app_info.user_app_instance_info[0].reference_uri = "10.0.0.1:80";
  const auto text = encode(context);
  const auto again = decode_app_context(text);
  REQUIRE(again.ok());
  CHECK(encode(*again) == text);
}

TEST_CASE("representation: any text that V1.1.1 lets into the store can be read back", "[codec]") {
  AppContext context = *decode_create_request(json::dump(minimal_context()));
  context.associate_dev_app_id = std::string(64, 'u');
  context.app_info.app_package_source = "clambda.zip";
  const auto again = decode_app_context(encode(context));
  CAPTURE(again.ok() ? "" : again.error().detail);
  CHECK(again.ok());
}

TEST_CASE("items 63-65: ApplicationLocationAvailability", "[codec]") {
  const Value body{{"associateDevAppId", "ue"},
                   {"appInfo",
                    {{"appName", "n"},
                     {"appProvider", "p"},
                     {"appDVersion", "1"},
                     {"appDescription", "d"},
                     {"availableLocations", "ignored"}}}};
  auto decoded = decode_location_availability(json::dump(body));
  REQUIRE(decoded.ok());
  CHECK(decoded->available_locations.empty());
  decoded->available_locations.push_back(test::in_country("AU"));
  const auto encoded = json::parse(encode(*decoded)).value();
  CHECK(encoded["appInfo"]["availableLocations"][0]["appLocation"]["countryCode"] == "AU");
  CHECK(encoded["appInfo"]["appDescription"] == "d");
  CHECK(decode_location_availability(json::dump({{"ApplicationLocationAvailability", body}})).ok());
  for (const auto* name : {"appName", "appProvider", "appDVersion"}) {
    auto bad = body;
    bad["appInfo"].erase(name);
    CHECK(decode_location_availability(json::dump(bad)).error().pointer ==
          "/appInfo/" + std::string(name));
  }
}

}  // namespace
}  // namespace mx2::codec
