// app_pkgm/v1 of ETSI GS MEC 010-2: packages that are as they should be.
#include "tests/orchestrator/endpoints/packages.h"

#include <algorithm>
#include <atomic>

#include "tests/catch.h"

namespace mx2::test {
namespace {

const std::string kPatch = "/app_pkgm/v1/app_packages/";

json::Value state_of(bool enabled) {
  return {{"operationalState", enabled ? "ENABLED" : "DISABLED"}};
}

Response patch(Client& ops, const std::string& id, const json::Value& body) {
  return ops.request("PATCH", kPatch + id, json::dump(body));
}

TEST_CASE("packages: created, uploaded, on-boarded, and in the catalogue", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto zip = package_zip();
  const auto made = ops.post(kPackages, create_request(digest_of(zip)));
  REQUIRE(made.status == 201);
  const auto id = made.json()["id"].get<std::string>();
  CHECK_THAT(*made.header("Location"), ContainsSubstring(kPackages + "/" + id));
  CHECK(made.json()["onboardingState"] == "CREATED");
  CHECK(made.json()["operationalState"] == "DISABLED");
  CHECK(made.json()["appDVersion"] == "1");
  CHECK(ops.get(kPackages + "/" + id + "/package_content").status == 409);
  CHECK(put_content(ops, id, zip).status == 202);
  const auto info = settled(ops, id);
  CHECK(info["onboardingState"] == "ONBOARDED");
  CHECK(info["operationalState"] == "ENABLED");
  CHECK(info["usageState"] == "NOT_IN_USE");
  CHECK(info["appDId"] == "hello-1");
  CHECK(info["appSoftwareVersion"] == "1.2");
  CHECK(info["checksum"]["hash"] == digest_of(zip));
  CHECK(info["mx2"]["memoryMiB"] == 64);
  CHECK(ops.get(kOnboardedPackages + "/hello-1").json() == info);
  const auto app = ops.get(kOperator + "/apps/hello-1").json();
  CHECK(app["appName"] == "hello");
  CHECK(app["appCharcs"]["memory"] == 64);
  auto mx2 = server.mx2();
  CHECK_THAT(mx2.get(kAppList).body, ContainsSubstring("Says hello"));
}

TEST_CASE("packages: fetched from appPkgPath", "[http][packages]") {
  const auto zip = package_zip();
  Receiver source([&](const Heard&, std::size_t) {
    return http::Reply{200, "application/zip", zip, {}, false};
  });
  const TestServer server;
  auto ops = server.ops();
  const auto made =
      ops.post(kPackages, create_request(digest_of(zip), "hello", source.url("/hello.zip")));
  REQUIRE(made.status == 201);
  const auto info = settled(ops, made.json()["id"]);
  CHECK(info["onboardingState"] == "ONBOARDED");
  CHECK(source.heard().size() == 1);
  const auto again =
      ops.post(kPackages, create_request(digest_of(zip), "hello", source.url("/hello.zip")));
  CHECK(again.status == 201);
  CHECK(again.json()["id"] == info["id"]);
  CHECK(again.json()["onboardingState"] == "ONBOARDED");
  CHECK(source.heard().size() == 1);
  CHECK(ops.post(kPackages, create_request(std::string(64, 'a'))).status == 409);
}

TEST_CASE("packages: what operators have set of an app stays", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  auto app = ops.get(kOperator + "/apps/facedetect-1").json();
  app["strategy"] = "baseline";
  app["subjects"] = {"alice"};
  REQUIRE(ops.put(kOperator + "/apps/facedetect-1", app).status == 200);
  auto appd = sample_appd("facedetect-1");
  appd["appName"] = "facedetect";
  const auto id = onboarded(ops, package_zip(appd));
  const auto after = ops.get(kOperator + "/apps/facedetect-1").json();
  CHECK(after["strategy"] == "baseline");
  CHECK(after["subjects"] == app["subjects"]);
  CHECK(after["appCharcs"] == app["appCharcs"]);
  CHECK(after["appSoftVersion"] == "1.2");
  CHECK(ops.get(kPackages + "/" + id).json()["usageState"] == "IN_USE");
  CHECK(patch(ops, id, state_of(false)).status == 200);
  const auto refused = ops.erase(kPackages + "/" + id);
  CHECK(refused.status == 409);
  CHECK_THAT(refused.detail(), ContainsSubstring("instances"));
}

TEST_CASE("packages: enabled, disabled, deleted", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto id = onboarded(ops, package_zip());
  CHECK(ops.erase(kPackages + "/" + id).status == 409);
  CHECK(patch(ops, id, state_of(true)).status == 409);
  const auto disabled = patch(ops, id, {{"operationState", "DISABLED"}});
  CHECK(disabled.status == 200);
  CHECK(disabled.json()["operationalState"] == "DISABLED");
  CHECK(disabled.json()["operationState"] == "DISABLED");
  CHECK(ops.get(kPackages + "/" + id).json()["operationalState"] == "DISABLED");
  for (const auto* bad : {"{}", "[]", R"({"operationalState":"ON"})", "x"}) {
    CHECK(ops.request("PATCH", kPatch + id, bad).status == 400);
  }
  CHECK(ops.request("PATCH", kPatch + std::string(32, '0'), "x").status == 404);
  CHECK(ops.erase(kPackages + "/" + id).status == 204);
  CHECK(ops.erase(kPackages + "/" + id).status == 404);
  CHECK(ops.get(kPackages + "/" + id + "/appd").status == 404);
  CHECK(ops.get(kOperator + "/apps/hello-1").status == 404);
  CHECK(std::filesystem::is_empty(server.directory.file("mx2.sqlite.packages")));
}

TEST_CASE("packages: descriptor, content, and parts of it", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto zip = package_zip();
  const auto id = onboarded(ops, zip);
  for (const auto& base : {kPackages + "/" + id, kOnboardedPackages + "/hello-1"}) {
    const auto appd = ops.get(base + "/appd");
    CHECK(appd.status == 200);
    CHECK(*appd.header("Content-Type") == "text/plain");
    CHECK(json::parse(appd.body).value()["appDId"] == "hello-1");
    CHECK(ops.get(base + "/appd?filtr=x").status == 400);
    const auto content = ops.get(base + "/package_content");
    CHECK(content.status == 200);
    CHECK(content.body == zip);
    CHECK(*content.header("Content-Type") == "application/zip");
    CHECK(*content.header("ETag") == "\"" + digest_of(zip) + "\"");
    CHECK(ops.request("PUT", base + "/package_content", zip).status == 409);
  }
  const auto part = [&](const std::string& range, HeaderList more = {}) {
    more.emplace_back("Range", range);
    return ops.request("GET", kPackages + "/" + id + "/package_content", "", more);
  };
  const auto size = std::to_string(zip.size());
  const auto last = std::to_string(zip.size() - 1);
  CHECK(part("bytes=2-5").status == 206);
  CHECK(part("bytes=2-5").body == zip.substr(2, 4));
  CHECK(*part("bytes=2-5").header("Content-Range") == "bytes 2-5/" + size);
  CHECK(part("bytes=10-").body == zip.substr(10));
  CHECK(part("bytes=-3").body == zip.substr(zip.size() - 3));
  CHECK(*part("bytes=0-999999999").header("Content-Range") == "bytes 0-" + last + "/" + size);
  CHECK(part("bytes=" + size + "-").status == 416);
  CHECK(*part("bytes=" + size + "-").header("Content-Range") == "bytes */" + size);
  for (const auto* all : {"bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x-", "bytes=-"}) {
    CHECK(part(all).status == 200);
  }
  CHECK(part("bytes=0-1", {{"If-Range", "\"old\""}}).status == 200);
}

TEST_CASE("packages: lists with filters and selectors", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto id = onboarded(ops, package_zip());
  auto second = create_request(std::string(64, 'b'), "other");
  second["userDefinedData"] = {{"owner", "me"}};
  REQUIRE(ops.post(kPackages, second).status == 201);
  CHECK(ops.get(kPackages).json().size() == 2);
  CHECK(ops.get(kOnboardedPackages).json().size() == 1);
  const auto filtered = ops.get(kPackages + "?filter=(eq,onboardingState,ONBOARDED)").json();
  REQUIRE(filtered.size() == 1);
  CHECK(filtered[0]["id"] == id);
  CHECK(ops.get(kPackages + "?filter=(cont,userDefinedData/owner,m)").json().size() == 1);
  CHECK(ops.get(kPackages + "?filter=(eq,x,y").status == 400);
  CHECK(ops.get(kPackages + "?fields=nothing").status == 400);
  CHECK(ops.get(kPackages + "?flter=x").status == 400);
  CHECK(ops.get(kPackages + "?all_fields").status == 200);
  CHECK_FALSE(ops.get(kPackages + "?exclude_default").json()[1].contains("userDefinedData"));
  CHECK(ops.get(kPackages + "?fields=userDefinedData").json()[1].contains("userDefinedData"));
  CHECK_FALSE(ops.get(kPackages + "?fields=userDefinedData").json()[1].contains("mx2"));
}

TEST_CASE("packages: subscribers hear", "[http][packages]") {
  Receiver subscriber([](const Heard&, std::size_t n) {
    return n == 0 ? http::Reply{503, "", "", {}, false} : http::no_content();
  });
  const TestServer server(
      [](OrchestratorOptions& options) { options.notifier.relay.retry.first_delay_ms = 1; });
  auto ops = server.ops();
  const auto subscribe = [&](const json::Value& type, const json::Value& filter = {}) {
    json::Value body{{"callbackUri", subscriber.url("/s")}, {"subsctiptionType", type}};
    if (filter.is_array()) body["appPkgFilter"] = filter;
    return ops.post(kPackageSubscriptions, body);
  };
  const auto made = subscribe("AppPackageOnBoarding");
  REQUIRE(made.status == 201);
  CHECK(made.json()["subscriptionType"] == "AppPackageOnBoarding");
  CHECK(subscribe("AppPackageOperationChange").json()["subscriptionType"] ==
        "AppPackageOperationChange");
  CHECK(subscribe("AppPackageDeletion", {"(eq,appDId,other)"}).status == 201);
  CHECK(subscribe("AppPackageDeletion", {"(eq,appDId"}).status == 400);
  CHECK(subscribe("Nothing").status == 400);
  const auto links = ops.get(kPackageSubscriptions).json()["_links"]["subscriptions"];
  REQUIRE(links.size() == 3);
  CHECK(links[1]["subscriptionType"] == "AppPackageOperationChange");
  const auto id = onboarded(ops, package_zip());
  REQUIRE(subscriber.hears(2));
  const auto heard = subscriber.last().json();
  CHECK(heard["notificationType"] == "AppPackageOnBoarded");
  CHECK(heard["appPkgId"] == id);
  CHECK(heard["subscriptionId"] == made.json()["id"]);
  CHECK(heard["_links"]["subscription"]["href"] == made.json()["_links"]["self"]["href"]);
  CHECK(heard["timeStamp"]["seconds"] == 1'700'000'000);
  REQUIRE(patch(ops, id, state_of(false)).status == 200);
  REQUIRE(subscriber.hears(3));
  CHECK(subscriber.last().json()["notificationType"] == "AppPacakgeDisabled");
  const auto one = kPackageSubscriptions + "/" + made.json()["id"].get<std::string>();
  CHECK(ops.get(one).status == 200);
  CHECK(ops.erase(one).status == 204);
  CHECK(ops.erase(one).status == 404);
  CHECK(ops.get(one).status == 404);
  CHECK(ops.erase(kPackages + "/" + id).status == 204);
}

// One that was away hears what a package is now, over a restart; one that has unsubscribed,
// nothing.
TEST_CASE("packages: what subscribers are owed survives, and goes with them", "[http][packages]") {
  std::atomic<bool> away = true;
  Receiver subscriber([&](const Heard&, std::size_t) {
    return away ? http::Reply{503, "", "", {}, false} : http::no_content();
  });
  TestServer server([](OrchestratorOptions& options) {
    options.notifier.relay.look_every_ms = 5;  // the test moves the clock, nobody wakes it
  });
  {
    auto ops = server.ops();
    const auto subscribe = [&](const std::string& path) {
      return ops
          .post(kPackageSubscriptions, {{"callbackUri", subscriber.url(path)},
                                        {"subscriptionType", "AppPackageOperationChange"}})
          .json()["id"]
          .get<std::string>();
    };
    const auto stays = subscribe("/stays");
    const auto gone = subscribe("/gone");
    const auto id = onboarded(ops, package_zip());
    for (const bool enabled : {false, true, false}) {
      REQUIRE(patch(ops, id, state_of(enabled)).status == 200);
    }
    const auto owed = ops.get(kOperator + "/outbox").json();
    REQUIRE(owed["pending"] == 2);
    CHECK(owed["items"][0]["contextId"] == stays + "/" + id);
    CHECK(owed["items"][0]["notificationType"] == "AppPacakgeDisabled");
    CHECK(ops.erase(kPackageSubscriptions + "/" + gone).status == 204);
    CHECK(ops.get(kOperator + "/outbox").json()["pending"] == 1);
  }
  server.restart();
  const auto before = subscriber.heard().size();
  away = false;
  auto ops = server.ops();
  REQUIRE(eventually([&] {
    server.advance(1000);
    return ops.get(kOperator + "/outbox").json()["pending"] == 0;
  }));
  CHECK(subscriber.last().path == "/stays");
  CHECK(subscriber.last().json()["notificationType"] == "AppPacakgeDisabled");
  CHECK(subscriber.last().header("Mx2-Sequence").empty());
  const auto heard = subscriber.heard();
  CHECK(std::none_of(heard.begin() + static_cast<std::ptrdiff_t>(before), heard.end(),
                     [](const Heard& one) { return one.path == "/gone"; }));
}

// What is owed stays true: that a package was on-boarded is no news when it is gone.
TEST_CASE("packages: what is owed is not of a package that has gone", "[http][packages]") {
  Receiver subscriber([](const Heard&, std::size_t) {
    return http::Reply{503, "", "", {}, false};
  });
  TestServer server;
  auto ops = server.ops();
  for (const auto* type :
       {"AppPackageOnBoarding", "AppPackageOperationChange", "AppPackageDeletion"}) {
    REQUIRE(ops.post(kPackageSubscriptions,
                     {{"callbackUri", subscriber.url("/")}, {"subscriptionType", type}})
                .status == 201);
  }
  const auto id = onboarded(ops, package_zip());
  REQUIRE(patch(ops, id, state_of(false)).status == 200);
  CHECK(ops.get(kOperator + "/outbox").json()["pending"] == 2);
  REQUIRE(ops.erase(kPackages + "/" + id).status == 204);
  const auto owed = ops.get(kOperator + "/outbox").json();
  REQUIRE(owed["pending"] == 1);
  CHECK(owed["items"][0]["notificationType"] == "AppPackageDeleted");
}

TEST_CASE("packages: a restart keeps packages and subscriptions", "[http][packages]") {
  TestServer server;
  const auto zip = package_zip();
  std::string id;
  {
    auto ops = server.ops();
    id = onboarded(ops, zip);
    REQUIRE(ops.post(kPackageSubscriptions, {{"callbackUri", "http://127.0.0.1:1/"},
                                             {"subscriptionType", "AppPackageDeletion"}})
                .status == 201);
  }
  const auto before = server.ops().get(kPackages + "/" + id).json();
  static_cast<void>(
      server.directory.write("mx2.sqlite.packages/." + std::string(32, 'c') + ".part", "torn"));
  server.restart();
  auto ops = server.ops();
  CHECK(ops.get(kPackages + "/" + id).json()["checksum"] == before["checksum"]);
  CHECK(ops.get(kOnboardedPackages + "/hello-1/package_content").body == zip);
  CHECK(ops.get(kPackageSubscriptions).json()["_links"]["subscriptions"].size() == 1);
  const std::filesystem::directory_iterator files(server.directory.file("mx2.sqlite.packages"));
  CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("packages: with a token, nothing without it", "[http][packages]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.operator_endpoints.token = "s3cret"; });
  auto ops = server.ops();
  CHECK(ops.get(kPackages).status == 401);
  CHECK(ops.post(kPackages, create_request(std::string(64, 'a'))).status == 401);
  CHECK(put_content(ops, std::string(32, '0'), "x").status == 401);
  CHECK(ops.get(kOnboardedPackages + "/x/package_content").status == 401);
  CHECK(ops.request("GET", kPackages, "", {{"Authorization", "Bearer s3cret"}}).status == 200);
}

}  // namespace
}  // namespace mx2::test
