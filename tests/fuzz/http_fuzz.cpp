// The bytes of HTTP that we read ourselves: request heads, targets and queries.
#include <algorithm>

#include "api/base/text.h"
#include "api/http/head.h"
#include "api/http/query.h"
#include "api/http/wire.h"
#include "tests/fuzz/fuzz.h"

namespace {

using mx2::fuzz::expect;

void check_head(std::string head) {
  const auto end = head.find("\r\n\r\n");
  head = head.substr(0, end) + "\r\n\r\n";  // as the connection cuts it
  const auto prepared = mx2::http::prepare_head(head);
  if (!prepared) return;
  const auto lines = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n'));
  expect(prepared->headers.size() + 2 == lines,
         "each line between the first and the last is a header");
  expect(prepared->text.substr(prepared->text.size() - 4) == "\r\n\r\n", "it ends as it did");
  expect(mx2::http::strip_authority(prepared->target).size() <= prepared->target.size() + 1,
         "a path is part of its target");
}

void check_query(std::string_view raw) {
  const auto parameters = mx2::http::parse_query(raw);
  if (!parameters) return;
  for (const auto& parameter : *parameters) {
    expect(!parameter.values.empty(), "a parameter has a value");
    expect(parameter.name.find('\0') == std::string::npos, "no NUL in a name");
  }
  const auto single = mx2::http::SingleValued::parse(raw, {"limit", "cursor"});
  if (single.ok()) static_cast<void>(single->number("limit", 1, 1, 100));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = mx2::fuzz::text_of(data, size);
  check_head(std::string(input));
  check_query(input);
  if (const auto decoded = mx2::percent_decode(input)) {
    expect(mx2::percent_decode(mx2::percent_encode(*decoded)) == decoded,
           "encoding and decoding changes nothing");
  }
  return 0;
}
