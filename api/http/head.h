// The head of a request, checked and made ready for Pistache's parser. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http {

struct Head {
  std::string method;  // any token
  std::string target;  // Pistache's form of it drops repeated query names
  Headers headers;     // all, in order: Pistache keeps one of each name
  std::string text;    // for Pistache, see below
  std::size_t content_length = 0;
  bool keep_alive = true;   // whether the connection stays, RFC 9112 9.3
  std::string unsupported;  // well formed, but what is not to be had here (501); empty: all is
};

// invalid_argument for what two readers could understand in two ways, and Pistache would let pass
// or wait for without end: anything but a request line of three words, names that are tokens,
// values without controls (NUL and a bare CR or LF among them) and lines that are not folded; an
// HTTP/1.1 request with no Host, any with two or one that is none (RFC 9112 3.2); more than one
// Content-Length, or one that is not of digits; a Transfer-Encoding that comes twice, beside a
// Content-Length, in HTTP/1.0, or does not end in `chunked` (RFC 9112 6.1, 6.3).
//
// Pistache refuses methods that it does not know, and messages whose Accept, Content-Type, Date, …
// it cannot interpret, though they are legal or harmless; so it is told GET for the former, and of
// the headers only those that frame the message. `head` includes the blank line.
[[nodiscard]] Result<Head> prepare_head(std::string_view head);

}  // namespace mx2::http
