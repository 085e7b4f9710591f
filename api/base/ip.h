// IP addresses and prefixes as keys: 16 bytes, IPv4 in its IPv6-mapped form, so that one family
// never hides the other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace mx2 {

class IpAddress {
 public:
  // "192.0.2.1", "2001:db8::1"; "::ffff:192.0.2.1" is 192.0.2.1.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  // Nothing when it is of another family.
  [[nodiscard]] static std::optional<IpAddress> of(const sockaddr& address);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_v4() const;
  // The address with all bits after the first `length` (of 128) cleared.
  [[nodiscard]] IpAddress masked(int length) const;
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// A prefix in canonical form: no host bits. Length is of 128 bits; 10.0.0.0/8 has 104.
struct IpPrefix {
  static constexpr int kV4Offset = 96;  // bits before an IPv4 address in its mapped form

  IpAddress address;
  int length = 128;

  // "10.0.0.0/8", "2001:db8::/32", or an address alone. Nothing when malformed or with host bits.
  [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
  // A whole address without its length.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const IpAddress& address) const;
  bool operator==(const IpPrefix&) const = default;
};

// "host:port" as URLs have it: an IPv6 address in brackets.
[[nodiscard]] std::string authority(const std::string& host, std::uint16_t port);
// At which this host reaches who listens there: a loopback address, if that is everywhere.
[[nodiscard]] std::string address_from_here(const std::string& listens);

}  // namespace mx2
