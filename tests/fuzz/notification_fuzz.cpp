// What a device application is told (MEC 016 clauses 6.4.2 to 6.4.5): from a callback or an event
// stream, so from whoever can reach it.
#include "api/mx2/codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = mx2::codec::decode_notification(mx2::fuzz::text_of(data, size));
  if (!decoded) {
    mx2::fuzz::expect(!decoded.error().detail.empty(), "a refusal has a reason");
    return 0;
  }
  const auto text = mx2::codec::encode(*decoded);
  const auto again = mx2::codec::decode_notification(text);
  mx2::fuzz::expect(again.ok(), "an encoded notification can be decoded");
  mx2::fuzz::expect(again->index() == decoded->index(), "it is of the same type");
  mx2::fuzz::expect(mx2::codec::encode(*again) == text, "decoding and encoding changes nothing");
  return 0;
}
