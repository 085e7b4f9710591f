// Documents of our own in the store: in which form they were written, and how they are read without
// bounds.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "api/json/json.h"

namespace mx2::json {

// The first form did not say that it was.
inline constexpr std::int64_t kForm = 1;
inline constexpr auto kNoLimit = std::numeric_limits<std::size_t>::max();  // of items
inline constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
inline constexpr Chars kAnyLength{};

inline Value with_form(Value document) {
  document["form"] = kForm;
  return document;
}

// An error when the form is one that this release does not know: half understood is not read.
inline void check_form(ObjectReader& reader) {
  std::optional<std::int64_t> form;
  reader.optional("form", form, 0, kMost);
  if (form.value_or(kForm) > kForm) reader.fail("is of a newer release", "form");
}

template <typename T, typename Read>
[[nodiscard]] Result<T> decode_stored(const Value& document, const Read& read) {
  return decode_object<T>(document, [&](ObjectReader& reader, T& value) {
    check_form(reader);
    read(reader, value);
  });
}

}  // namespace mx2::json
