// Small text helpers that several modules need. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mx2 {

// Number of Unicode code points of valid UTF-8 text: the unit of every length limit of MEC 016.
[[nodiscard]] std::size_t code_points(std::string_view utf8);

// RFC 3986 percent-decoding; nothing for a malformed escape ("%4", "%zz") or a NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);  // spaces and tabs at both ends
[[nodiscard]] std::string to_lower(std::string_view ascii);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::optional<std::uint64_t> parse_uint(std::string_view text);

// The candidate that resembles `word` most, if it is close enough to be a likely slip of the pen.
[[nodiscard]] std::optional<std::string> closest(std::string_view word,
                                                 const std::vector<std::string>& candidates);
// "; did you mean '…'?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

// The one of `values` whose to_text() it is.
template <typename Values>
[[nodiscard]] auto parse_enum(std::string_view text, const Values& values)
    -> std::optional<typename Values::value_type> {
  for (const auto value : values) {
    if (to_text(value) == text) return value;
  }
  return std::nullopt;
}

[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace mx2
