// The bounded JSON parser: what it accepts, it writes and accepts again.
#include "api/json/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = mx2::fuzz::text_of(data, size);
  const auto value = mx2::json::parse(input);
  if (!value) {
    mx2::fuzz::expect(!value.error().detail.empty(), "a refusal has a reason");
    return 0;
  }
  mx2::fuzz::expect(input.find('\0') == std::string_view::npos, "no NUL is accepted");
  const auto text = mx2::json::dump(*value);
  const auto again = mx2::json::parse(text);
  mx2::fuzz::expect(again.ok() && mx2::json::dump(*again) == text, "what is written is read");
  return 0;
}
