// Packages, and sources of packages, that are not as they should be.
#include <atomic>
#include <future>
#include <thread>

#include "tests/catch.h"
#include "tests/orchestrator/endpoints/packages.h"

namespace mx2::test {
namespace {

TEST_CASE("packages: hostile content is refused, and the package says why", "[http][packages]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.packages.bytes_max = 64UL * 1024; });
  auto ops = server.ops();
  auto no_name = sample_appd();
  no_name.erase("appName");
  auto long_name = sample_appd();
  long_name["appName"] = std::string(33, 'n');
  auto deep = sample_appd();
  deep["appDId"] = json::Value::array({1});
  const auto zip = package_zip();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"not a zip at all", "bad-archive"},
      {std::string(), "bad-archive"},
      {zip.substr(0, zip.size() / 3), "bad-archive"},
      {zip_of({{"other.json", "{}"}}), "no-descriptor"},
      {zip_of({{"appd.json", "{"}}), "bad-descriptor"},
      {zip_of({{"appd.json", "{\"a\":" + std::string(10000, '[')}}), "bad-descriptor"},
      {zip_of({{"appd.json", std::string(300000, ' ') + "{}"}}), "too-large"},
      {package_zip(no_name), "bad-descriptor"},
      {package_zip(long_name), "bad-descriptor"},
      {package_zip(deep), "bad-descriptor"},
      {zip_of({{"../appd.json", json::dump(sample_appd())}}), "path-traversal"},
  };
  int n = 0;
  for (const auto& [content, cause] : cases) {
    CAPTURE(n);
    const auto made =
        ops.post(kPackages, create_request(digest_of(content), "p" + std::to_string(n++)));
    REQUIRE(made.status == 201);
    const auto id = made.json()["id"].get<std::string>();
    CHECK(put_content(ops, id, content).status == 202);
    const auto info = settled(ops, id);
    CHECK(info["onboardingState"] == "CREATED");
    CHECK(cause_of(info) == cause);
    CHECK(info["operationalState"] == "DISABLED");
    const auto said = info["onboardingFailureDetails"]["detail"].get<std::string>();
    CHECK_FALSE(said.empty());
    for (const char* library :
         {"libarchive", "Unrecognized", "ZIP", "parse error", "while parsing"}) {
      CHECK(said.find(library) == std::string::npos);
    }
  }
  CHECK(ops.get(kOperator + "/apps/hello-1").status == 404);
  CHECK(std::filesystem::is_empty(server.directory.file("mx2.sqlite.packages")));
  const auto large = ops.post(kPackages, create_request(digest_of(zip), "large")).json()["id"];
  CHECK(put_content(ops, large, std::string(65UL * 1024, 'x')).status == 413);
  CHECK(put_content(ops, large, zip).status == 202);
  CHECK(settled(ops, large)["onboardingState"] == "ONBOARDED");
}

TEST_CASE("packages: 406 for those who accept none of what MEC 010-2 answers with",
          "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto id = onboarded(ops, package_zip());
  const auto asking = [&](const std::string& target, const char* accept) {
    return ops.request("GET", target, "", {{"Accept", accept}}).status;
  };
  const auto one = kPackages + "/" + id;
  for (const auto& [target, type] :
       {std::pair{kPackages, "application/json"}, std::pair{one, "application/json"},
        std::pair{one + "/appd", "text/plain"},
        std::pair{one + "/package_content", "application/zip"},
        std::pair{kPackageSubscriptions, "application/json"}}) {
    CAPTURE(target);
    CHECK(asking(target, type) == 200);
    CHECK(asking(target, "*/*") == 200);
    CHECK(asking(target, "application/json") == 200);
    CHECK(asking(target, "image/png") == 406);
  }
}

