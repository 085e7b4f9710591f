#include "orchestrator/endpoints/auth.h"

#include <jwt.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace mx2 {
namespace {

using test::ContainsSubstring;

constexpr std::int64_t kNow = 1'700'000'000;
const ManualClock kClock(kNow * 1000);
const std::string kSecret = "0123456789abcdef0123456789abcdef";

http::Request request(http::Headers headers, const std::string& peer = "192.0.2.1") {
  http::Request made;
  made.headers = std::move(headers);
  made.peer_address = peer;
  return made;
}

http::Request with_token(const std::string& token) {
  return request({{"Authorization", "Bearer " + token}});
}

struct Claims {
  std::string sub = "alice";
  std::int64_t exp = kNow + 60;
  std::int64_t nbf = 0;
  std::string iss;
  std::string aud;
};

std::string sign(const Claims& claims, jwt_alg_t algorithm, const std::string& key) {
  jwt_t* token = nullptr;
  REQUIRE(jwt_new(&token) == 0);
  if (!claims.sub.empty()) jwt_add_grant(token, "sub", claims.sub.c_str());
  if (!claims.iss.empty()) jwt_add_grant(token, "iss", claims.iss.c_str());
  const bool list = !claims.aud.empty() && claims.aud[0] == '[';
  if (list) jwt_add_grants_json(token, ("{\"aud\":" + claims.aud + "}").c_str());
  if (!claims.aud.empty() && !list) jwt_add_grant(token, "aud", claims.aud.c_str());
  if (claims.exp != 0) jwt_add_grant_int(token, "exp", claims.exp);
  if (claims.nbf != 0) jwt_add_grant_int(token, "nbf", claims.nbf);
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  REQUIRE(jwt_set_alg(token, algorithm, key.empty() ? nullptr : bytes,
                      static_cast<int>(key.size())) == 0);
  char* text = jwt_encode_str(token);
  const std::string result = text;
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): libjwt gives it away
  jwt_free(token);
  return result;
}

AuthOptions hs256() {
  AuthOptions options;
  options.mode = "bearer";
  options.jwt_key = kSecret;
  options.jwt_algorithm = "HS256";
  return options;
}

// The subject, or "" with the reason captured.
std::string subject_of(const AuthOptions& options, const http::Request& asked) {
  const auto authenticator = Authenticator::make(options, kClock, kClock);
  REQUIRE(authenticator.ok());
  const auto caller = authenticator->identify(asked);
  if (!caller) {
    CHECK(caller.error().code == ErrorCode::kUnauthorized);
    return "";
  }
  return caller->subject;
}

TEST_CASE("auth none: any Authorization is ignored (item 81)", "[auth]") {
  const auto authenticator = Authenticator::make({}, kClock, kClock);
  REQUIRE(authenticator.ok());
  const auto caller =
      authenticator->identify(request({{"Authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"}}));
  REQUIRE(caller.ok());
  CHECK_FALSE(caller->authenticated);
  CHECK(caller->ip_text == "192.0.2.1");
}

TEST_CASE("auth bearer: tokens of the file", "[auth]") {
  AuthOptions options;
  options.mode = "bearer";
  options.tokens = "# comment\n\ntoken-a alice\ntoken-b bob\r\n";
  CHECK(subject_of(options, with_token("token-a")) == "alice");
  CHECK(subject_of(options, with_token("token-b")) == "bob");
  CHECK(subject_of(options, request({{"authorization", "bearer  token-a "}})) == "alice");
  for (const auto& bad :
       {request({}), with_token("token-c"), with_token(""),
        request({{"Authorization", "Basic YTpi"}}), request({{"Authorization", "Bearer"}})}) {
    CHECK(subject_of(options, bad).empty());
  }
}

