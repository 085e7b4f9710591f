#include "api/base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
  std::copy(kV4Mapped.begin(), kV4Mapped.end(), address.bytes_.begin());
  if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data() + kV4Mapped.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::of(const sockaddr& address) {
  IpAddress out;
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    std::memcpy(out.bytes_.data(), &v6, sizeof v6);
    return out;
  }
  if (address.sa_family != AF_INET) return std::nullopt;
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  std::copy(kV4Mapped.begin(), kV4Mapped.end(), out.bytes_.begin());
  std::memcpy(out.bytes_.data() + kV4Mapped.size(), &v4, sizeof v4);
  return out;
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes_.begin());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kV4Mapped.size(), buffer.data(), buffer.size());
  } else {
    inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  }
  return buffer.data();
}

IpAddress IpAddress::masked(int length) const {
  IpAddress result = *this;
  for (int i = 0; i < 16; ++i) {
    const int bits = std::clamp(length - 8 * i, 0, 8);
    const auto mask = static_cast<std::uint8_t>(0xFF00U >> static_cast<unsigned>(bits));
    result.bytes_[static_cast<std::size_t>(i)] &= mask;
  }
  return result;
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpPrefix prefix{*address, 128};
  if (slash != std::string_view::npos) {
    const auto length = parse_uint(text.substr(slash + 1));
    const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    if (!length || *length > (v4 ? 32U : 128U)) return std::nullopt;
    prefix.length = static_cast<int>(*length) + (v4 ? kV4Offset : 0);
  }
  if (prefix.address.masked(prefix.length) != prefix.address) return std::nullopt;
  return prefix;
}

std::string IpPrefix::text() const {
  if (length == 128) return address.text();
  const bool v4 = address.is_v4() && length >= kV4Offset;
  return address.text() + "/" + std::to_string(v4 ? length - kV4Offset : length);
}

// ::/0 is all of IPv6, not of IPv4.
bool IpPrefix::contains(const IpAddress& other) const {
  return !(other.is_v4() && length < kV4Offset) && other.masked(length) == address;
}

std::string authority(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string address_from_here(const std::string& listens) {
  const bool anywhere = listens.empty() || listens == "0.0.0.0" || listens == "::";
  return anywhere ? "127.0.0.1" : listens;
}

}  // namespace mx2
