// Which addresses a callback may lead to. A callbackReference is whatever a device application
// says, so without this the orchestrator would POST into the operator's own networks for anybody
// (server-side request forgery).
//
// Denied unless allowed: this host, link-local and private networks, shared address space,
// multicast and reserved ranges (IANA special-purpose registries, RFC 6890), and the IPv6 forms
// that carry an IPv4 address. Threads: any, once made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/ip.h"
#include "api/base/result.h"

namespace mx2::notifier {

// After why an address is refused: the key that would allow it.
inline constexpr std::string_view kAllowHint = "; notifier.allow does not have it";

class AddressGuard {
 public:
  // `allow`: addresses or prefixes; they win over what is denied. invalid_argument names a bad one.
  [[nodiscard]] static Result<AddressGuard> make(const std::vector<std::string>& allow);

  [[nodiscard]] bool allows(const IpAddress& address) const;
  // Why nothing will be sent to the URL, with what to mend; empty: it will, as far as can be told
  // without asking for the addresses of its name.
  [[nodiscard]] std::string refusal_of(const std::string& url) const;

 private:
  std::vector<IpPrefix> allowed_;
  std::vector<IpPrefix> denied_;
};

}  // namespace mx2::notifier
