// JPEG from outside to grey pixels, by TurboJPEG. The header is looked at first: what is too large
// is refused before memory is taken for it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "api/base/result.h"

namespace mx2::lambda {

inline constexpr std::int64_t kPixelsMax = 32 << 20;
inline constexpr int kSideMax = 1280;  // larger pictures are decoded at a fraction of their size

struct GreyImage {
  int width = 0;
  int height = 0;
  std::vector<unsigned char> pixels;  // row by row
  int full_width = 0;                 // of the picture that was sent
  int full_height = 0;
};

// invalid_argument with cause "bad-image"; too_large with cause "too-many-pixels".
[[nodiscard]] Result<GreyImage> decode_jpeg(std::string_view jpeg);

}  // namespace mx2::lambda
