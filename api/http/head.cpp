#include "api/http/head.h"

#include <algorithm>
#include <array>
#include <vector>

#include "api/base/ip.h"
#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2::http {
namespace {

constexpr std::string_view kChunked = "chunked";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view text, std::string_view symbols) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || symbols.find(c) != std::string_view::npos;
  });
}

// RFC 9110 5.6.2. A space before the colon would hide a header from us but not from a proxy.
bool is_token(std::string_view text) {
  return !text.empty() && consists_of(text, "!#$%&'*+-.^_`|~");
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// RFC 9110 5.5; bytes beyond ASCII are allowed.
bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

bool is_port(std::string_view text) {
  return text.empty() || parse_uint(text).value_or(kPortMax + 1) <= kPortMax;
}

// RFC 9110 7.2: a host with or without a port; empty where the target has none.
bool is_host(std::string_view text) {
  if (text.empty()) return true;
  std::size_t end = text.find(':');
  if (text[0] == '[') {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return false;
    const auto address = IpAddress::parse(std::string(text.substr(1, bracket - 1)));
    if (!address || text.find(':') > bracket) return false;
    end = bracket + 1 < text.size() ? bracket + 1 : std::string_view::npos;
    if (end != std::string_view::npos && text[end] != ':') return false;
  } else if (!consists_of(text.substr(0, end), "-._~%!$&'()*+,;=")) {
    return false;
  }
  return end == std::string_view::npos || (end > 0 && is_port(text.substr(end + 1)));
}

// What Pistache is told instead of methods that it does not know: whatever comes is for the router
// to refuse, with the methods that there are.
std::string_view for_parser(std::string_view method) {
  static constexpr std::array<std::string_view, 9> kKnown{
      "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end() ? method : kKnown[0];
}

// What the headers say that is not just handed on.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  std::string_view coding;
  bool close = false;
  bool keep = false;
};

// The names that Pistache has to see as they are.
bool frames_message(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kFraming{"Content-Length", "Transfer-Encoding",
                                                            "Expect"};
  return std::any_of(kFraming.begin(), kFraming.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

Result<void> note(std::string_view name, std::string_view value, Head& head, Framing& framing) {
  if (equals_ignoring_case(name, "Host")) {
    ++framing.hosts;
    if (!is_host(value)) return invalid_argument("Host is no host");
  } else if (equals_ignoring_case(name, "Content-Length")) {
    const auto length = parse_uint(value);
    if (!length || ++framing.lengths > 1) {
      return invalid_argument("malformed or repeated Content-Length");
    }
    head.content_length = *length;
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    ++framing.codings;
    framing.coding = value;
  } else if (equals_ignoring_case(name, "Connection")) {
    for (const auto option : split(value, ',')) {
      framing.close |= equals_ignoring_case(trim(option), "close");
      framing.keep |= equals_ignoring_case(trim(option), "keep-alive");
    }
  }
  return {};
}

// `lines`: all but the request line, up to and with the blank one.
Result<Framing> read_fields(std::string_view lines, Head& head) {
  Framing framing;
  while (lines != "\r\n") {
    const auto end = lines.find("\r\n");
    const auto line = lines.substr(0, end);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) {
      return invalid_argument("malformed header line");
    }
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return invalid_argument("a control character in a header");
    if (auto noted = note(name, value, head, framing); !noted) return noted.error();
    head.headers.emplace_back(name, value);
    if (frames_message(name)) head.text.append(lines.substr(0, end + 2));
    lines.remove_prefix(end + 2);
  }
  return framing;
}

Result<void> check_coding(const Framing& framing, bool is_http10, Head& head) {
  if (framing.codings == 0) return {};
  if (framing.lengths > 0) {
    return invalid_argument("Content-Length and Transfer-Encoding exclude each other");
  }
  const auto codings = split(framing.coding, ',');
  const auto is_chunked = [](std::string_view coding) {
    return equals_ignoring_case(trim(coding), kChunked);
  };
  if (framing.codings > 1 || is_http10 || !is_chunked(codings.back()) ||
      std::count_if(codings.begin(), codings.end(), is_chunked) > 1) {
    return invalid_argument("malformed or repeated Transfer-Encoding");
  }
  if (codings.size() > 1) head.unsupported = "a transfer coding besides chunked";
  return {};
}

}  // namespace

Result<Head> prepare_head(std::string_view text) {
  Head head;
  const auto line_end = text.find("\r\n");
  const auto words = split(text.substr(0, line_end), ' ');
  if (words.size() != 3 || !is_token(words[0]) || words[1].empty() ||
      std::any_of(words[1].begin(), words[1].end(), is_control)) {
    return invalid_argument("malformed request line");
  }
  const bool is_http10 = words[2] == "HTTP/1.0";
  if (!is_http10 && words[2] != "HTTP/1.1") {
    return invalid_argument("the version is neither HTTP/1.1 nor HTTP/1.0");
  }
  head.method = words[0];
  head.target = words[1];
  head.text.append(for_parser(words[0]))
      .append(text.substr(words[0].size(), line_end + 2 - words[0].size()));
  const auto framing = read_fields(text.substr(line_end + 2), head);
  if (!framing) return framing.error();
  if (framing->hosts > 1 || (framing->hosts == 0 && !is_http10)) {
    return invalid_argument(framing->hosts == 0 ? "Host is missing" : "Host comes more than once");
  }
  if (auto fine = check_coding(*framing, is_http10, head); !fine) return fine.error();
  head.keep_alive = !framing->close && (!is_http10 || framing->keep);
  head.text.append("\r\n");
  return head;
}

}  // namespace mx2::http
