// Small text helpers that several modules need. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mx2 {

// Number of Unicode code points of valid UTF-8 text: the unit of every length limit of MEC 016.
[[nodiscard]] std::size_t code_points(std::string_view utf8);

// RFC 3986 percent-decoding; nothing for a malformed escape ("%4", "%zz") or a NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);
// Two lower-case digits a byte; and whether a text is that many of them.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
[[nodiscard]] bool is_hex(std::string_view text, std::size_t digits);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);  // spaces and tabs at both ends
[[nodiscard]] std::string to_lower(std::string_view ascii);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::optional<std::uint64_t> parse_uint(std::string_view text);
[[nodiscard]] inline bool has_http_scheme(std::string_view uri) {
  return uri.starts_with("http://") || uri.starts_with("https://");
}

// The candidate that resembles `word` most, if it is close enough to be a likely slip of the pen.
[[nodiscard]] std::optional<std::string> closest(std::string_view word,
                                                 const std::vector<std::string>& candidates);
// "; did you mean '…'?", or what is said otherwise.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates,
                                       const std::string& otherwise = {});

// How an enumeration is written: the texts of its values, in their order, from 0 on.
template <std::size_t n>
using EnumTexts = std::array<std::string_view, n>;

template <typename Enum, std::size_t n>
[[nodiscard]] constexpr std::string_view enum_text(Enum value, const EnumTexts<n>& texts) {
  return texts.at(static_cast<std::size_t>(value));
}
template <typename Enum, std::size_t n>
[[nodiscard]] constexpr std::optional<Enum> parse_enum(std::string_view text,
                                                       const EnumTexts<n>& texts) {
  for (std::size_t i = 0; i < n; ++i) {
    if (texts[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace mx2
