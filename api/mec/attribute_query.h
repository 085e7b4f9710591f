// Attribute selectors and attribute-based filters of lists: ETSI GS MEC 009 clauses 6.18 and 6.19.
//
//   all_fields | fields=a,b/c | exclude_fields=a,b/c | exclude_default
//   filter=(eq,attr/sub,value);(in,attr,v1,v2)
//
// Selectors leave out complex attributes (objects and arrays), never those that are mandatory.
// Operators: eq, neq, gt, lt, gte, lte, cont, ncont, in, nin; expressions are and-ed. A value with
// commas, semicolons or parentheses stands in single quotes, with '' for a quote. An attribute that
// an item does not have matches neq, ncont and nin alone; of an array, one item that matches is
// enough. Numbers and truth values compare as text, but gt, lt, gte and lte of two numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2::codec {

class AttributeQuery {
 public:
  // What the selectors of one resource may concern: its optional complex attributes, and those of
  // them that exclude_default leaves out.
  struct Selectable {
    std::vector<std::string> optional;
    std::vector<std::string> not_default;
  };
  // The decoded values of the query's parameters; a nullptr: the parameter is absent.
  struct Parameters {
    const std::string* filter = nullptr;
    const std::string* fields = nullptr;
    const std::string* exclude_fields = nullptr;
    bool all_fields = false;
    bool exclude_default = false;
  };

  // invalid_argument for a filter that is none, an attribute that cannot be left out, and selectors
  // that contradict each other.
  [[nodiscard]] static Result<AttributeQuery> parse(const Parameters& parameters,
                                                    const Selectable& selectable);

  [[nodiscard]] bool matches(const json::Value& item) const;
  void project(json::Value& item) const;

 private:
  struct Expression {
    std::string operation;
    std::vector<std::string> path;
    std::vector<std::string> values;
  };
  [[nodiscard]] static Result<std::vector<Expression>> parse_filter(std::string_view text);

  std::vector<Expression> expressions_;
  std::vector<std::vector<std::string>> left_out_;
};

}  // namespace mx2::codec
