// MEC 016 V1.1.1: what is accepted is stored as V2.2.1, so that form must read back too.
#include "api/mx2/codec.h"
#include "api/mx2/codec_v1.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = mx2::fuzz::text_of(data, size);
  for (const auto& decoded :
       {mx2::codec_v1::decode_create_request(body), mx2::codec_v1::decode_update_request(body)}) {
    if (!decoded) continue;
    const auto again = mx2::codec_v1::decode_update_request(mx2::codec_v1::encode(*decoded));
    mx2::fuzz::expect(again.ok(), "an encoded V1.1.1 context can be decoded");
    mx2::fuzz::expect(mx2::codec_v1::encode(*again) == mx2::codec_v1::encode(*decoded),
                      "decoding and encoding changes nothing");
    mx2::AppContext stored = *decoded;
    for (auto* text : {&stored.callback_reference, &stored.app_info.app_soft_version,
                       &stored.app_info.app_description, &stored.app_info.app_package_source}) {
      if (*text && (*text)->empty()) text->reset();  // as the endpoint does
    }
    mx2::fuzz::expect(mx2::codec::decode_app_context(mx2::codec::encode(stored)).ok(),
                      "a context of this dialect can be stored and read back");
  }
  return 0;
}