TEST_CASE("auth: options that cannot work are refused", "[auth]") {
  AuthOptions options;
  options.tokens = "only-a-token\n";
  CHECK_THAT(Authenticator::make(options, kClock, kClock).error().detail,
             ContainsSubstring("line 1"));
  options = {};
  options.mode = "bearer";
  CHECK_FALSE(Authenticator::make(options, kClock, kClock).ok());
  options = hs256();
  options.jwt_algorithm = "XX1";
  CHECK_FALSE(Authenticator::make(options, kClock, kClock).ok());
  options = {};
  options.trusted_proxies = {"10.0.0.1/8"};
  CHECK_FALSE(Authenticator::make(options, kClock, kClock).ok());
}

TEST_CASE("auth HS256: good, expired, early, unsigned, of another key", "[auth][jwt]") {
  const auto options = hs256();
  CHECK(subject_of(options, with_token(sign({}, JWT_ALG_HS256, kSecret))) == "alice");
  Claims claims;
  claims.exp = kNow - 5;
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  claims.exp = 0;
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  claims.exp = kNow + 60;
  claims.nbf = kNow + 6;
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  claims.nbf = 0;
  claims.sub = "";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  CHECK(subject_of(options, with_token(sign({}, JWT_ALG_HS256, "another"))).empty());
  CHECK(subject_of(options, with_token(sign({}, JWT_ALG_NONE, ""))).empty());
}

// The claims as JSON, so that they may be of any type.
std::string subject_of_claims(const AuthOptions& options, const std::string& claims) {
  jwt_t* token = nullptr;
  REQUIRE(jwt_new(&token) == 0);
  REQUIRE(jwt_add_grants_json(token, (R"({"sub":"alice",)" + claims + "}").c_str()) == 0);
  const auto* key = reinterpret_cast<const unsigned char*>(kSecret.data());
  REQUIRE(jwt_set_alg(token, JWT_ALG_HS256, key, static_cast<int>(kSecret.size())) == 0);
  char* text = jwt_encode_str(token);
  const std::string signed_token = text;
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): libjwt gives it away
  jwt_free(token);
  return subject_of(options, with_token(signed_token));
}

std::string at(const char* claim, const std::string& time) {
  return std::string("\"") + claim + "\":" + time;
}

std::string after(std::int64_t seconds, const char* fraction = "") {
  return std::to_string(kNow + seconds) + fraction;
}

TEST_CASE("auth: times of a token may have fractions, which change nothing", "[auth][jwt]") {
  const auto options = hs256();
  const auto exp = at("exp", after(60, ".5"));
  CHECK(subject_of_claims(options, exp) == "alice");
  CHECK(subject_of_claims(options, exp + "," + at("nbf", after(-10, ".5")) + "," +
                                       at("iat", after(-10, ".25"))) == "alice");
  CHECK(subject_of_claims(options, exp + "," + at("nbf", after(600, ".5"))).empty());
  CHECK(subject_of_claims(options, exp + "," + at("iat", after(600, ".5"))).empty());
  CHECK(subject_of_claims(options, at("exp", after(-600, ".5"))).empty());
  CHECK(subject_of_claims(options, at("exp", "1.70000006e9")) == "alice");
}

TEST_CASE("auth: clocks may differ by the leeway, no more", "[auth][jwt]") {
  auto options = hs256();
  const auto exp = at("exp", after(60));
  CHECK(subject_of_claims(options, at("exp", after(-4))) == "alice");
  CHECK(subject_of_claims(options, at("exp", after(-5, ".001"))) == "alice");
  CHECK(subject_of_claims(options, at("exp", after(-5))).empty());
  for (const char* claim : {"nbf", "iat"}) {
    CAPTURE(claim);
    CHECK(subject_of_claims(options, exp + "," + at(claim, after(5))) == "alice");
    CHECK(subject_of_claims(options, exp + "," + at(claim, after(5, ".5"))).empty());
  }
  options.jwt_leeway_s = 0;
  CHECK(subject_of_claims(options, at("exp", after(0))).empty());
  CHECK(subject_of_claims(options, at("exp", after(0, ".5"))) == "alice");
  CHECK(subject_of_claims(options, exp + "," + at("nbf", after(1))).empty());
}

