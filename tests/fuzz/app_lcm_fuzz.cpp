// Mm3 and Mp1: what is accepted is encoded and decoded without a change, and filters never fall
// over what they filter.
#include "api/mec/app_support.h"
#include "api/mec/codec_app_lcm.h"
#include "api/mec/service_management.h"
#include "tests/fuzz/fuzz.h"

namespace {

constexpr const char* kRoot = "http://h/app_lcm/v1";

template <typename Decode, typename Encode>
void check(const Decode& decode, const Encode& encode) {
  const auto first = decode();
  if (!first) return;
  const std::string text = encode(*first);
  const auto again = decode(text);
  mx2::fuzz::expect(again.ok(), "what is encoded can be decoded");
  mx2::fuzz::expect(encode(*again) == text, "decoding and encoding changes nothing");
}

// decode() of the input, decode(text) of what was made of it.
template <typename F>
struct Of {
  F decode;
  std::string_view input;
  auto operator()() const { return decode(input); }
  auto operator()(const std::string& text) const { return decode(text); }
};
template <typename F>
Of(F, std::string_view) -> Of<F>;

template <typename T>
auto parsed(mx2::Result<T> (*decode)(const mx2::json::Value&)) {
  return [decode](std::string_view text) -> mx2::Result<T> {
    const auto document = mx2::json::parse(text);
    return document ? decode(*document) : document.error();
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mx2::codec;
  const auto text = mx2::fuzz::text_of(data, size);
  const auto encoded = [](const auto& value) { return encode(value); };
  const auto shown = [](const auto& value) { return mx2::json::dump(to_json(value, kRoot)); };
  check(Of{decode_create_app_instance, text}, encoded);
  check(Of{decode_instantiate_app, text}, encoded);
  check(Of{decode_terminate_app, text}, encoded);
  check(Of{decode_operate_app, text}, encoded);
  check(Of{decode_cancel, text}, encoded);
  check(Of{parsed(decode_app_instance), text}, shown);
  check(Of{parsed(decode_app_lcm_op_occ), text}, shown);
  check(Of{parsed(decode_lcm_subscription), text}, shown);
  check(Of{decode_lcm_notification, text}, [](const auto& value) { return encode(value, kRoot); });
  check(Of{decode_termination_subscription, text}, shown);
  check(Of{decode_termination_notification, text}, encoded);
  if (const auto service = decode_service(text)) static_cast<void>(encode_service(*service));
  static_cast<void>(decode_services(text));
  static_cast<void>(decode_subscription_links(text));
  return 0;
}
