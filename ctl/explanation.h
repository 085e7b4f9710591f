// Why a request goes where it goes, in words.
#pragma once

#include <string>

#include "api/json/json.h"

namespace mx2::ctl {

// `document` is an answer of GET explain.
[[nodiscard]] bool is_found(const json::Value& document);
// One or two sentences: where it goes, which row decided,
// and why no other row did.
[[nodiscard]] std::string explain_in_words(const json::Value& document);

}  // namespace mx2::ctl
