#include "orchestrator/packages/sources.h"

#include <algorithm>
#include <optional>

#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2 {
namespace {

constexpr std::size_t kUriBytesMax = 2048;
constexpr std::uint64_t kHttpPort = 80;
constexpr std::uint64_t kHttpsPort = 443;

struct Source {
  bool tls = false;
  std::string host;  // lower case
  std::uint64_t port = 0;
  std::string path;  // as it came, at least "/"

  [[nodiscard]] bool same_server(const Source& other) const {
    return tls == other.tls && host == other.host && port == other.port;
  }
};

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' &&
         std::string_view("\"<>\\^`{|}#").find(c) == std::string_view::npos;
}

bool is_host(std::string_view host) {
  if (host.empty()) return false;
  const bool bracketed = host.front() == '[';
  if (bracketed && (host.back() != ']' || host.size() < 4)) return false;
  const auto name = bracketed ? host.substr(1, host.size() - 2) : host;
  return name.find_first_not_of(bracketed ? "0123456789abcdef:."
                                          : "abcdefghijklmnopqrstuvwxyz0123456789-._") ==
         std::string_view::npos;
}

// "host", "host:port", "[v6]", "[v6]:port".
bool read_authority(std::string_view authority, Source& out) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  out.host = to_lower(authority.substr(0, colon));
  out.port = out.tls ? kHttpsPort : kHttpPort;
  if (colon != std::string_view::npos) {
    const auto port = parse_uint(authority.substr(colon + 1));
    if (!port || *port == 0 || *port > kPortMax) return false;
    out.port = *port;
  }
  return is_host(out.host);
}

// No server and no proxy may see another path than we do.
bool is_straight(std::string_view path) {
  const auto decoded = percent_decode(path);
  if (!decoded) return false;
  for (const char c : *decoded) {
    if (c != ' ' && (!is_plain(c) || c == '%')) return false;
  }
  if (std::count(decoded->begin(), decoded->end(), '/') !=
      std::count(path.begin(), path.end(), '/')) {
    return false;
  }
  const auto segments = split(*decoded, '/');
  return std::none_of(segments.begin(), segments.end(), [](std::string_view segment) {
    const auto name = segment.substr(0, segment.find(';'));  // parameters of a segment
    return name == "." || name == "..";
  });
}

std::optional<Source> parse(std::string_view uri) {
  if (uri.size() > kUriBytesMax || !std::all_of(uri.begin(), uri.end(), is_plain)) {
    return std::nullopt;
  }
  const auto colon = uri.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto scheme = to_lower(uri.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  Source source;
  source.tls = scheme == "https";
  const auto rest = uri.substr(colon + 3);
  const auto end = rest.find_first_of("/?");
  if (!read_authority(rest.substr(0, end), source)) return std::nullopt;
  if (end != std::string_view::npos) source.path = rest.substr(end, rest.find('?') - end);
  if (source.path.empty()) source.path = "/";
  if (!is_straight(source.path)) return std::nullopt;
  return source;
}

bool below(const std::string& path, const std::string& prefix) {
  if (path.compare(0, prefix.size(), prefix) != 0) return false;
  return prefix.back() == '/' || path.size() == prefix.size() || path[prefix.size()] == '/';
}

}  // namespace

bool allowed_source(const std::vector<std::string>& prefixes, std::string_view uri) {
  const auto source = parse(uri);
  if (!source) return false;
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& text) {
    const auto prefix = parse(text);
    return prefix && prefix->same_server(*source) && below(source->path, prefix->path);
  });
}

Result<void> check_source_prefix(std::string_view prefix) {
  if (parse(prefix) && prefix.find('?') == std::string_view::npos) return {};
  return invalid_argument("'" + std::string(prefix) +
                          "' is no http or https URI with a host and a plain path");
}

}  // namespace mx2
