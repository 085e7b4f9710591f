#include "api/http/wire.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::http {
namespace {

// The Date header changes once a second, and every reply carries it.
const std::string& http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const auto now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> buffer{};
    std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text = buffer.data();
    made_at = now;
  }
  return text;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

constexpr char kShield = '~';

bool frames_message(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kFraming{"Content-Length", "Transfer-Encoding",
                                                            "Connection", "Expect"};
  return std::any_of(kFraming.begin(), kFraming.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

// RFC 9110 5.6.2. A space before the colon would hide a header from us but not from a proxy.
bool is_token(std::string_view text) {
  static constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSymbols.find(c) != std::string_view::npos;
  });
}

std::string status_and_headers(const Reply& reply, bool close) {
  std::string out;
  out.reserve(384 + reply.body.size());
  out.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ");
  out.append(reason_phrase(reply.status)).append("\r\n");
  append_header(out, "Date", http_date());
  append_header(out, "Connection", close ? "close" : "keep-alive");
  if (!reply.content_type.empty()) append_header(out, "Content-Type", reply.content_type);
  for (const auto& [name, value] : reply.headers) append_header(out, name, value);
  return out;
}

}  // namespace

Result<Head> prepare_head(std::string_view head) {
  Head result;
  const auto line_end = head.find("\r\n");
  const auto words = split(head.substr(0, line_end), ' ');
  if (words.size() != 3) return invalid_argument("malformed request line");
  result.target = words[1];
  result.text.append(head.substr(0, line_end + 2));
  bool has_length = false;
  bool has_coding = false;
  for (auto rest = head.substr(line_end + 2); rest != "\r\n";) {
    const auto end = rest.find("\r\n");
    const auto line = rest.substr(0, end);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) {
      return invalid_argument("malformed header line");
    }
    has_coding = has_coding || equals_ignoring_case(name, "Transfer-Encoding");
    if (equals_ignoring_case(name, "Content-Length")) {
      const auto length = parse_uint(trim(line.substr(colon + 1)));
      if (!length || has_length) return invalid_argument("malformed or repeated Content-Length");
      result.content_length = *length;
      has_length = true;
    }
    if (!frames_message(name)) result.text += kShield;
    result.text.append(rest.substr(0, end + 2));
    rest.remove_prefix(end + 2);
  }
  if (has_length && has_coding) {
    return invalid_argument("Content-Length and Transfer-Encoding exclude each other");
  }
  result.text.append("\r\n");
  return result;
}

std::string_view unshielded(std::string_view header_name) {
  return !header_name.empty() && header_name[0] == kShield ? header_name.substr(1) : header_name;
}

std::string_view strip_authority(std::string_view target) {
  if (target.empty() || target[0] == '/') return target;
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return target;
  const auto path = target.find('/', scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

std::string serialise(const Reply& reply, bool close, bool head_only) {
  std::string out = status_and_headers(reply, close);
  const bool bodiless = reply.status == 204 || reply.status == 304;
  if (!bodiless) append_header(out, "Content-Length", std::to_string(reply.body.size()));
  out.append("\r\n");
  if (!bodiless && !head_only) out.append(reply.body);
  return out;
}

std::string serialise_stream(const Reply& reply, bool head_only) {
  std::string out = status_and_headers(reply, true);
  out.append("\r\n");
  if (!head_only) out.append(reply.body);
  return out;
}

}  // namespace mx2::http
