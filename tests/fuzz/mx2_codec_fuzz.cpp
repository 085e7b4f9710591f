// MEC 016 V2.2.1: whatever is accepted is kept, so it must read back as what was written.
#include "api/mx2/codec.h"
#include "tests/fuzz/fuzz.h"

namespace {

void check_context(const mx2::Result<mx2::AppContext>& decoded) {
  if (!decoded) {
    mx2::fuzz::expect(!decoded.error().detail.empty(), "a refusal has a reason");
    return;
  }
  const auto text = mx2::codec::encode(*decoded);
  const auto again = mx2::codec::decode_app_context(text);
  mx2::fuzz::expect(again.ok(), "an encoded context can be decoded");
  mx2::fuzz::expect(mx2::codec::encode(*again) == text, "decoding and encoding changes nothing");
  const auto stored = mx2::codec::decode_stored_context(text);
  mx2::fuzz::expect(stored.ok(), "what is accepted can be loaded");
  mx2::fuzz::expect(mx2::codec::encode(*stored) == text, "storing and loading changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = mx2::fuzz::text_of(data, size);
  check_context(mx2::codec::decode_create_request(body));
  check_context(mx2::codec::decode_update_request(body));
  check_context(mx2::codec::decode_app_context(body));
  static_cast<void>(mx2::codec::decode_stored_context(body));
  if (const auto asked = mx2::codec::decode_location_availability(body); asked.ok()) {
    const auto text = mx2::codec::encode(*asked);
    const auto again = mx2::codec::decode_location_availability(text);
    mx2::fuzz::expect(again.ok() && mx2::codec::encode(*again) == text,
                      "an encoded availability can be decoded");
  }
  return 0;
}