TEST_CASE("auth: a time that is none refuses the token", "[auth][jwt][hostile]") {
  const auto options = hs256();
  const auto exp = at("exp", after(60));
  for (const std::string& value :
       {"\"" + after(60) + "\"", std::string("null"), std::string("true"), std::string("[]"),
        std::string("{}"), std::string("\"\"")}) {
    CAPTURE(value);
    CHECK(subject_of_claims(options, at("exp", value)).empty());
    CHECK(subject_of_claims(options, exp + "," + at("nbf", value)).empty());
    CHECK(subject_of_claims(options, exp + "," + at("iat", value)).empty());
  }
  for (const char* past : {"0", "-1", "-1e300", "-9223372036854775808"}) {
    CAPTURE(past);
    CHECK(subject_of_claims(options, at("exp", past)).empty());
    CHECK(subject_of_claims(options, exp + "," + at("nbf", past)) == "alice");
  }
  for (const char* future : {"1e12", "1e300", "9223372036854775807"}) {
    CAPTURE(future);
    CHECK(subject_of_claims(options, at("exp", future)) == "alice");
    CHECK(subject_of_claims(options, exp + "," + at("nbf", future)).empty());
    CHECK(subject_of_claims(options, exp + "," + at("iat", future)).empty());
  }
}

TEST_CASE("auth: another algorithm than configured is refused", "[auth][jwt]") {
  CHECK(subject_of(hs256(), with_token(sign({}, JWT_ALG_HS512, kSecret))).empty());
}

TEST_CASE("auth: issuer and audience", "[auth][jwt]") {
  auto options = hs256();
  options.jwt_issuer = "https://as.example";
  options.jwt_audience = "mx2";
  Claims claims;
  claims.iss = "https://as.example";
  claims.aud = "mx2";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))) == "alice");
  claims.aud = R"(["other","mx2"])";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))) == "alice");
  claims.aud = R"(["other"])";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  claims.aud = "other";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
  claims.aud = "mx2";
  claims.iss = "";
  CHECK(subject_of(options, with_token(sign(claims, JWT_ALG_HS256, kSecret))).empty());
}

TEST_CASE("auth: malformed tokens", "[auth][jwt][hostile]") {
  for (const char* bad :
       {"a", "a.b", "a.b.c", "..", "....", "eyJhbGciOiJIUzI1NiJ9..x", "\xFF.\xFF.x"}) {
    CAPTURE(bad);
    CHECK(subject_of(hs256(), with_token(bad)).empty());
  }
  CHECK(subject_of(hs256(), with_token(std::string(8000, 'a'))).empty());
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_CASE("auth RS256: signed by the key, and no confusion with HS256", "[auth][jwt]") {
  const test::TempDir directory;
  const auto key = directory.file("key.pem");
  const auto pub = directory.file("pub.pem");
  const auto command = "openssl genrsa -out " + key + " 2048 2>/dev/null && openssl rsa -in " +
                       key + " -pubout -out " + pub + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) {
    WARN("SKIPPED: no openssl command to make an RSA key with");
    return;
  }
  AuthOptions options;
  options.mode = "bearer";
  options.jwt_key = read_file(pub);
  CHECK(subject_of(options, with_token(sign({}, JWT_ALG_RS256, read_file(key)))) == "alice");
  CHECK(subject_of(options, with_token(sign({}, JWT_ALG_HS256, options.jwt_key))).empty());
}

std::string address_of(const std::vector<std::string>& proxies, const http::Request& asked,
                       const std::string& header = "any") {
  AuthOptions options;
  options.trusted_proxies = proxies;
  options.forwarded_header = header;
  return Authenticator::make(options, kClock, kClock)->identify(asked)->ip_text;
}

