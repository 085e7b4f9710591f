#include "api/mec/attribute_query.h"

#include <algorithm>
#include <array>

#include "api/base/text.h"

namespace mx2::codec {
namespace {

using json::Value;

constexpr std::size_t kExpressionsMax = 32;
constexpr std::size_t kValuesMax = 100;
constexpr std::size_t kFieldsMax = 64;
constexpr std::array kOne = {"eq", "neq", "gt", "lt", "gte", "lte"};
constexpr std::array kSome = {"cont", "ncont", "in", "nin"};

Error bad_filter(const std::string& why) {
  return invalid_argument("filter: " + why + "; it is (op,attribute,value) as in MEC 009 6.19");
}

template <std::size_t N>
bool is_among(std::string_view text, const std::array<const char*, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> path_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto part : split(text, '/')) out.emplace_back(part);
  return out;
}

// Reads "(a,'b,c',d)" from the front of `text` and takes it off.
std::optional<std::vector<std::string>> take_group(std::string_view& text) {
  if (text.empty() || text.front() != '(') return std::nullopt;
  std::vector<std::string> words(1);
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
      words.back() += text[i++];
    } else if (c == '\'') {
      quoted = !quoted;
    } else if (quoted || std::string_view("(),;").find(c) == std::string_view::npos) {
      words.back() += c;
    } else if (c == ',') {
      words.emplace_back();
    } else if (c == ')') {
      text.remove_prefix(i + 1);
      return words;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Every value that a path leads to; arrays are walked through.
void collect(const Value& value, const std::vector<std::string>& path, std::size_t at,
             std::vector<const Value*>& out) {
  if (value.is_array()) {
    for (const auto& item : value) collect(item, path, at, out);
  } else if (at == path.size()) {
    out.push_back(&value);
  } else if (value.is_object()) {
    const auto it = value.find(path[at]);
    if (it != value.end()) collect(*it, path, at + 1, out);
  }
}

std::string text_of(const Value& value) {
  return value.is_string() ? value.get<std::string>() : json::dump(value);
}

int compare(const Value& value, const std::string& with) {
  const auto number = Value::parse(with, nullptr, false);
  if (value.is_number() && number.is_number()) {
    const auto a = value.get<double>();
    const auto b = number.get<double>();
    return a < b ? -1 : static_cast<int>(a > b);
  }
  return text_of(value).compare(with);
}

bool holds(const std::string& operation, const Value& value,
           const std::vector<std::string>& values) {
  const auto any = [&](const auto& test) {
    return std::any_of(values.begin(), values.end(), test);
  };
  if (operation == "cont" || operation == "ncont") {
    const auto text = text_of(value);
    return any([&](const auto& part) { return text.find(part) != std::string::npos; });
  }
  if (operation == "in" || operation == "nin" || operation == "eq" || operation == "neq") {
    return any([&](const auto& each) { return compare(value, each) == 0; });
  }
  const int order = compare(value, values.front());
  if (operation == "gt") return order > 0;
  if (operation == "gte") return order >= 0;
  if (operation == "lt") return order < 0;
  return order <= 0;
}

void erase(Value& value, const std::vector<std::string>& path, std::size_t at) {
  if (value.is_array()) {
    for (auto& item : value) erase(item, path, at);
    return;
  }
  if (!value.is_object()) return;
  const auto it = value.find(path[at]);
  if (it == value.end()) return;
  if (at + 1 < path.size()) return erase(*it, path, at + 1);
  value.erase(it);
}

// The attributes of a list, each of which may be left out.
Result<std::vector<std::string>> read_fields(const std::string& text, const char* parameter,
                                             const AttributeQuery::Selectable& selectable) {
  std::vector<std::string> out;
  const auto names = split(text, ',');
  if (names.size() > kFieldsMax) return invalid_argument(std::string(parameter) + " is too long");
  for (const auto name : names) {
    const auto top = name.substr(0, name.find('/'));
    const auto& known = selectable.optional;
    if (std::find(known.begin(), known.end(), top) == known.end()) {
      return invalid_argument(std::string(parameter) + ": '" + std::string(name) +
                              "' is no complex attribute that may be left out");
    }
    out.emplace_back(name);
  }
  return out;
}

}  // namespace

Result<std::vector<AttributeQuery::Expression>> AttributeQuery::parse_filter(
    std::string_view text) {
  std::vector<Expression> out;
  while (true) {
    auto words = take_group(text);
    if (!words) return bad_filter("an expression is malformed");
    if (words->size() < 3 || words->size() > kValuesMax)
      return bad_filter("too few or many values");
    Expression expression{words->at(0), path_of(words->at(1)),
                          std::vector<std::string>(words->begin() + 2, words->end())};
    const bool one = is_among(expression.operation, kOne);
    if (!one && !is_among(expression.operation, kSome)) {
      return bad_filter("no operator " + expression.operation.substr(0, 32));
    }
    if (one && expression.values.size() != 1) return bad_filter("one value is expected");
    const auto& path = expression.path;
    if (std::find(path.begin(), path.end(), "") != path.end()) return bad_filter("no attribute");
    out.push_back(std::move(expression));
    if (out.size() > kExpressionsMax) return bad_filter("too many expressions");
    if (text.empty()) return out;
    if (text.front() != ';') return bad_filter("expressions are separated by ';'");
    text.remove_prefix(1);
  }
}

Result<AttributeQuery> AttributeQuery::parse(const Parameters& parameters,
                                             const Selectable& selectable) {
  AttributeQuery query;
  if (parameters.filter != nullptr) {
    auto expressions = parse_filter(*parameters.filter);
    if (!expressions) return expressions.error();
    query.expressions_ = std::move(*expressions);
  }
  const int restricting =
      static_cast<int>(parameters.exclude_fields != nullptr) +
      static_cast<int>(parameters.exclude_default || parameters.fields != nullptr);
  if (restricting + static_cast<int>(parameters.all_fields) > 1) {
    return invalid_argument(
        "all_fields, exclude_fields, and fields with or without "
        "exclude_default exclude each other");
  }
  std::vector<std::string> out;
  if (parameters.exclude_default) out = selectable.not_default;
  if (parameters.exclude_fields != nullptr) {
    auto fields = read_fields(*parameters.exclude_fields, "exclude_fields", selectable);
    if (!fields) return fields.error();
    out = std::move(*fields);
  }
  if (parameters.fields != nullptr) {
    const auto fields = read_fields(*parameters.fields, "fields", selectable);
    if (!fields) return fields.error();
    out = selectable.optional;
    for (const auto& field : *fields) std::erase(out, field.substr(0, field.find('/')));
  }
  for (const auto& name : out) query.left_out_.push_back(path_of(name));
  return query;
}

bool AttributeQuery::matches(const Value& item) const {
  return std::all_of(expressions_.begin(), expressions_.end(), [&](const auto& expression) {
    const auto& operation = expression.operation;
    std::vector<const Value*> found;
    collect(item, expression.path, 0, found);
    const bool any = std::any_of(found.begin(), found.end(), [&](const Value* value) {
      return holds(operation, *value, expression.values);
    });
    const bool negated = operation == "neq" || operation == "ncont" || operation == "nin";
    return any != negated;
  });
}

void AttributeQuery::project(Value& item) const {
  for (const auto& path : left_out_) erase(item, path, 0);
}

}  // namespace mx2::codec