TEST_CASE("packages: another content than the checksum's", "[http][packages]") {
  const TestServer server;
  auto ops = server.ops();
  const auto zip = package_zip();
  const auto id = ops.post(kPackages, create_request(digest_of(zip))).json()["id"];
  const auto refused = put_content(ops, id, zip + "x");
  CHECK(refused.status == 400);
  CHECK(refused.json()["type"] == "urn:mx2:problem:wrong-checksum");
  CHECK(cause_of(settled(ops, id)) == "wrong-checksum");
  // A new request with another checksum takes the failed one up again.
  const auto again = ops.post(kPackages, create_request(digest_of(zip + "x")));
  CHECK(again.json()["id"] == id);
  CHECK(cause_of(again.json()).empty());
  CHECK(put_content(ops, id, zip).status == 400);
  CHECK(ops.post(kPackages, create_request(digest_of(zip))).status == 201);
  CHECK(put_content(ops, id, zip).status == 202);
  CHECK(settled(ops, id)["onboardingState"] == "ONBOARDED");
}

TEST_CASE("packages: requests that are no CreateAppPkg", "[http][packages]") {
  const TestServer server([](OrchestratorOptions& options) { options.packages.count_max = 1; });
  auto ops = server.ops();
  const auto good = create_request(std::string(64, 'a'));
  for (const auto* member : {"appPkgName", "appPkgVersion", "checksum"}) {
    auto bad = good;
    bad.erase(member);
    CHECK(ops.post(kPackages, bad).status == 400);
    bad[member] = 7;
    CHECK(ops.post(kPackages, bad).status == 400);
  }
  for (const auto* uri : {"file:///etc/passwd", "ftp://x/y", "http://", "http:///x", "x",
                          "http://a b/", "gopher://x"}) {
    auto bad = good;
    bad["appPkgPath"] = uri;
    CAPTURE(uri);
    CHECK(ops.post(kPackages, bad).status == 400);
  }
  auto bad = good;
  bad["checksum"]["algorithm"] = "MD5";
  CHECK(ops.post(kPackages, bad).status == 400);
  bad = good;
  bad["userDefinedData"] = {{"x", std::string(20000, 'x')}};
  CHECK(ops.post(kPackages, bad).status == 400);
  CHECK(ops.request("POST", kPackages, json::dump(good), {{"Content-Type", "text/plain"}}).status ==
        415);
  CHECK(ops.post(kPackages, good).status == 201);
  CHECK(ops.post(kPackages, create_request(std::string(64, 'a'), "second")).status == 403);
  CHECK(put_content(ops, std::string(32, '0'), "x").status == 404);
  const auto id = ops.get(kPackages).json()[0]["id"].get<std::string>();
  CHECK(ops.request("PUT", kPackages + "/" + id + "/package_content", "{}",
                    {{"Content-Type", "application/json"}})
            .status == 415);
  CHECK(ops.request("PATCH", kPackages + "/" + id, R"({"operationalState":"ENABLED"})").status ==
        409);
}

struct BadSource {
  std::string uri;
  std::string cause;
};

