// NDJSON of a table patch: what is accepted is exported as lines that are accepted again.
#include "api/operator/codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kRowsMax = 100;
  const auto changes = mx2::codec::decode_table_patch(mx2::fuzz::text_of(data, size), kRowsMax);
  if (!changes) return 0;
  mx2::fuzz::expect(changes->size() <= kRowsMax, "no more rows than allowed");
  std::string lines;
  std::size_t rows = 0;
  for (const auto& change : *changes) {
    if (change.remove) continue;
    lines += mx2::json::dump(mx2::codec::to_json(change.row)) + "\n";
    ++rows;
  }
  const auto again = mx2::codec::decode_table_patch(lines, kRowsMax);
  mx2::fuzz::expect(again.ok() && again->size() == rows, "exported rows can be imported");
  return 0;
}
