// Catch2, versions 2 and 3 alike. Tests include this header and use what is the same in both, plus
// ContainsSubstring below.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace mx2::test {
using Catch::Matchers::ContainsSubstring;
}  // namespace mx2::test
#else
#include <catch2/catch.hpp>
#include <string>
namespace mx2::test {
inline auto ContainsSubstring(const std::string& text) {  // NOLINT(readability-identifier-naming)
  return Catch::Matchers::Contains(text);
}
}  // namespace mx2::test
#endif
