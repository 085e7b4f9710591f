// The members of a mapping in a document, each read once with its bounds. What cannot be used is
// told with its place and is as if it were not there; so is what nobody asked for, with a
// suggestion. Files whose keys are all fixed, as a program's configuration, have reader.h.
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
  // All references must outlive this. What is no mapping has no members; whoever needs one asks.
  Mapping(const Document& document, const json::Value& value, std::string pointer,
          std::vector<std::string>& problems)
      : document_(document), value_(value), pointer_(std::move(pointer)), problems_(problems) {}

  [[nodiscard]] bool is_mapping() const { return value_.is_object(); }
  // Null when it is absent, or null.
  [[nodiscard]] const json::Value* find(const std::string& key);
  // Likewise, and when it is something else.
  [[nodiscard]] const json::Value* list(const std::string& key);
  [[nodiscard]] const json::Value* mapping(const std::string& key);
  // `out` keeps what it has when the key is absent, or its value cannot be used.
  void text(const std::string& key, std::string& out);
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
  [[nodiscard]] std::string place() const { return document_.place(pointer_); }
  // A member, or an item of one, as a mapping of its own.
  [[nodiscard]] Mapping at(const std::string& key, const json::Value& value) const {
    return {document_, value, pointer_ + "/" + key, problems_};
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> read_integer(const std::string& key, std::int64_t least,
                                                         std::int64_t most);

  const Document& document_;
  const json::Value& value_;
  const std::string pointer_;
  std::vector<std::string>& problems_;
  std::vector<std::string> known_;
};

}  // namespace mx2::config
