// Where device applications may have packages fetched from.
#include "orchestrator/packages/packages.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

TEST_CASE("packages: sources below an allowed prefix", "[packages]") {
  const std::vector<std::string> prefixes{"https://repo.example/apps/", "http://10.0.0.1:8000",
                                          "http://[2001:db8::1]/pkg"};
  for (const auto* uri :
       {"https://repo.example/apps/x.zip", "https://REPO.example:443/apps/a/b.zip?v=1",
        "HTTPS://repo.example/apps/", "http://10.0.0.1:8000/anything", "http://10.0.0.1:8000",
        "http://[2001:DB8::1]/pkg", "http://[2001:db8::1]:80/pkg/x%20y.zip"}) {
    CAPTURE(uri);
    CHECK(allowed_source(prefixes, uri));
  }
}

TEST_CASE("packages: sources that only look allowed", "[packages]") {
  const std::vector<std::string> prefixes{"https://repo.example/apps", "http://10.0.0.1:80"};
  for (const auto* uri : {"https://repo.example.evil.com/apps/x",
                          "https://repo.exampleevil/apps/x",
                          "https://repo.example@evil.com/apps/x",
                          "https://repo.example:443@evil.com/apps/x",
                          "https://evil.com/https://repo.example/apps/x",
                          "https://repo.example/apps-evil/x",
                          "https://repo.example/apps/../secret",
                          "https://repo.example/apps/%2e%2e/secret",
                          "https://repo.example/apps/.%2E/secret",
                          "https://repo.example/apps/..;/secret",
                          "https://repo.example/apps/%252e%252e/secret",
                          "https://repo.example/apps/..%2fsecret",
                          "https://repo.example/apps\\..\\secret",
                          "https://repo.example/apps/%5c..%5csecret",
                          "https://repo.example/",
                          "http://repo.example/apps/x",
                          "https://repo.example:8443/apps/x",
                          "http://10.0.0.1:8000/x",
                          "http://10.0.0.10/x",
                          "https://repo.example/apps/x#y",
                          "https://repo.example/apps/%zz",
                          "https://repo.example/apps/x y",
                          "file:///apps",
                          "",
                          "https://",
                          "https:///apps/x",
                          "//repo.example/apps/x",
                          "https://repo.example\n/apps/x",
                          "https://repo.example:/apps/x",
                          "https://repo.example:0443:1/apps",
                          "https:/repo.example/apps",
                          "https://repo.example%2f/apps/x",
                          "https://repo.example\t/apps/x"}) {
    CAPTURE(uri);
    CHECK_FALSE(allowed_source(prefixes, uri));
  }
  CHECK_FALSE(allowed_source(std::vector<std::string>{}, "https://repo.example/apps/x"));
  CHECK_FALSE(allowed_source(prefixes, "https://repo.example/apps/" + std::string(3000, 'x')));
}

TEST_CASE("packages: prefixes that allow nothing are mistakes", "[packages]") {
  for (const auto* bad : {"", "https://", "repo.example/apps", "https://u@repo.example/",
                          "ftp://x/", "https://repo.example/?a", "https://repo.example/../"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_source_prefix(bad).ok());
  }
  CHECK(check_source_prefix("https://repo.example").ok());
}

}  // namespace
}  // namespace mx2
