#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <set>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/ip.h"
#include "api/base/text.h"
#include "tests/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sequential_ids.h"

namespace mx2 {
namespace {

TEST_CASE("code_points counts characters, not bytes (item 14)", "[base]") {
  CHECK(code_points("") == 0);
  CHECK(code_points("abc") == 3);
  CHECK(code_points("äöü") == 3);
  CHECK(code_points("日本語🚗") == 4);
}

TEST_CASE("percent_decode refuses malformed escapes and NUL", "[base]") {
  CHECK(percent_decode("a%20b%C3%A4") == "a bä");
  CHECK(percent_decode("") == "");
  CHECK(percent_decode("%2f%2F") == "//");
  for (const char* bad : {"%", "%4", "a%", "%zz", "%4g", "%00", "x%00y"}) {
    CAPTURE(bad);
    CHECK_FALSE(percent_decode(bad));
  }
  CHECK_FALSE(percent_decode({"a\0b", 3}));
}

TEST_CASE("percent_encode and percent_decode are inverse", "[base]") {
  const std::string text = "a b/c?d=e&f%g\nä~-._";
  CHECK(percent_encode("a b/ä") == "a%20b%2F%C3%A4");
  CHECK(percent_decode(percent_encode(text)) == text);
}

TEST_CASE("split keeps empty parts", "[base]") {
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(split("", ',').size() == 1);
  CHECK(split(",", ',').size() == 2);
}

TEST_CASE("parse_uint takes digits only and refuses overflow", "[base]") {
  CHECK(parse_uint("0") == 0U);
  CHECK(parse_uint("18446744073709551615") == 18446744073709551615ULL);
  for (const char* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1e3"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_uint(bad));
  }
}

TEST_CASE("closest suggests only likely slips", "[base]") {
  CHECK(closest("apName", {"appName", "appProvider"}) == "appName");
  CHECK_FALSE(closest("zebra", {"appName", "appProvider"}));
  CHECK_FALSE(closest("x", {}));
}

TEST_CASE("trim and case helpers", "[base]") {
  CHECK(trim(" \ta b\t ") == "a b");
  CHECK(trim(" \t").empty());
  CHECK(equals_ignoring_case("Content-Type", "content-TYPE"));
  CHECK_FALSE(equals_ignoring_case("a", "ab"));
}

TEST_CASE("IpAddress parses both families into one form", "[base][ip]") {
  CHECK(IpAddress::parse("192.0.2.1")->text() == "192.0.2.1");
  CHECK(IpAddress::parse("::ffff:192.0.2.1") == IpAddress::parse("192.0.2.1"));
  CHECK(IpAddress::parse("2001:DB8::0:1")->text() == "2001:db8::1");
  CHECK(IpAddress::parse("192.0.2.1")->is_v4());
  CHECK_FALSE(IpAddress::parse("2001:db8::1")->is_v4());
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "::g", "1.2.3.4/8", "localhost"}) {
    CAPTURE(bad);
    CHECK_FALSE(IpAddress::parse(bad));
  }
}

TEST_CASE("IpAddress of what a socket has, in either family", "[base][ip]") {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  REQUIRE(::inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr) == 1);
  CHECK(IpAddress::of(reinterpret_cast<const sockaddr&>(v4)) == IpAddress::parse("192.0.2.1"));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  REQUIRE(::inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr) == 1);
  CHECK(IpAddress::of(reinterpret_cast<const sockaddr&>(v6)) == IpAddress::parse("192.0.2.1"));
  REQUIRE(::inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr) == 1);
  CHECK(IpAddress::of(reinterpret_cast<const sockaddr&>(v6)) == IpAddress::parse("2001:db8::1"));
  v6.sin6_family = AF_UNIX;
  CHECK_FALSE(IpAddress::of(reinterpret_cast<const sockaddr&>(v6)));
}

TEST_CASE("IpPrefix is canonical: host bits are refused", "[base][ip]") {
  CHECK(IpPrefix::parse("10.0.0.0/8")->length == 104);
  CHECK(IpPrefix::parse("10.0.0.1")->length == 128);
  CHECK(IpPrefix::parse("0.0.0.0/0")->text() == "0.0.0.0/0");
  CHECK(IpPrefix::parse("::/0")->text() == "::/0");
  CHECK(IpPrefix::parse("2001:db8::/32")->text() == "2001:db8::/32");
  CHECK(IpPrefix::parse("::ffff:10.0.0.0/104") == IpPrefix::parse("10.0.0.0/8"));
  for (const char* bad :
       {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8"}) {
    CAPTURE(bad);
    CHECK_FALSE(IpPrefix::parse(bad));
  }
}

TEST_CASE("IpPrefix contains what it covers", "[base][ip]") {
  const auto prefix = *IpPrefix::parse("10.1.0.0/16");
  CHECK(prefix.contains(*IpAddress::parse("10.1.255.255")));
  CHECK_FALSE(prefix.contains(*IpAddress::parse("10.2.0.0")));
  CHECK_FALSE(prefix.contains(*IpAddress::parse("2001:db8::1")));
  CHECK(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("203.0.113.9")));
  CHECK_FALSE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001:db8::1")));
}

TEST_CASE("An address as URLs have it, and as who is here calls it", "[base][ip]") {
  CHECK(authority("192.0.2.1", 80) == "192.0.2.1:80");
  CHECK(authority("2001:db8::1", 80) == "[2001:db8::1]:80");
  CHECK(address_from_here("2001:db8::1") == "2001:db8::1");
  for (const auto* everywhere : {"", "0.0.0.0", "::"}) {
    CHECK(address_from_here(everywhere) == "127.0.0.1");
  }
}

TEST_CASE("format_utc", "[base]") {
  CHECK(format_utc(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_utc(1'700'000'000'042) == "2023-11-14T22:13:20.042Z");
}

TEST_CASE("identifiers are 32 hexadecimal digits (item 23)", "[base]") {
  SequentialIds sequential;
  CHECK(sequential.next() == "00000000000000000000000000000001");
  CHECK(sequential.next() == "00000000000000000000000000000002");
  const ManualClock clock(1'700'000'000'000);
  RandomIds random(clock);
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) seen.insert(random.next());
  CHECK(seen.size() == 10000);
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& id) { return is_hex32(id); }));
  CHECK(seen.begin()->substr(0, 12) == "018bcfe56800");
  CHECK(seen.begin()->at(12) == '7');
  CHECK_FALSE(is_hex32("018bcfe5-6800-7000-8000-000000000000"));
  CHECK_FALSE(is_hex32("018BCFE5680070008000000000000000"));
}

}  // namespace
}  // namespace mx2
