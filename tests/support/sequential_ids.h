// Identifiers that a test can foresee.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "api/base/ids.h"
#include "api/base/text.h"

namespace mx2 {

// 00…01, 00…02, …
class SequentialIds final : public IdGenerator {
 public:
  [[nodiscard]] std::string next() override {
    const auto n = ++last_;
    std::array<std::uint8_t, 16> bytes{};
    for (unsigned i = 0; i < 8; ++i) bytes[15 - i] = static_cast<std::uint8_t>(n >> (8U * i));
    return to_hex(bytes);
  }

 private:
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace mx2
