#include "emulator/fields.h"

#include <algorithm>
#include <sstream>

#include "api/base/text.h"

namespace mx2::emulator {
namespace {

const json::Value kNull;

std::string brief(double number) {
  std::ostringstream out;
  out << number;
  return out.str();
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

Fields::Fields(const config::Document& document, const json::Value& value, std::string pointer,
               std::vector<std::string>& errors)
    : document_(document), value_(value), pointer_(std::move(pointer)), errors_(errors) {
  if (!value.is_object() && !value.is_null()) {
    errors_.push_back(document_.place(pointer_) + ": must be a mapping");
  }
}

Fields::~Fields() {
  if (!value_.is_object()) return;
  for (const auto& [key, value] : value_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto hint = closest(key, known_);
    fail(key, "is not known" + (hint ? "; did you mean '" + *hint + "'?" : std::string()));
  }
}

void Fields::fail(const std::string& key, const std::string& text) {
  errors_.push_back(document_.place(pointer_of(key)) + ": " + key + " " + text);
}

const json::Value* Fields::find(const char* key) {
  known_.emplace_back(key);
  if (!value_.is_object()) return nullptr;
  const auto it = value_.find(key);
  return it == value_.end() || it->is_null() ? nullptr : &*it;
}

const json::Value& Fields::member(const char* key) {
  const auto* value = find(key);
  return value == nullptr ? kNull : *value;
}

void Fields::number(const char* key, double& out, double least, double most) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
    out = value->get<double>();
    return;
  }
  fail(key, "is " + json::dump(*value) + "; must be a number from " + brief(least) + " to " +
                brief(most));
}

void Fields::read_integer(const char* key, std::int64_t& out, std::int64_t least,
                          std::int64_t most) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_number_integer() && *value >= least && *value <= most) {
    out = value->get<std::int64_t>();
    return;
  }
  fail(key, "is " + json::dump(*value) + "; must be an integer from " + std::to_string(least) +
                " to " + std::to_string(most));
}

void Fields::boolean(const char* key, bool& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_boolean()) {
    out = value->get<bool>();
  } else {
    fail(key, "must be true or false");
  }
}

void Fields::text(const char* key, std::string& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_string() && !value->get<std::string>().empty()) {
    out = value->get<std::string>();
  } else {
    fail(key, "must be a text");
  }
}

void Fields::read_choice(const char* key, std::size_t& out, const std::vector<std::string>& names) {
  std::string name = names[out];
  text(key, name);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    fail(key, "is '" + name + "'; must be one of " + list_of(names));
  } else {
    out = static_cast<std::size_t>(it - names.begin());
  }
}

}  // namespace mx2::emulator
