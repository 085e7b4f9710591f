// YAML files as JSON values with the place each came from, so that one set of codecs reads both and
// an error can say file:line:column.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2::config {

// That are kept of one file; what comes then is dropped.
inline constexpr std::size_t kProblemsMax = 1000;

struct Document {
  json::Value value;
  std::string file;
  std::map<std::string, std::string> places;  // JSON pointer -> "file:line:column"

  // The place of a pointer or of its nearest ancestor that has one.
  [[nodiscard]] std::string place(std::string pointer) const;
  // The same error, its pointer turned into a place.
  [[nodiscard]] Error located(const Error& error, const std::string& below = {}) const;
};

// invalid_argument with the place: missing file, malformed YAML, duplicate key, over 16 MiB.
// Plain scalars become true/false, null, integers and numbers as in the YAML core schema; quoted
// ones stay strings. An empty file is an empty mapping. With `twice`, a duplicate key is told there
// (at most kProblemsMax) and the first one counts.
[[nodiscard]] Result<Document> read_yaml_file(const std::string& path,
                                              std::vector<std::string>* twice = nullptr);
[[nodiscard]] Result<Document> parse_yaml(const std::string& text, const std::string& file,
                                          std::vector<std::string>* twice = nullptr);

// A file to be read that `document` names: a relative name is below the document's folder. One that
// is only below the working directory is taken from there, and the log says so.
[[nodiscard]] std::string file_named_in(const std::string& document, const std::string& name);

}  // namespace mx2::config
