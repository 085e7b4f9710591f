// What a referenceURI means to HTTP, and where on this machine the road to a server begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mx2::device {

// The URL to POST to: an http or https URI as it is, "host:port" (V1.1.1) as http://host:port/.
// Nothing when it is neither.
[[nodiscard]] std::optional<std::string> call_url(std::string_view reference_uri);

struct HostPort {
  std::string host;  // without the brackets of IPv6
  std::string port;
};
// Of an http or https URL, with the default port of its scheme.
[[nodiscard]] std::optional<HostPort> host_port_of(std::string_view url);

// The textual address this machine uses towards the host of `url`; nothing when there is no route.
[[nodiscard]] std::optional<std::string> local_address_towards(std::string_view url);

}  // namespace mx2::device