TEST_CASE("packages: sources that stall, cut, refuse or flood", "[http][packages]") {
  Receiver missing([](const Heard&, std::size_t) { return http::Reply{404, "", "", {}, false}; });
  Receiver moved([](const Heard&, std::size_t) {
    return http::Reply{302, "", "", {{"Location", "http://127.0.0.1:1/"}}, false};
  });
  Receiver flood([](const Heard&, std::size_t) {
    return http::Reply{200, "application/zip", std::string(100UL * 1024, 'x'), {}, false};
  });
  const BadReceiver silent(BadReceiver::Manner::kSilent);
  const BadReceiver closes(BadReceiver::Manner::kCloses);
  const BadReceiver slow(BadReceiver::Manner::kSlowHeaders);
  const BadReceiver cut(BadReceiver::Manner::kTextAndCloses,
                        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  const BadReceiver stalls(BadReceiver::Manner::kText,
                           "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  const BadReceiver endless(BadReceiver::Manner::kText,
                            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
  const TestServer server([](OrchestratorOptions& options) {
    options.packages.bytes_max = 64UL * 1024;
    options.packages.fetch_idle_ms = 200;
    options.packages.fetch_timeout_ms = 600;
    options.packages.parallel_max = 10;
  });
  auto ops = server.ops();
  const std::vector<BadSource> sources{{missing.url("/x"), "source-refused"},
                                       {moved.url("/x"), "source-refused"},
                                       {flood.url("/x"), "too-large"},
                                       {silent.url("/x"), "source-slow"},
                                       {closes.url("/x"), "source-unreachable"},
                                       {slow.url("/x"), "source-slow"},
                                       {cut.url("/x"), "source-unreachable"},
                                       {stalls.url("/x"), "source-slow"},
                                       {endless.url("/x"), "too-large"},
                                       {"http://127.0.0.1:1/x", "source-unreachable"},
                                       {"http://nowhere.invalid/x", "source-unreachable"}};
  std::vector<std::string> ids;
  for (const auto& source : sources) {
    const auto made = ops.post(
        kPackages,
        create_request(std::string(64, 'a'), "p" + std::to_string(ids.size()), source.uri));
    REQUIRE(made.status == 201);
    ids.push_back(made.json()["id"]);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CAPTURE(sources[i].uri, i);
    CHECK(cause_of(settled(ops, ids[i])) == sources[i].cause);
  }
  CHECK(std::filesystem::is_empty(server.directory.file("mx2.sqlite.packages")));
  for (const auto& id : ids) CHECK(ops.erase(kPackages + "/" + id).status == 204);
}

TEST_CASE("packages: deleted while it is fetched", "[http][packages]") {
  const BadReceiver silent(BadReceiver::Manner::kSilent);
  const TestServer server(
      [](OrchestratorOptions& options) { options.packages.fetch_idle_ms = 300; });
  auto ops = server.ops();
  const auto made =
      ops.post(kPackages, create_request(std::string(64, 'a'), "p", silent.url("/x")));
  const auto id = made.json()["id"].get<std::string>();
  REQUIRE(eventually(
      [&] { return ops.get(kPackages + "/" + id).json()["onboardingState"] == "UPLOADING"; }));
  CHECK(put_content(ops, id, "x").status == 409);
  CHECK(ops.erase(kPackages + "/" + id).status == 204);
  CHECK(ops.get(kPackages + "/" + id).status == 404);
  CHECK(eventually(
      [&] { return std::filesystem::is_empty(server.directory.file("mx2.sqlite.packages")); }));
}

TEST_CASE("packages: a stop in the middle of a fetch goes on after the start", "[http][packages]") {
  const auto zip = package_zip();
  std::atomic<bool> ready{false};
  Receiver source([&](const Heard&, std::size_t) {
    static_cast<void>(eventually([&] { return ready.load(); }));
    return http::Reply{200, "application/zip", zip, {}, false};
  });
  TestServer server;
  std::string id;
  {
    auto ops = server.ops();
    id = ops.post(kPackages, create_request(digest_of(zip), "p", source.url("/x"))).json()["id"];
    REQUIRE(source.hears(1));
    CHECK(ops.get(kPackages + "/" + id).json()["onboardingState"] == "UPLOADING");
  }
  server.restart();
  auto ops = server.ops();
  CHECK(ops.get(kPackages + "/" + id).json()["onboardingState"] != "ONBOARDED");
  ready = true;
  CHECK(settled(ops, id)["onboardingState"] == "ONBOARDED");
}

TEST_CASE("packages: the same package by many at once is one", "[http][packages]") {
  const auto zip = package_zip();
  Receiver source([&](const Heard&, std::size_t) {
    return http::Reply{200, "application/zip", zip, {}, false};
  });
  const TestServer server(
      [](OrchestratorOptions& options) { options.operator_server.threads = 4; });
  std::vector<std::future<std::string>> made;
  made.reserve(8);
  for (int i = 0; i < 8; ++i) {
    made.push_back(std::async(std::launch::async, [&] {
      auto ops = server.ops();
      const auto response =
          ops.post(kPackages, create_request(digest_of(zip), "p", source.url("/x")));
      return response.json()["id"].get<std::string>();
    }));
  }
  std::set<std::string> ids;
  for (auto& one : made) ids.insert(one.get());
  REQUIRE(ids.size() == 1);
  auto ops = server.ops();
  CHECK(settled(ops, *ids.begin())["onboardingState"] == "ONBOARDED");
  CHECK(source.heard().size() == 1);

  // Under two names: its app can have one package.
  const auto other = onboarded(ops, zip, "other");
  CHECK(cause_of(ops.get(kPackages + "/" + other).json()) == "app-has-a-package");
}

}  // namespace
}  // namespace mx2::test
