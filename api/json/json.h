// Bounded JSON: the only way text from outside becomes a document, and back.
//
// parse() refuses nesting deeper than 32, duplicate member names, invalid UTF-8, NUL characters and
// numbers that no double can hold; every refusal is invalid_argument and says where. ObjectReader
// then takes members out one by one and remembers the first thing that is wrong, with its JSON
// pointer (RFC 6901), so that codecs read like the tables of the standard.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"

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

class ObjectReader {
 public:
  // `value` must outlive the reader. A value that is no object is the first error.
  ObjectReader(const Value& value, std::string pointer, std::optional<Error>& error);

  void required(const char* name, std::string& out, Chars limit);
  void required_line(const char* name, std::string& out, Chars limit);  // is_single_line()
  void optional(const char* name, std::optional<std::string>& out, Chars limit);
  void optional(const char* name, std::string& out, Chars limit);
  void optional(const char* name, std::optional<bool>& out);
  void optional(const char* name, bool& out);
  // An integer within [least, most].
  void required(const char* name, std::int64_t& out, std::int64_t least, std::int64_t most);
  void optional(const char* name, std::optional<std::int64_t>& out, std::int64_t least,
                std::int64_t most);
  void optional(const char* name, std::vector<std::string>& out, Chars limit,
                std::size_t items_max);

  // The member as it is; null pointer when it is absent (or, with need(), not there: an error).
  [[nodiscard]] const Value* find(const char* name) const;
  [[nodiscard]] const Value* need(const char* name, Value::value_t type);
  // The member if present; an error when it has another type or, for arrays, more items.
  [[nodiscard]] const Value* array(const char* name, std::size_t items_max);
  [[nodiscard]] const Value* object(const char* name);

  // Members not in `known` are an error with a suggestion. For our own resources: MEC 016's ignore
  // unknown members.
  void refuse_unknown(const std::vector<std::string>& known);
  void fail(std::string detail, std::string_view member = {});

  [[nodiscard]] std::string at(std::string_view member) const;
  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] std::optional<Error>& error() { return error_; }

 private:
  [[nodiscard]] const Value* text_member(const char* name, Chars limit);
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name, const Value& value,
                                                    std::int64_t least, std::int64_t most);

  const Value* object_;
  std::string pointer_;
  std::optional<Error>& error_;
};

// True for text that may stand in JSON and in one line of a log: valid, without control characters.
[[nodiscard]] bool is_single_line(std::string_view text);

}  // namespace mx2::json
