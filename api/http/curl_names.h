// The name in a URL, for whoever resolves it in libcurl's place. Private to api/http.
#pragma once

#include <optional>
#include <string>

#include "api/http/resolver.h"

namespace mx2::http::curl {

// A host that has to be looked up, with its port.
struct HostName {
  std::string name;
  std::string port;
};

// As libcurl will understand the URL. Nothing when there is no name in it, or no URL: libcurl has
// an answer to that, and need not wait.
[[nodiscard]] std::optional<HostName> name_in(const std::string& url);

// The entry of CURLOPT_RESOLVE that makes libcurl connect to these. It forgets it again ("+").
[[nodiscard]] std::string resolve_entry(const HostName& host, const Resolver::Addresses& addresses);

}  // namespace mx2::http::curl
