// mx2ctl apps import: the on-boarded application files of the ETSI MEC Sandbox.
#include "ctl/onboarded_apps.h"

#include "tests/catch.h"

namespace mx2::ctl {
namespace {

Result<OnboardedApps> read_text(const std::string& text) {
  return read_onboarded_apps(json::parse(text).value());
}

// As the Sandbox ships them, nulls and telephone codes included.
const std::string kDemo =
    R"({"appDId":"onboarded-demo4","appName":"onboarded-demo4","appProvider":"ETSI",
    "appSoftVersion":"v0.1.0","appDVersion":"v0.1.0","appDescription":"Basic HTTP Ping Pong",
    "appLocation":[{"area":null,"civicAddressElement":null,"countryCode":"33"}],
    "appCharcs":[{"memory":1024,"storage":1024,"latency":1024,"bandwidth":1024,"serviceCont":0}],
    "cmd":"/onboardedapp-vol/onboarded-demo4/onboarded-demo4","args":["a"]})";

std::string minimal(const std::string& id, const std::string& more = {}) {
  return R"({"appDId":")" + id +
         R"(","appName":"n","appProvider":"p","appSoftVersion":"1","appDVersion":"1",)"
         R"("appDescription":"d")" +
         more + "}";
}

std::string list_of(const std::string& infos, const std::string& more = {}) {
  return R"({"appList":[{"appInfoList":[)" + infos + "]" + more + "}]}";
}

std::string pointer_of(const std::string& text) {
  const auto read = read_text(text);
  return read ? "none" : read.error().pointer;
}

TEST_CASE("on-boarded apps: a file of the Sandbox becomes an app of ours", "[ctl][import]") {
  const auto read = read_text(list_of(kDemo, R"(,"vendorSpecificExt":{"vendorId":"ETSI"})"));
  REQUIRE(read.ok());
  REQUIRE(read->apps.size() == 1);
  CHECK(read->apps[0].pointer == "/appList/0/appInfoList/0");
  CHECK(read->apps[0].document == json::parse(R"({"appDId":"onboarded-demo4",
    "appName":"onboarded-demo4","appProvider":"ETSI","appSoftVersion":"v0.1.0",
    "appDVersion":"v0.1.0","appDescription":"Basic HTTP Ping Pong",
    "appCharcs":{"memory":1024,"storage":1024,"latency":1024,"bandwidth":1024,"serviceCont":0},
    "vendorSpecificExt":{"vendorId":"ETSI"}})")
                                      .value());
  CHECK(read->remarks ==
        std::vector<std::string>{"/appList/0/appInfoList/0: not used: args, cmd",
                                 "/appList/0/appInfoList/0/appLocation/0/countryCode: '33' is no "
                                 "code of ISO 3166; left out"});
}

TEST_CASE("on-boarded apps: every entry of every list counts", "[ctl][import]") {
  const auto read = read_text(R"({"appList":[{"appInfoList":[)" + minimal("a") + "," +
                              minimal("b", R"(,"appCharcs":{"memory":1})") +
                              R"(]},{"appInfoList":[]},{"vendorSpecificExt":null,"appInfoList":[)" +
                              minimal("c", R"(,"appCharcs":[],"appLocation":[])") + "]}]}");
  REQUIRE(read.ok());
  REQUIRE(read->apps.size() == 3);
  CHECK(read->apps[1].document["appCharcs"]["memory"] == 1);
  CHECK(read->apps[2].pointer == "/appList/2/appInfoList/0");
  CHECK_FALSE(read->apps[2].document.contains("appCharcs"));
  CHECK(read->remarks.empty());
}

TEST_CASE("on-boarded apps: errors name the place in the file", "[ctl][import]") {
  CHECK(pointer_of("{}") == "/appList");
  CHECK(pointer_of("[]").empty());
  CHECK(pointer_of(R"({"appList":7})") == "/appList");
  CHECK(pointer_of(R"({"appList":[7]})") == "/appList/0");
  CHECK(pointer_of(R"({"appList":[{}]})") == "/appList/0/appInfoList");
  CHECK(pointer_of(list_of("7")) == "/appList/0/appInfoList/0");
  CHECK(pointer_of(list_of(minimal("a") + ",{}")) == "/appList/0/appInfoList/1/appDId");
  const std::string entry = "/appList/0/appInfoList/0";
  CHECK(pointer_of(list_of(minimal("a", R"(,"appCharcs":[{"memory":-1}])"))) ==
        entry + "/appCharcs/0/memory");
  CHECK(pointer_of(list_of(minimal("a", R"(,"appCharcs":{"memory":"x"})"))) ==
        entry + "/appCharcs/memory");
  CHECK(pointer_of(list_of(minimal("a", R"(,"appCharcs":[{},{}])"))) == entry + "/appCharcs");
  CHECK(pointer_of(list_of(minimal("a"), R"(,"vendorSpecificExt":{"vendorId":7})")) ==
        "/appList/0/vendorSpecificExt/vendorId");
  CHECK(pointer_of(list_of(minimal("a"), R"(,"vendorSpecificExt":7)")) ==
        "/appList/0/vendorSpecificExt");
  CHECK(pointer_of(
            list_of(minimal("a", R"(,"appLocation":[{"countryCode":"33"},{"countryCode":7}])"))) ==
        entry + "/appLocation/1/countryCode");
  CHECK(pointer_of(list_of(minimal("a", R"(,"appLocation":[7])"))) == entry + "/appLocation/0");
  CHECK(pointer_of(list_of(minimal("a", R"(,"appLocation":7)"))) == entry + "/appLocation");
}

TEST_CASE("on-boarded apps: a location keeps what is right of it", "[ctl][import]") {
  const auto read = read_text(
      list_of(minimal("a", R"(,"appLocation":[{"countryCode":"FR"},{"countryCode":"49","area":
      {"coordinates":[[[7,43],[8,43],[8,44],[7,44],[7,43]]]}}])")));
  CAPTURE(read.ok() ? "" : read.error().detail + read.error().pointer);
  REQUIRE(read.ok());
  const auto& locations = read->apps[0].document["appLocation"];
  REQUIRE(locations.size() == 2);
  CHECK(locations[0]["countryCode"] == "FR");
  CHECK_FALSE(locations[1].contains("countryCode"));
}

}  // namespace
}  // namespace mx2::ctl
