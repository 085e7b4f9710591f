// Bounded JSON: the only way text from outside becomes a document, and back.
//
// parse() refuses nesting deeper than 32, duplicate member names, invalid UTF-8, NUL characters and
// numbers that no double can hold; every refusal is invalid_argument and says where. ObjectReader
// then takes members out one by one and remembers the first thing that is wrong (or all, for who
// asks), with its JSON pointer (RFC 6901), so that codecs read like the tables of the standard.
//
// ObjectWriter has methods of the same names for the way back. What is read as it is written is
// described once, by a generic lambda over both:
//
//   constexpr auto kAddress = [](auto& io, auto& address) {
//     io.required_line("host", address.host, json::kIdentifier);
//     io.optional("port", address.port, 0, kPortMax);
//   };
//   … = json::decode_text<Address>(body, kAddress);
//   … = json::dump(json::object_of(address, kAddress));
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "api/base/result.h"
#include "api/base/text.h"

namespace mx2::json {

using Value = nlohmann::json;

inline constexpr std::size_t kDepthMax = 32;

[[nodiscard]] Result<Value> parse(std::string_view text);
// Never throws: bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump(const Value& value, int indent = -1);

// How long a text may be, in code points.
struct Chars {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};
inline constexpr Chars kAnyText{0, 4096};
inline constexpr Chars kName32{1, 32};
inline constexpr Chars kIdentifier{1, 256};
inline constexpr Chars kUri{1, 2048};

// That are kept of one document besides the first.
inline constexpr std::size_t kMoreErrorsMax = 100;

// What is wrong with a document: the first error, and for who wants to mend all of it in one go the
// others, in `more`.
class Errors : public std::optional<Error> {
 public:
  explicit Errors(std::vector<Error>* more = nullptr) : more_(more) {}
  using std::optional<Error>::operator=;

  void add(Error error) {
    if (!has_value()) {
      *this = std::move(error);
    } else if (more_ != nullptr && more_->size() < kMoreErrorsMax) {
      more_->push_back(std::move(error));
    }
  }
  // Whether there is any use in looking on.
  [[nodiscard]] bool wants_more() const {
    return !has_value() || (more_ != nullptr && more_->size() < kMoreErrorsMax);
  }
  [[nodiscard]] std::size_t count() const {
    return (has_value() ? 1 : 0) + (more_ == nullptr ? 0 : more_->size());
  }

 private:
  std::vector<Error>* more_;
};

class ObjectReader {
 public:
  // `value` must outlive the reader. A value that is no object is an error.
  ObjectReader(const Value& value, std::string pointer, Errors& errors);

  void required(const char* name, std::string& out, Chars limit);
  void required_line(const char* name, std::string& out, Chars limit);  // is_single_line()
  void optional(const char* name, std::optional<std::string>& out, Chars limit);
  void optional(const char* name, std::string& out, Chars limit);
  void required(const char* name, bool& out);
  void optional(const char* name, std::optional<bool>& out);
  void optional(const char* name, bool& out);
  // An integer within [least, most], all of which `Int` can hold.
  template <std::integral Int>
  void required(const char* name, Int& out, std::int64_t least, std::int64_t most) {
    if (find(name) == nullptr) return fail("is missing", name);
    optional(name, out, least, most);
  }
  template <std::integral Int>
  void optional(const char* name, Int& out, std::int64_t least, std::int64_t most) {
    if (const auto value = integer(name, least, most)) out = static_cast<Int>(*value);
  }
  template <std::integral Int>
  void optional(const char* name, std::optional<Int>& out, std::int64_t least, std::int64_t most) {
    if (const auto value = integer(name, least, most)) out = static_cast<Int>(*value);
  }
  // A number within [0, most].
  void optional(const char* name, std::optional<double>& out, double most);
  // A list of texts; one that is required has at least one.
  void required(const char* name, std::vector<std::string>& out, Chars limit,
                std::size_t items_max);
  void optional(const char* name, std::vector<std::string>& out, Chars limit,
                std::size_t items_max);
  // A value of an enumeration.
  template <typename Enum, std::size_t n>
  void required(const char* name, Enum& out, const EnumTexts<n>& texts) {
    std::string text;
    const auto before = errors_.count();
    required(name, text, kAnyText);
    if (errors_.count() != before) return;
    const auto value = parse_enum<Enum>(text, texts);
    if (value) out = *value;
    if (!value) fail_choice(name, texts);
  }
  template <typename Enum, std::size_t n>
  void optional(const char* name, Enum& out, const EnumTexts<n>& texts) {
    if (find(name) != nullptr) required(name, out, texts);
  }
  template <typename Enum, std::size_t n>
  void optional(const char* name, std::optional<Enum>& out, const EnumTexts<n>& texts) {
    if (find(name) != nullptr) required(name, out.emplace(), texts);
  }
  // One of two texts: what means true, and what means false.
  void required_either(const char* name, bool& out, const char* yes, const char* no);
  void optional_either(const char* name, bool& out, const char* yes, const char* no);

