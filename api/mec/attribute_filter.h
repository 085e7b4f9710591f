// Queries over lists as ETSI GS MEC 009 has them: attribute-based filters (clause 6.19) and
// attribute selectors (clause 6.18). Bounded; pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2 {

// "(eq,checksum/algorithm,SHA-256);(in,onboardingState,CREATED,UPLOADING)": all must hold.
// Operators eq, neq, gt, lt, gte, lte, cont, ncont, in, nin. A value with a comma, parenthesis or
// quote stands in single quotes, a quote in it is doubled. Numbers compare as numbers, a list
// matches when one of its items does; an attribute that is absent matches only the negated
// operators.
class AttributeFilter {
 public:
  [[nodiscard]] static Result<AttributeFilter> parse(std::string_view text);
  [[nodiscard]] bool matches(const json::Value& item) const;

 private:
  enum class Operator : std::uint8_t { kEq, kNeq, kGt, kLt, kGte, kLte, kCont, kNcont, kIn, kNin };
  struct Term {
    Operator op = Operator::kEq;
    std::vector<std::string> path;
    std::vector<std::string> values;
  };

  [[nodiscard]] static Result<Term> parse_term(std::string_view text);
  [[nodiscard]] static bool holds(const Term& term, const json::Value& leaf);

  std::vector<Term> terms_;
};

// Which complex attributes of an item are answered; simple and mandatory ones always are.
class AttributeSelector {
 public:
  struct Query {
    bool all_fields = false;
    bool exclude_default = false;
    std::string fields;          // comma-separated, "a/b" selects a
    std::string exclude_fields;  // likewise
  };
  // `optional`: the complex attributes that may be left out; `by_default`: those that
  // exclude_default leaves out. invalid_argument when the query names another attribute or
  // contradicts itself.
  [[nodiscard]] static Result<AttributeSelector> make(const Query& query,
                                                      const std::vector<std::string>& optional,
                                                      const std::vector<std::string>& by_default);
  void apply(json::Value& item) const;

 private:
  std::vector<std::string> left_out_;
};

}  // namespace mx2
