#include "api/http/curl_names.h"

#include <curl/curl.h>

#include <memory>

namespace mx2::http::curl {
namespace {

// A part of a URL, as libcurl will have it.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

std::optional<HostName> name_in(const std::string& text) {
#if LIBCURL_VERSION_NUM >= 0x075800
  constexpr unsigned kAscii = CURLU_PUNYCODE;
#else
  constexpr unsigned kAscii = 0;
#endif
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (!url ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_GUESS_SCHEME) != CURLUE_OK) {
    return std::nullopt;
  }
  HostName host{part_of(url.get(), CURLUPART_HOST, kAscii),
                part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  const bool address = host.name.empty() || host.name[0] == '[' || IpAddress::parse(host.name);
  if (address || part_of(url.get(), CURLUPART_SCHEME, 0).compare(0, 4, "http") != 0) return {};
  return host;
}

std::string resolve_entry(const HostName& host, const Resolver::Addresses& addresses) {
  std::string entry = "+" + host.name + ":" + host.port + ":";
  for (const auto& address : addresses) {
    if (&address != &addresses.front()) entry += ",";
    entry += address.text();
  }
  return entry;
}

}  // namespace mx2::http::curl
