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

inline Value with_form(Value document) {
  document["form"] = kForm;
  return document;
}

// An error when the form is one that this release does not know: half understood is not read.
inline void check_form(ObjectReader& reader) {
  std::optional<std::int64_t> form;
  reader.optional("form", form, 0, std::numeric_limits<std::int64_t>::max());
  if (form.value_or(kForm) > kForm) reader.fail("is of a newer release", "form");
}

}  // namespace mx2::json