  // What is within a member that is an object: read(ObjectReader&).
  template <typename Read>
  void required_object(const char* name, const Read& read) {
    if (need(name, Value::value_t::object) != nullptr) optional_object(name, read);
  }
  template <typename Read>
  void optional_object(const char* name, const Read& read) {
    const Value* value = object(name);
    if (value == nullptr) return;
    ObjectReader members(*value, at(name), errors_);
    read(members);
  }
  // The same, where it is a value of its own: read(ObjectReader&, T&).
  template <typename T, typename Read>
  void optional_object(const char* name, std::optional<T>& out, const Read& read) {
    optional_object(name, [&](ObjectReader& members) { read(members, out.emplace()); });
  }
  // A list of objects, each read(ObjectReader&, T&); one that is required has at least one.
  template <typename T, typename Read>
  void required_items(const char* name, std::vector<T>& out, std::size_t items_max,
                      const Read& read) {
    if (need(name, Value::value_t::array) == nullptr) return;
    optional_items(name, out, items_max, read);
    if (out.empty()) fail("must have at least one item", name);
  }
  template <typename T, typename Read>
  void optional_items(const char* name, std::vector<T>& out, std::size_t items_max,
                      const Read& read) {
    const Value* items = array(name, items_max);
    for (std::size_t i = 0; items != nullptr && i < items->size() && errors_.wants_more(); ++i) {
      ObjectReader item((*items)[i], at(name) + "/" + std::to_string(i), errors_);
      read(item, out.emplace_back());
    }
  }

  // For what is like none of these. The member as it is; null pointer when it is absent (or, with
  // need(), not there: an error).
  [[nodiscard]] const Value* find(const char* name) const;
  [[nodiscard]] const Value* need(const char* name, Value::value_t type);
  // The member if present; an error when it has another type or, for arrays, more items.
  [[nodiscard]] const Value* array(const char* name, std::size_t items_max);
  [[nodiscard]] const Value* object(const char* name);

  // Members not in `known` are an error with a suggestion. For our own resources: MEC 016's ignore
  // unknown members.
  void refuse_unknown(const std::vector<std::string>& known);
  void check_line(const char* name, const std::string& text);  // is_single_line()
  void check_http(const char* name, const std::string& uri);   // has_http_scheme(), unless empty
  void fail(std::string detail, std::string_view member = {});

  [[nodiscard]] std::string at(std::string_view member) const;
  [[nodiscard]] bool ok() const { return !errors_; }
  [[nodiscard]] Errors& error() { return errors_; }

 private:
  [[nodiscard]] const Value* text_member(const char* name, Chars limit);
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name, std::int64_t least,
                                                    std::int64_t most);
  void fail_choice(const char* name, std::span<const std::string_view> texts);

  const Value* object_;
  std::string pointer_;
  Errors& errors_;
};

template <typename T, typename Write>
[[nodiscard]] Value object_of(const T& value, const Write& write);

// Puts members into an object. Bounds are the reader's alone. What is optional is left out when it
// is absent or empty; numbers, booleans and enumerations are always there.
class ObjectWriter {
 public:
  explicit ObjectWriter(Value& object) : object_(object) {}  // which must outlive this

