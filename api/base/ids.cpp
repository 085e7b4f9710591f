#include "api/base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr std::size_t kIdBytes = 16;

// Kernel randomness is fetched for many identifiers at once: one system call per 256 of them.
void fill_random(std::uint8_t* out, std::size_t size) {
  thread_local std::array<std::uint8_t, 4096> pool{};
  thread_local std::size_t used = pool.size();
  if (pool.size() - used < size) {
    for (std::size_t got = 0; got < pool.size();) {
      const auto n = getrandom(pool.data() + got, std::min<std::size_t>(256, pool.size() - got), 0);
      if (n < 0) throw std::runtime_error("getrandom failed");
      got += static_cast<std::size_t>(n);
    }
    used = 0;
  }
  std::memcpy(out, pool.data() + used, size);
  used += size;
}

}  // namespace

std::string RandomIds::next() {
  std::array<std::uint8_t, kIdBytes> bytes{};
  const auto now = static_cast<std::uint64_t>(clock_.now_ms());
  for (unsigned i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(now >> (8U * (5U - i)));
  fill_random(bytes.data() + 6, kIdBytes - 6);
  bytes[6] = static_cast<std::uint8_t>(0x70U | (bytes[6] & 0x0FU));  // version 7
  bytes[8] = static_cast<std::uint8_t>(0x80U | (bytes[8] & 0x3FU));  // variant
  return to_hex(bytes);
}

bool is_hex32(std::string_view text) { return is_hex(text, 2 * kIdBytes); }

}  // namespace mx2
