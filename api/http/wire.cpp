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
