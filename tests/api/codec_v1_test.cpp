// The V1.1.1 dialect of etsimec and ServerlessOnEdge.
#include "api/mx2/codec_v1.h"

#include "api/json/json.h"
#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2::codec_v1 {
namespace {

using json::Value;
using test::minimal_legacy_context;

std::string with(const std::string& path, Value value) {
  auto context = minimal_legacy_context();
  context[Value::json_pointer(path)] = std::move(value);
  return json::dump(context);
}

TEST_CASE("V1: the smallest request", "[codec][legacy]") {
  const auto decoded = decode_create_request(json::dump(minimal_legacy_context()));
  REQUIRE(decoded.ok());
  CHECK(decoded->associate_dev_app_id == "ue-1");
  CHECK_FALSE(decoded->app_info.app_soft_version);
  CHECK(decoded->app_info.user_app_instance_info.size() == 1);
}

TEST_CASE("V1: associateUeAppId, appName and appProvider are mandatory and not empty",
          "[codec][legacy]") {
  for (const char* path : {"/associateUeAppId", "/appInfo/appName", "/appInfo/appProvider"}) {
    CAPTURE(path);
    CHECK_FALSE(decode_create_request(with(path, "")).ok());
    CHECK_FALSE(decode_create_request(with(path, nullptr)).ok());
  }
  CHECK_FALSE(decode_create_request(R"({"associateUeAppId":"x"})").ok());
  CHECK_FALSE(decode_create_request(R"({"appInfo":{"appName":"a","appProvider":"b"}})").ok());
}

TEST_CASE("V1: 36-character UUIDs are accepted as associateUeAppId", "[codec][legacy]") {
  CHECK(decode_create_request(with("/associateUeAppId", "04dd0c79-151f-460d-9357-228f1c882b23"))
            .ok());
  CHECK(decode_create_request(with("/associateUeAppId", std::string(64, 'x'))).ok());
  CHECK_FALSE(decode_create_request(with("/associateUeAppId", std::string(65, 'x'))).ok());
}

TEST_CASE("V1: lengths of appInfo", "[codec][legacy]") {
  for (const char* path : {"/appInfo/appName", "/appInfo/appProvider", "/appInfo/appSoftVersion"}) {
    CAPTURE(path);
    CHECK(decode_create_request(with(path, std::string(32, 'x'))).ok());
    CHECK_FALSE(decode_create_request(with(path, std::string(33, 'x'))).ok());
  }
  CHECK(decode_create_request(with("/appInfo/appDescription", std::string(128, 'x'))).ok());
  CHECK_FALSE(decode_create_request(with("/appInfo/appDescription", std::string(129, 'x'))).ok());
}

TEST_CASE("etsimec bug 3: a request that looks like a response is refused", "[codec][legacy]") {
  CHECK_FALSE(decode_create_request(with("/contextId", "x")).ok());
  CHECK_FALSE(decode_create_request(with("/appInfo/referenceURI", "10.0.0.1:1")).ok());
  CHECK(decode_update_request(with("/contextId", "x")).ok());
  CHECK(decode_update_request(with("/appInfo/referenceURI", "10.0.0.1:1")).ok());
}

TEST_CASE("etsimec bug 12: a callback is an http URI or empty", "[codec][legacy]") {
  CHECK(decode_create_request(with("/callbackReference", "")).ok());
  CHECK(decode_create_request(with("/callbackReference", "http://ue:1/x")).ok());
  CHECK_FALSE(decode_create_request(with("/callbackReference", "file:///etc/passwd")).ok());
}

TEST_CASE("V1: an answer echoes the request with contextId and referenceURI", "[codec][legacy]") {
  auto context = *decode_create_request(with("/callbackReference", "http://ue:1/x"));
  context.context_id = std::string(32, 'a');
  context.app_info.user_app_instance_info[0].reference_uri = "10.0.0.1:6473";
  const auto answer = json::parse(encode(context)).value();
  CHECK(answer["contextId"] == std::string(32, 'a'));
  CHECK(answer["appInfo"]["referenceURI"] == "10.0.0.1:6473");
  CHECK(answer["callbackReference"] == "http://ue:1/x");
  CHECK_FALSE(answer["appInfo"].contains("appCharcs"));
  CHECK_FALSE(answer["appInfo"].contains("appSoftVersion"));
}

TEST_CASE("V1: every list entry has appCharcs, clients classify by it", "[codec][legacy]") {
  const auto app = test::sample_app();
  const auto list = json::parse(encode_application_list({&app.info})).value();
  const auto& entry = list["ApplicationList"]["appInfo"][0];
  CHECK(entry["appName"] == "facedetect");
  CHECK(entry["appCharcs"] ==
        Value{{"memory", 0}, {"storage", 0}, {"latency", 0}, {"bandwidth", 0}, {"serviceCont", 0}});
  CHECK(encode_application_list({}) == R"({"ApplicationList":{"appInfo":[]}})");
}

}  // namespace
}  // namespace mx2::codec_v1
