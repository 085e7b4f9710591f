// Takes a topology file apart, leniently: a value that cannot be used becomes a problem with its
// place, and is as if it were not there. Internal to topology.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/config/yaml.h"
#include "api/mx2/types.h"

namespace mx2::optimizer {

// Problems that are kept; what comes then is dropped.
inline constexpr std::size_t kTopologyProblemsMax = 1000;

class TopologyReader {
 public:
  TopologyReader(const config::Document& document, std::vector<std::string>& problems)
      : document_(document), problems_(problems) {}

  // Of the top level; null when absent or of another type.
  [[nodiscard]] const json::Value* list(const char* key);
  [[nodiscard]] const json::Value* mapping(const char* key);
  void refuse_unknown();

  void problem(const std::string& pointer, const std::string& text);
  [[nodiscard]] std::string place(const std::string& pointer) const {
    return document_.place(pointer);
  }

 private:
  [[nodiscard]] const json::Value* find(const char* key);

  const config::Document& document_;
  std::vector<std::string>& problems_;
  std::vector<std::string> known_;
};

class TopologyEntry {
 public:
  TopologyEntry(TopologyReader& reader, const json::Value& value, std::string pointer);

  [[nodiscard]] std::optional<std::string> name(const char* key);  // needed
  [[nodiscard]] std::optional<std::string> text(const char* key);
  [[nodiscard]] std::optional<std::string> choice(const char* key,
                                                  const std::vector<std::string>& allowed);
  [[nodiscard]] std::vector<std::string> texts(const char* key);
  [[nodiscard]] std::map<std::string, std::string> labels(const char* key);
  [[nodiscard]] std::optional<std::int64_t> integer(const char* key, std::int64_t least,
                                                    std::int64_t most);
  // As µs.
  [[nodiscard]] std::optional<std::int64_t> milliseconds(const std::string& key, double most);
  // "unreachable", or milliseconds; null and absent are unknown.
  [[nodiscard]] std::optional<std::int32_t> latency_us(const std::string& key, double most);
  [[nodiscard]] std::optional<Position> position(const char* key);  // [longitude, latitude]

  [[nodiscard]] std::vector<std::string> names() const;
  void refuse_unknown();
  void problem(const std::string& text, const std::string& key = {});
  [[nodiscard]] std::string place() const { return reader_.place(pointer_); }

 private:
  [[nodiscard]] const json::Value* find(const std::string& key);

  TopologyReader& reader_;
  const json::Value& value_;
  std::string pointer_;
  std::vector<std::string> known_;
};

}  // namespace mx2::optimizer
