// Identifiers: 32 lower-case hexadecimal digits, which is the longest contextId that MEC 016 allows
// (clause 6.2.3) and safe in a URL.
#pragma once

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

[[nodiscard]] bool is_hex32(std::string_view text);

}  // namespace mx2