TEST_CASE("auth: forwarded addresses only from trusted proxies", "[auth]") {
  const auto asked = request({{"X-Forwarded-For", "198.51.100.7, 203.0.113.9"}}, "10.0.0.1");
  CHECK(address_of({}, asked) == "10.0.0.1");
  CHECK(address_of({"10.0.0.2"}, asked) == "10.0.0.1");
  CHECK(address_of({"10.0.0.0/8"}, asked) == "203.0.113.9");
}

TEST_CASE("auth: the nearest proxy that is not ours is the client, in all lines of a header",
          "[auth]") {
  const std::vector<std::string> ours{"10.0.0.0/8", "fd00::/8"};
  const auto listed = [&](const std::vector<std::string>& lines) {
    auto asked = request({}, "10.0.0.1");
    for (const auto& line : lines) asked.headers.emplace_back("X-Forwarded-For", line);
    return address_of(ours, asked);
  };
  CHECK(listed({"198.51.100.7", "203.0.113.9"}) == "203.0.113.9");
  CHECK(listed({"198.51.100.7, 203.0.113.9, 10.1.1.1", "10.2.2.2"}) == "203.0.113.9");
  CHECK(listed({"10.3.3.3"}) == "10.3.3.3");
  CHECK(listed({"198.51.100.7", "10.0.0.1"}) == "10.0.0.1");  // on the proxy's own machine
  CHECK(listed({"unknown, 10.3.3.3"}) == "10.3.3.3");
  CHECK(listed({"203.0.113.9, unknown"}) == "10.0.0.1");
  CHECK(listed({"2001:db8::9, fd00::1"}) == "2001:db8::9");
}

TEST_CASE("auth: of two headers that differ neither is believed, or the one that proxies write",
          "[auth][hostile]") {
  const auto asked = [](const std::string& forwarded, const std::string& listed) {
    return request({{"Forwarded", forwarded}, {"X-Forwarded-For", listed}}, "10.0.0.1");
  };
  const std::vector<std::string> ours{"10.0.0.0/8"};
  CHECK(address_of(ours, asked("for=198.51.100.7", "203.0.113.9")) == "10.0.0.1");
  CHECK(address_of(ours, asked("for=unknown", "203.0.113.9")) == "10.0.0.1");
  CHECK(address_of(ours, asked("for=\"[2001:DB8::9]:1\"", "2001:db8:0::9")) == "2001:db8::9");
  CHECK(address_of(ours, asked("for=198.51.100.7", "203.0.113.9"), "forwarded") == "198.51.100.7");
  CHECK(address_of(ours, asked("for=198.51.100.7", "203.0.113.9"), "x-forwarded-for") ==
        "203.0.113.9");
  CHECK(address_of(ours, request({{"Forwarded", "for=198.51.100.7"}}, "10.0.0.1"),
                   "x-forwarded-for") == "10.0.0.1");
}

TEST_CASE("auth: what the proxy itself has seen, in every spelling", "[auth]") {
  const auto forwarded = [](const char* value) {
    return address_of({"10.0.0.0/8"}, request({{"Forwarded", value}}, "10.0.0.1"));
  };
  CHECK(forwarded("for=203.0.113.9") == "203.0.113.9");
  CHECK(forwarded("for=1.1.1.1, proto=http; For=\"203.0.113.9:4711\";by=x") == "203.0.113.9");
  CHECK(forwarded("for=\"[2001:db8::1]:80\"") == "2001:db8::1");
  CHECK(forwarded("for=\"[2001:db8::1]\"") == "2001:db8::1");
  for (const char* bad : {"for=unknown", "for=", "for=\"[\"", "", ";", "for=[", "for=_x"}) {
    CAPTURE(bad);
    CHECK(forwarded(bad) == "10.0.0.1");
  }
}

}  // namespace
}  // namespace mx2
