// Hosts, apps and places of contexts: what is accepted is stored as it is encoded.
#include "api/json/form.h"
#include "api/operator/codec.h"
#include "tests/fuzz/fuzz.h"

namespace {

// As the service does before it stores a host.
void complete(mx2::Host& host) {
  for (auto& instance : host.instances) {
    if (instance.app_instance_id.empty()) instance.app_instance_id = "given";
  }
}
void complete(mx2::App& /*app*/) {}
void complete(mx2::ContextPlace& /*context*/) {}

template <typename T>
using Decoder = mx2::Result<T> (*)(const mx2::json::Value&);

template <typename T>
void check(const mx2::json::Value& document, Decoder<T> decode, Decoder<T> decode_stored) {
  static_cast<void>(decode_stored(document));
  auto value = decode(document);
  if (!value) return;
  complete(*value);
  const auto text = mx2::json::dump(mx2::codec::to_json(*value));
  const auto parsed = mx2::json::parse(text);
  mx2::fuzz::expect(parsed.ok(), "what is encoded is JSON");
  const auto again = decode(*parsed);
  mx2::fuzz::expect(again.ok(), "what is encoded can be decoded");
  mx2::fuzz::expect(mx2::json::dump(mx2::codec::to_json(*again)) == text,
                    "decoding and encoding changes nothing");
  const auto stored = decode_stored(mx2::json::with_form(*parsed));
  mx2::fuzz::expect(stored.ok(), "what is accepted can be loaded");
  mx2::fuzz::expect(mx2::json::dump(mx2::codec::to_json(*stored)) == text,
                    "storing and loading changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = mx2::json::parse(mx2::fuzz::text_of(data, size));
  if (!document) return 0;
  check(*document, mx2::codec::decode_host, mx2::codec::decode_stored_host);
  check(*document, mx2::codec::decode_app, mx2::codec::decode_stored_app);
  check(*document, mx2::codec::decode_context_place, mx2::codec::decode_context_place);
  return 0;
}
