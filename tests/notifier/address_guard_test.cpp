#include "notifier/address_guard.h"

#include "tests/catch.h"

namespace mx2::notifier {
namespace {

bool allows(const AddressGuard& guard, const char* text) {
  CAPTURE(text);
  const auto address = IpAddress::parse(text);
  REQUIRE(address);
  return guard.allows(*address);
}

TEST_CASE("address guard: what is not public is denied", "[notifier][ssrf]") {
  const auto guard = AddressGuard::make({}).value();
  for (const char* denied : {
           "0.0.0.0",
           "0.255.255.255",
           "10.0.0.1",
           "10.255.255.255",
           "100.64.0.1",
           "100.127.255.255",
           "127.0.0.1",
           "127.255.255.255",
           "169.254.0.1",
           "169.254.169.254",
           "172.16.0.1",
           "172.31.255.255",
           "192.0.0.1",
           "192.168.0.1",
           "192.168.255.255",
           "198.18.0.1",
           "198.19.255.255",
           "224.0.0.1",
           "239.255.255.255",
           "240.0.0.1",
           "255.255.255.255",
           "::",
           "::1",
           "::127.0.0.1",          // IPv4-compatible
           "::ffff:127.0.0.1",     // IPv4-mapped
           "::ffff:10.0.0.1",      //
           "::ffff:a9fe:a9fe",     // the same in hexadecimal
           "::ffff:0:127.0.0.1",   // IPv4-translated
           "64:ff9b::127.0.0.1",   // NAT64
           "64:ff9b::8.8.8.8",     // whatever it leads to
           "64:ff9b:1::10.0.0.1",  //
           "2001::1",              // Teredo
           "2002:7f00:1::1",       // 6to4 of 127.0.0.1
           "2002:808:808::1",      //
           "fc00::1",
           "fdff:ffff::1",
           "fe80::1",
           "febf::1",
           "fec0::1",
           "ff02::1",
       }) {
    CHECK_FALSE(allows(guard, denied));
  }
}

TEST_CASE("address guard: public addresses are allowed, up to the edges", "[notifier][ssrf]") {
  const auto guard = AddressGuard::make({}).value();
  for (const char* public_address :
       {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "192.0.1.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "8.8.8.8",         "::ffff:8.8.8.8", "2606:4700::1111",
        "2003::1",         "2001:1::1",       "2a00:1450::1",   "64:ff9c::1"}) {
    CHECK(allows(guard, public_address));
  }
}

TEST_CASE("address guard: what is allowed wins, and nothing beside it", "[notifier][ssrf]") {
  const auto guard = AddressGuard::make({"10.1.0.0/16", "127.0.0.1", "fd00:1::/32"}).value();
  for (const char* allowed :
       {"10.1.0.1", "10.1.255.255", "127.0.0.1", "::ffff:127.0.0.1", "fd00:1::5", "8.8.8.8"}) {
    CHECK(allows(guard, allowed));
  }
  for (const char* denied : {"10.0.255.255", "10.2.0.0", "127.0.0.2", "fd00:2::5", "::1"}) {
    CHECK_FALSE(allows(guard, denied));
  }
}

TEST_CASE("address guard: an entry that is no address is named", "[notifier][ssrf]") {
  for (const char* bad : {"localhost", "10.0.0.0/33", "10.0.0.1/8", "", "*", "10.0.0"}) {
    const auto made = AddressGuard::make({"10.0.0.0/8", bad});
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().detail == "'" + std::string(bad) + "' is no address or prefix");
  }
}

}  // namespace
}  // namespace mx2::notifier
