#include "mx2-client/src/endpoint.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "api/base/text.h"
#include "api/mx2/codec.h"

namespace mx2::device {
namespace {

constexpr std::size_t kUriCharsMax = 4096;

// The own address of a connected UDP socket, which sends nothing.
std::optional<std::string> address_towards(const addrinfo& peer) {
  const int fd = ::socket(peer.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  auto* address = reinterpret_cast<sockaddr*>(&own);
  const bool known =
      ::connect(fd, peer.ai_addr, peer.ai_addrlen) == 0 && ::getsockname(fd, address, &size) == 0;
  ::close(fd);
  std::array<char, NI_MAXHOST> text{};
  if (!known ||
      ::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return std::nullopt;
  }
  return std::string(text.data());
}

}  // namespace

std::optional<std::string> call_url(std::string_view reference_uri) {
  if (reference_uri.empty() || reference_uri.size() > kUriCharsMax) return std::nullopt;
  for (const char c : reference_uri) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7F') return std::nullopt;
  }
  if (codec::is_http_uri(reference_uri)) return std::string(reference_uri);
  const auto authority = reference_uri.substr(0, reference_uri.find('/'));
  if (reference_uri.find("://") != std::string_view::npos || !codec::is_authority(authority)) {
    return std::nullopt;
  }
  auto url = "http://" + std::string(reference_uri);
  if (authority.size() == reference_uri.size()) url += '/';
  return url;
}

std::optional<HostPort> host_port_of(std::string_view url) {
  if (!codec::is_http_uri(url)) return std::nullopt;
  const auto scheme_end = url.find("://");
  const bool secure = equals_ignoring_case(url.substr(0, scheme_end), "https");
  auto rest = url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  HostPort out{"", secure ? "443" : "80"};
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos && colon + 1 < rest.size()) {
    out.port = std::string(rest.substr(colon + 1));
  }
  auto host = rest.substr(0, colon);
  if (bracket != std::string_view::npos) host = rest.substr(1, bracket - 1);
  out.host = std::string(host);
  return out;
}

std::optional<std::string> local_address_towards(std::string_view url) {
  const auto peer = host_port_of(url);
  if (!peer) return std::nullopt;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(peer->host.c_str(), peer->port.c_str(), &hints, &found) != 0) {
    return std::nullopt;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    if (auto address = address_towards(*each)) return address;
  }
  return std::nullopt;
}

}  // namespace mx2::device
