// Query strings: the raw text is kept until its meaning is known, because MEC 016's list parameters
// split on raw commas before percent-decoding, and a parameter may be repeated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"

namespace mx2::http {

struct QueryParameter {
  std::string name;                 // decoded
  std::vector<std::string> values;  // split on raw commas, then decoded; at least one
};

// In the order they came; a repeated name gives several entries. invalid_argument on a malformed
// percent-escape. '+' is a space, as forms and browsers send it.
[[nodiscard]] Result<std::vector<QueryParameter>> parse_query(std::string_view raw);

// For resources whose parameters appear once and are not lists: refuses unknown and repeated names.
class SingleValued {
 public:
  static Result<SingleValued> parse(std::string_view raw, std::vector<std::string> known);

  // The decoded value with its commas, or an empty text when the parameter is absent.
  [[nodiscard]] std::string text(std::string_view name) const;
  // A number within [least, most]; `fallback` when absent.
  [[nodiscard]] Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback,
                                             std::uint64_t least, std::uint64_t most) const;

 private:
  std::vector<QueryParameter> parameters_;
};

}  // namespace mx2::http
