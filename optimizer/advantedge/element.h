// Takes an element of a scenario apart without ever failing: null is absent, what has the wrong
// type is told and as good as absent, numbers out of bounds are told and brought back. Internal to
// scenario.cpp.
#pragma once

#include <string>
#include <vector>

#include "optimizer/advantedge/scenario.h"

namespace mx2::optimizer::advantedge {

// One line each, each line once, at most kProblemsMax.
class Problems {
 public:
  explicit Problems(std::vector<std::string>& lines) : lines_(lines) {}
  void add(std::string line);

 private:
  std::vector<std::string>& lines_;
};

struct Bounds {
  double least = 0;
  double most = 0;
};

class Element {
 public:
  // `kind` is what it is called in problems; it must outlive the element, as must `value`.
  Element(const json::Value& value, const char* kind, Problems& problems);
  // Of one that is named elsewhere; `name` must outlive it.
  Element(const json::Value& value, const char* kind, const std::string& name, Problems& problems);

  // Its name; empty if it has none that can be used, which is told then.
  [[nodiscard]] const std::string& name() const { return *name_; }
  // Null when absent, null or of another type.
  [[nodiscard]] const json::Value* object(const char* key) const;
  [[nodiscard]] const json::Value* list(const char* key) const;
  // Empty when absent or too long.
  [[nodiscard]] std::string text(const char* key) const;
  [[nodiscard]] bool flag(const char* key) const;  // false when absent
  [[nodiscard]] NetChar net() const;
  [[nodiscard]] std::optional<Position> position() const;  // geoData.location
  [[nodiscard]] std::map<std::string, std::string> user_meta() const;

  void problem(const std::string& text) const;

 private:
  [[nodiscard]] const json::Value* find(const char* key) const;
  [[nodiscard]] const json::Value* find(const json::Value& in, const char* key) const;
  [[nodiscard]] double number(const json::Value& in, const char* key, Bounds bounds) const;
  void wrong(const char* key, const json::Value& value, const char* expected) const;

  const json::Value& value_;
  const char* kind_;
  Problems& problems_;
  const std::string* name_;
};

}  // namespace mx2::optimizer::advantedge
