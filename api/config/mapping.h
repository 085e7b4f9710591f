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

// That are kept; what comes then is dropped.
inline constexpr std::size_t kProblemsMax = 1000;

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
  [[nodiscard]] std::optional<std::string> text(const std::string& key);
  [[nodiscard]] std::vector<std::string> texts(const std::string& key);
  [[nodiscard]] std::optional<bool> boolean(const std::string& key);
  [[nodiscard]] std::optional<double> number(const std::string& key, double least, double most);
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key, std::int64_t least,
                                                    std::int64_t most);
  [[nodiscard]] std::vector<std::string> names() const;

  // Members that were not asked for. `quote` is around their names.
  void refuse_unknown(std::string_view quote = "'");
  // Of the mapping, or of a member.
  void problem(const std::string& text, const std::string& key = {});
  [[nodiscard]] std::string place() const { return document_.place(pointer_); }
  // A member, or an item of one, as a mapping of its own.
  [[nodiscard]] Mapping at(const std::string& key, const json::Value& value) const {
    return {document_, value, pointer_ + "/" + key, problems_};
  }

 private:
  const Document& document_;
  const json::Value& value_;
  const std::string pointer_;
  std::vector<std::string>& problems_;
  std::vector<std::string> known_;
};

}  // namespace mx2::config
