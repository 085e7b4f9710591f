// The members of a mapping in a document, each read once with its bounds. What cannot be used is
// told with its place and is as if it were not there; so is what nobody asked for, with a
// suggestion. A program's configuration is read with reader.h, which adds to this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/config/yaml.h"

namespace mx2::config {

class Mapping {
 public:
  // Whether a key with dots is the path of a member within sections, or just a name.
  enum class Keys { kNames, kPaths };

  // All references must outlive this. What is no mapping has no members; whoever needs one asks.
  Mapping(const Document& document, const json::Value& value, std::string pointer,
          std::vector<std::string>& problems, Keys keys = Keys::kNames)
      : document_(document),
        value_(value),
        pointer_(std::move(pointer)),
        problems_(problems),
        keys_(keys) {}

  [[nodiscard]] bool is_mapping() const { return value_.is_object(); }
  // Null when it is absent, or null.
  [[nodiscard]] const json::Value* find(const std::string& key);
  // Likewise, and when it is something else.
  [[nodiscard]] const json::Value* list(const std::string& key);
  [[nodiscard]] const json::Value* mapping(const std::string& key);
  // `out` keeps what it has when the key is absent, or its value cannot be used.
  void text(const std::string& key, std::string& out);
  void choice(const std::string& key, std::string& out, const std::vector<std::string>& allowed);
  void boolean(const std::string& key, bool& out);
  void number(const std::string& key, double& out, double least, double most);
  // `Int` is one that can hold them, or an optional of one.
  template <typename Int>
  void integer(const std::string& key, Int& out, std::int64_t least, std::int64_t most) {
    if (const auto value = read_integer(key, least, most)) out = static_cast<Int>(*value);
  }
  [[nodiscard]] std::vector<std::string> texts(const std::string& key);
  [[nodiscard]] std::vector<std::string> names() const;

  // Members that were not asked for. `quote` is around their names.
  void refuse_unknown(std::string_view quote = "'");
  // Of the mapping, or of a member.
  void problem(const std::string& text, const std::string& key = {});
  // did_you_mean(), as long as problems are kept and the names are not too many to compare.
  [[nodiscard]] std::string suggestion(const std::string& word,
                                       const std::vector<std::string>& names) const;
  [[nodiscard]] std::string place(const std::string& key = {}) const {
    return document_.place(key.empty() ? pointer_ : pointer_of(key));
  }
  // A member, or an item of one, as a mapping of its own.
  [[nodiscard]] Mapping at(const std::string& key, const json::Value& value) const {
    return {document_, value, pointer_ + "/" + key, problems_};
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> read_integer(const std::string& key, std::int64_t least,
                                                         std::int64_t most);
  [[nodiscard]] std::string pointer_of(const std::string& key) const;
  void refuse_dots(const std::string& section, const std::string& name, std::string_view quote);
  [[nodiscard]] bool is_section(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> known_with_sections() const;
  void refuse_unknown(const json::Value& value, const std::string& section, std::string_view quote);

  const Document& document_;
  const json::Value& value_;
  const std::string pointer_;
  std::vector<std::string>& problems_;
  const Keys keys_;
  std::vector<std::string> known_;
};

}  // namespace mx2::config
