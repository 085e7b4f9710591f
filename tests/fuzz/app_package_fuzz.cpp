// Requests about packages, filters over them, and where device applications may have them from:
// what is accepted can be stored and read again.
#include "api/mec/attribute_filter.h"
#include "api/mec/codec_app_package.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = mx2::fuzz::text_of(data, size);
  if (const auto filter = mx2::AttributeFilter::parse(text); filter.ok()) {
    static_cast<void>(filter->matches({{"a", {{"b", 1}}}, {"c", {"x", 2}}}));
  }
  static_cast<void>(mx2::codec::decode_app_pkg_modifications(text));
  const auto subscription = mx2::codec::decode_app_pkg_subscription(text);
  if (subscription.ok()) {
    static_cast<void>(mx2::json::dump(mx2::codec::app_pkg_subscription_info(*subscription)));
  }
  const auto request = mx2::codec::decode_create_app_pkg(text);
  if (!request) return 0;
  mx2::Package package;
  package.id = std::string(32, 'a');
  package.name = request->name;
  package.version = request->version;
  package.provider = request->provider;
  package.checksum = request->checksum;
  package.source_uri = request->path;
  package.user_defined_data = request->user_defined_data;
  const auto again = mx2::codec::decode_package(mx2::codec::to_json(package));
  mx2::fuzz::expect(again.ok() && *again == package, "what is stored is what is read");
  return 0;
}
