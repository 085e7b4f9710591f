// Configuration and content files: any text is a document or an error with a place.
#include "api/config/yaml.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = mx2::config::parse_yaml(std::string(mx2::fuzz::text_of(data, size)), "f");
  if (!document) {
    mx2::fuzz::expect(document.error().pointer.rfind("f", 0) == 0, "an error has a place");
    return 0;
  }
  static_cast<void>(mx2::json::dump(document->value));
  mx2::fuzz::expect(document->place("/a/b").rfind("f", 0) == 0, "a pointer has a place");
  return 0;
}
