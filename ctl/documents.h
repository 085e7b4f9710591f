// Files of hosts or apps: one document or a list of them, YAML or JSON.
#pragma once

#include <cstddef>
#include <istream>
#include <string>

#include "api/base/result.h"
#include "api/config/yaml.h"

namespace mx2::ctl {

class Documents {
 public:
  // `file` "-" reads `in`. The name's end tells the format (.json, .yaml, .yml); failing that, what
  // begins with a brace or bracket is JSON. Errors are usage errors with their place.
  [[nodiscard]] static Result<Documents> read(const std::string& file, std::istream& in);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const json::Value& operator[](std::size_t i) const;
  // An error in document `i`, its JSON pointer turned into a place in the file.
  [[nodiscard]] Error located(std::size_t i, const Error& error) const;

 private:
  config::Document source_;
};

}  // namespace mx2::ctl
