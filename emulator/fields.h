// Members of a mapping of a YAML file, each read once with its bounds; unknown ones are errors with
// a suggestion. Errors are gathered, so that all can be told at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/config/yaml.h"

namespace mx2::emulator {

class Fields {
 public:
  // All references must outlive this. A value that is no mapping is an error; null is an empty one.
  Fields(const config::Document& document, const json::Value& value, std::string pointer,
         std::vector<std::string>& errors);
  ~Fields();  // unknown members
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // `out` keeps its value when the key is absent.
  void number(const char* key, double& out, double least, double most);
  template <typename Int>
  void integer(const char* key, Int& out, std::int64_t least, std::int64_t most) {
    auto value = static_cast<std::int64_t>(out);
    read_integer(key, value, least, most);
    out = static_cast<Int>(value);
  }
  void boolean(const char* key, bool& out);
  void text(const char* key, std::string& out);
  // One of the names; `out` becomes its position.
  template <typename Enum>
  void choice(const char* key, Enum& out, const std::vector<std::string>& names) {
    auto position = static_cast<std::size_t>(out);
    read_choice(key, position, names);
    out = static_cast<Enum>(position);
  }
  // The member, or null: for Fields of their own.
  [[nodiscard]] const json::Value& member(const char* key);
  [[nodiscard]] std::string pointer_of(const std::string& key) const {
    return pointer_ + "/" + key;
  }
  void fail(const std::string& key, const std::string& text);

 private:
  const json::Value* find(const char* key);
  void read_integer(const char* key, std::int64_t& out, std::int64_t least, std::int64_t most);
  void read_choice(const char* key, std::size_t& out, const std::vector<std::string>& names);

  const config::Document& document_;
  const json::Value& value_;
  const std::string pointer_;
  std::vector<std::string>& errors_;
  std::vector<std::string> known_;
};

}  // namespace mx2::emulator