  template <typename T, typename... Bounds>
  void required(const char* name, const T& value, const Bounds&... /*bounds*/) {
    if constexpr (std::is_enum_v<T>) {
      object_[name] = to_text(value);
    } else {
      object_[name] = value;
    }
  }
  void required_line(const char* name, const std::string& value, Chars /*limit*/) {
    object_[name] = value;
  }
  template <typename T, typename... Bounds>
  void optional(const char* name, const std::optional<T>& value, const Bounds&... /*bounds*/) {
    if (value) required(name, *value);
  }
  template <typename T, typename... Bounds>
  void optional(const char* name, const T& value, const Bounds&... /*bounds*/) {
    if constexpr (requires { value.empty(); }) {
      if (value.empty()) return;
    }
    required(name, value);
  }
  void required_either(const char* name, bool value, const char* yes, const char* no) {
    object_[name] = value ? yes : no;
  }
  void optional_either(const char* name, bool value, const char* yes, const char* no) {
    required_either(name, value, yes, no);
  }

  template <typename Write>
  void required_object(const char* name, const Write& write) {
    auto& members = object_[name] = Value::object();
    ObjectWriter writer(members);
    write(writer);
  }
  template <typename Write>
  void optional_object(const char* name, const Write& write) {
    required_object(name, write);
    if (object_[name].empty()) object_.erase(name);
  }
  template <typename T, typename Write>
  void optional_object(const char* name, const std::optional<T>& value, const Write& write) {
    if (value) object_[name] = object_of(*value, write);
  }
  template <typename T, typename Write>
  void required_items(const char* name, const std::vector<T>& values, std::size_t /*items_max*/,
                      const Write& write) {
    auto& items = object_[name] = Value::array();
    for (const auto& value : values) items.push_back(object_of(value, write));
  }
  template <typename T, typename Write>
  void optional_items(const char* name, const std::vector<T>& values, std::size_t items_max,
                      const Write& write) {
    if (!values.empty()) required_items(name, values, items_max, write);
  }

 private:
  Value& object_;
};

// What write(ObjectWriter&, const T&) says of it.
template <typename T, typename Write>
Value object_of(const T& value, const Write& write) {
  auto object = Value::object();
  ObjectWriter writer(object);
  write(writer, value);
  return object;
}

// A whole document, by read(ObjectReader&, T&). `more`: gets the errors after the first.
template <typename T, typename Read>
[[nodiscard]] Result<T> decode_object(const Value& document, const Read& read,
                                      std::vector<Error>* more = nullptr) {
  Errors errors(more);
  T value{};
  ObjectReader reader(document, "", errors);
  read(reader, value);
  if (errors) return *errors;
  return value;
}

template <typename T, typename Read>
[[nodiscard]] Result<T> decode_text(std::string_view body, const Read& read) {
  const auto document = parse(body);
  if (!document) return document.error();
  return decode_object<T>(*document, read);
}

// A list of them.
template <typename T, typename Read>
[[nodiscard]] Result<std::vector<T>> decode_list(std::string_view body, std::size_t items_max,
                                                 const Read& read) {
  const auto document = parse(body);
  if (!document) return document.error();
  if (!document->is_array()) return invalid_argument("must be a list");
  if (document->size() > items_max) return invalid_argument("has too many items");
  Errors errors;
  std::vector<T> values(document->size());
  for (std::size_t i = 0; i < values.size() && !errors; ++i) {
    ObjectReader reader((*document)[i], "/" + std::to_string(i), errors);
    read(reader, values[i]);
  }
  if (errors) return *errors;
  return values;
}

// The text of a member, for whoever makes do without: empty if it is absent or something else.
[[nodiscard]] std::string text_of(const Value& object, const char* member);
// What a problem document (RFC 7807) says, and of which type it is; empty if the text is none.
[[nodiscard]] std::string problem_detail(std::string_view text);
[[nodiscard]] std::string problem_type(std::string_view text);

// True for text that may stand in JSON and in one line of a log: valid, without control characters.
[[nodiscard]] bool is_single_line(std::string_view text);

}  // namespace mx2::json
