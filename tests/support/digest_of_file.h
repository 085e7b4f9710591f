// What a package's digest should be.
#pragma once

#include <array>
#include <fstream>
#include <string>

#include "api/base/digest.h"
#include "api/base/result.h"

namespace mx2 {

// unavailable when the file cannot be read. In pieces, as it may be large.
[[nodiscard]] inline Result<std::string> sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return unavailable("a file cannot be read", path);
  Sha256 digest;
  std::array<char, 64 << 10> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    digest.update({block.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (file.bad()) return unavailable("a file cannot be read", path);
  return digest.hex();
}

}  // namespace mx2
