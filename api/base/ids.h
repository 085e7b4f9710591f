// Identifiers: 32 lower-case hexadecimal digits, which is the longest contextId that MEC 016 allows
// (clause 6.2.3) and safe in a URL.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/base/clock.h"

namespace mx2 {

class IdGenerator {
 public:
  virtual ~IdGenerator() = default;
  // A new identifier, never given before. Callable from any thread.
  [[nodiscard]] virtual std::string next() = 0;
};

// UUID version 7 without its dashes (IETF RFC 9562 clause 5.7): 48 bits of time, then 74 random
// bits from the kernel. Time first keeps inserts at the end of the store's index; the random part
// makes an identifier impossible to guess.
class RandomIds final : public IdGenerator {
 public:
  explicit RandomIds(const Clock& clock) : clock_(clock) {}
  [[nodiscard]] std::string next() override;

 private:
  const Clock& clock_;
};

// 00…01, 00…02, …: for tests.
class SequentialIds final : public IdGenerator {
 public:
  [[nodiscard]] std::string next() override;

 private:
  std::atomic<std::uint64_t> last_{0};
};

[[nodiscard]] bool is_hex32(std::string_view text);

}  // namespace mx2
