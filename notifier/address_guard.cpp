#include "notifier/address_guard.h"

#include <algorithm>
#include <array>

#include "api/base/text.h"

namespace mx2::notifier {
namespace {

constexpr std::array kDenied{
    "0.0.0.0/8",        // this network
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // shared address space
    "127.0.0.0/8",      // loopback
    "169.254.0.0/16",   // link-local, and the metadata services of clouds
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarking
    "224.0.0.0/3",      // multicast, reserved, broadcast
    "::/96",            // unspecified, loopback, IPv4-compatible
    "::ffff:0:0:0/96",  // IPv4-translated
    "64:ff9b::/96",     // IPv4 behind NAT64
    "64:ff9b:1::/48",   // likewise, local
    "2001::/32",        // Teredo
    "2002::/16",        // 6to4
    "fc00::/7",         // unique local
    "fe80::/9",         // link-local, site-local
    "ff00::/8",         // multicast
};

bool within(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  authority.remove_prefix(authority.rfind('@') + 1);  // npos + 1 is 0
  if (!authority.starts_with('[')) return authority.substr(0, authority.find(':'));
  return authority.substr(1, authority.find(']') - 1);
}

}  // namespace

Result<AddressGuard> AddressGuard::make(const std::vector<std::string>& allow) {
  AddressGuard guard;
  for (const auto* text : kDenied) guard.denied_.push_back(IpPrefix::parse(text).value());
  for (const auto& text : allow) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix) return invalid_argument("'" + text + "' is no address or prefix");
    guard.allowed_.push_back(*prefix);
  }
  return guard;
}

bool AddressGuard::allows(const IpAddress& address) const {
  return within(allowed_, address) || !within(denied_, address);
}

std::string AddressGuard::refusal_of(const std::string& url) const {
  const auto host = host_of(url);
  const bool loopback = equals_ignoring_case(host, "localhost");
  const auto address = IpAddress::parse(loopback ? "127.0.0.1" : host);
  if (!address || allows(*address)) return {};
  return "nothing is sent to " + address->text() + std::string(kAllowHint);
}

}  // namespace mx2::notifier
