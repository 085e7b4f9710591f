// What the codecs of this folder share.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/json/json.h"

namespace mx2::codec {

inline constexpr json::Chars kUri{1, 2048};

// One of `values`, by to_text().
template <typename Enum>
std::optional<Enum> parse_enum(std::string_view text, std::initializer_list<Enum> values) {
  for (const auto value : values) {
    if (to_text(value) == text) return value;
  }
  return std::nullopt;
}

template <typename Enum>
Enum read_enum(json::ObjectReader& reader, const char* name, std::initializer_list<Enum> values) {
  std::string text;
  reader.required(name, text, json::kAnyText);
  if (!reader.ok()) return *values.begin();
  const auto value = parse_enum(text, values);
  if (value) return *value;
  std::string allowed;
  for (const auto each : values) {
    allowed.append(allowed.empty() ? "must be " : " or ").append(to_text(each));
  }
  reader.fail(allowed, name);
  return *values.begin();
}

inline json::Value link(const std::string& href) { return {{"href", href}}; }

// Decodes a whole document with `read(ObjectReader&, T&)`.
template <typename T, typename Read>
Result<T> decode_object(const json::Value& document, const Read& read) {
  std::optional<Error> error;
  T value{};
  json::ObjectReader reader(document, "", error);
  read(reader, value);
  if (error) return *error;
  return value;
}

template <typename T, typename Read>
Result<T> decode_text(std::string_view body, const Read& read) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  return decode_object<T>(*document, read);
}

}  // namespace mx2::codec
