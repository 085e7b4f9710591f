// Application descriptors: what is accepted is encoded and decoded without a change, and its
// command stays inside the package.
#include "api/mec/appd.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto app = mx2::codec::decode_app_descriptor(mx2::fuzz::text_of(data, size));
  if (!app) return 0;
  const auto text = mx2::json::dump(mx2::codec::to_json(*app));
  const auto again = mx2::codec::decode_app_descriptor(text);
  mx2::fuzz::expect(again.ok(), "what is encoded can be decoded");
  mx2::fuzz::expect(mx2::json::dump(mx2::codec::to_json(*again)) == text,
                    "decoding and encoding changes nothing");
  if (app->process) {
    const auto& file = app->process->command.at(0);
    mx2::fuzz::expect(file.front() != '/' && ("/" + file + "/").find("/../") == std::string::npos,
                      "the command stays inside the package");
  }
  return 0;
}
