// The few bytes of HTTP/1.1 that Pistache does not give or write as we need them. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http {

// The head of a request, made ready for Pistache's parser.
struct Head {
  std::string
      target;        // second word of the request line; Pistache's form drops repeated query names
  std::string text;  // the head with header names shielded, see below
  std::size_t content_length = 0;
};

// Checks what Pistache would let pass or wait for without end: a request line of three words, a
// name and a colon in every header line, one Content-Length of digits only and then no
// Transfer-Encoding. Pistache refuses messages whose
// Accept, Content-Type, Date, … it cannot interpret, though they are legal or harmless; so all
// names but those that frame the message are shielded from its typed parsers by a leading '~'.
// `head` includes the blank line.
[[nodiscard]] Result<Head> prepare_head(std::string_view head);
[[nodiscard]] std::string_view unshielded(std::string_view header_name);

// "http://host:1/path?x" (absolute form, RFC 9112 3.2.2) -> "/path?x"; "/path" stays as it is.
[[nodiscard]] std::string_view strip_authority(std::string_view target);

// Status line, headers and body. No Content-Length and no body with 204 (RFC 9110 8.6); no body in
// answer to HEAD.
[[nodiscard]] std::string serialise(const Reply& reply, bool close, bool head_only);
// The same for a reply whose body ends when the connection does (RFC 9112 6.3): no Content-Length.
[[nodiscard]] std::string serialise_stream(const Reply& reply, bool head_only);

}  // namespace mx2::http
