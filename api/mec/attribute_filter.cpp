#include "api/mec/attribute_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "api/base/text.h"

namespace mx2 {
namespace {

using json::Value;

constexpr std::size_t kTermsMax = 16;
constexpr std::size_t kValuesMax = 64;
constexpr std::size_t kPathMax = 8;
constexpr std::array<std::string_view, 10> kOperators{"eq",  "neq",  "gt",    "lt", "gte",
                                                      "lte", "cont", "ncont", "in", "nin"};

Error bad(const std::string& detail) { return invalid_argument("filter: " + detail); }

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string text_of(const Value& value) {
  return value.is_string() ? value.get<std::string>() : json::dump(value);
}

// -1, 0, 1 as `value` is below, equal or above; nothing when they cannot be compared.
std::optional<int> compare(const Value& value, const std::string& with) {
  if (value.is_number()) {
    const auto number = number_of(with);
    if (!number) return std::nullopt;
    const auto mine = value.get<double>();
    return mine < *number ? -1 : mine > *number ? 1 : 0;
  }
  const auto order = text_of(value).compare(with);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// Splits at `separator` outside of single quotes; nothing when a quote has no end.
std::optional<std::vector<std::string_view>> split_unquoted(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    if (quoted || text[i] != separator) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  if (quoted) return std::nullopt;
  parts.push_back(text.substr(begin));
  return parts;
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return std::string(text);
  std::string out;
  const auto inner = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    out += inner[i];
    if (inner[i] == '\'' && i + 1 < inner.size() && inner[i + 1] == '\'') ++i;
  }
  return out;
}

const Value* leaf_of(const Value& item, const std::vector<std::string>& path) {
  const auto* at = &item;
  for (const auto& name : path) {
    if (!at->is_object()) return nullptr;
    const auto it = at->find(name);
    if (it == at->end()) return nullptr;
    at = &*it;
  }
  return at;
}

}  // namespace

Result<AttributeFilter> AttributeFilter::parse(std::string_view text) {
  AttributeFilter filter;
  const auto parts = split_unquoted(text, ';');
  if (!parts) return bad("a quote has no end");
  if (parts->size() > kTermsMax) return bad("has too many terms");
  for (const auto part : *parts) {
    auto term = parse_term(part);
    if (!term) return term.error();
    filter.terms_.push_back(std::move(*term));
  }
  return filter;
}

Result<AttributeFilter::Term> AttributeFilter::parse_term(std::string_view text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') {
    return bad("a term looks like (eq,attribute,value)");
  }
  const auto parts = split_unquoted(text.substr(1, text.size() - 2), ',');
  if (!parts || parts->size() < 3) return bad("a term has an operator, an attribute and a value");
  if (parts->size() > kValuesMax) return bad("a term has too many values");
  const auto* const op = std::find(kOperators.begin(), kOperators.end(), parts->at(0));
  if (op == kOperators.end()) return bad("no operator '" + std::string(parts->at(0)) + "'");
  Term term;
  term.op = static_cast<Operator>(op - kOperators.begin());
  for (const auto name : split(parts->at(1), '/')) {
    if (name.empty() || term.path.size() == kPathMax)
      return bad("an attribute's name is malformed");
    term.path.emplace_back(name);
  }
  for (std::size_t i = 2; i < parts->size(); ++i) term.values.push_back(unquoted(parts->at(i)));
  const bool list = term.op == Operator::kIn || term.op == Operator::kNin ||
                    term.op == Operator::kCont || term.op == Operator::kNcont;
  if (!list && term.values.size() > 1) return bad("this operator takes one value");
  return term;
}

bool AttributeFilter::holds(const Term& term, const Value& leaf) {
  if (leaf.is_array()) {
    return std::any_of(leaf.begin(), leaf.end(),
                       [&](const Value& item) { return holds(term, item); });
  }
  return std::any_of(term.values.begin(), term.values.end(), [&](const std::string& value) {
    const auto order = compare(leaf, value);
    switch (term.op) {
      case Operator::kGt: return order && *order > 0;
      case Operator::kLt: return order && *order < 0;
      case Operator::kGte: return order && *order >= 0;
      case Operator::kLte: return order && *order <= 0;
      case Operator::kCont:
      case Operator::kNcont: return text_of(leaf).find(value) != std::string::npos;
      default: return order && *order == 0;
    }
  });
}

bool AttributeFilter::matches(const Value& item) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const auto* leaf = leaf_of(item, term.path);
    const bool negated =
        term.op == Operator::kNeq || term.op == Operator::kNcont || term.op == Operator::kNin;
    return (leaf != nullptr && holds(term, *leaf)) != negated;
  });
}

Result<AttributeSelector> AttributeSelector::make(const Query& query,
                                                  const std::vector<std::string>& optional,
                                                  const std::vector<std::string>& by_default) {
  const auto names = [&](const std::string& list) -> Result<std::vector<std::string>> {
    std::vector<std::string> out;
    for (const auto part : split(list, ',')) {
      const std::string name(part.substr(0, part.find('/')));
      if (std::find(optional.begin(), optional.end(), name) == optional.end()) {
        return invalid_argument("'" + name + "' is no complex attribute that can be selected");
      }
      out.push_back(name);
    }
    return out;
  };
  if (query.all_fields && (query.exclude_default || !query.exclude_fields.empty())) {
    return invalid_argument("all_fields contradicts what is excluded");
  }
  AttributeSelector selector;
  if (query.exclude_default) selector.left_out_ = by_default;
  if (!query.fields.empty()) {
    const auto wanted = names(query.fields);
    if (!wanted) return wanted.error();
    if (!query.all_fields && !query.exclude_default) selector.left_out_ = optional;
    auto& out = selector.left_out_;
    out.erase(std::remove_if(out.begin(), out.end(),
                             [&](const std::string& name) {
                               return std::find(wanted->begin(), wanted->end(), name) !=
                                      wanted->end();
                             }),
              out.end());
  }
  if (!query.exclude_fields.empty()) {
    const auto excluded = names(query.exclude_fields);
    if (!excluded) return excluded.error();
    selector.left_out_.insert(selector.left_out_.end(), excluded->begin(), excluded->end());
  }
  return selector;
}

void AttributeSelector::apply(Value& item) const {
  for (const auto& name : left_out_) item.erase(name);
}

}  // namespace mx2
