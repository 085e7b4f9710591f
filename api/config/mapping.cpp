#include "api/config/mapping.h"

#include <algorithm>
#include <sstream>

#include "api/base/text.h"

namespace mx2::config {
namespace {

constexpr std::size_t kNamesMax = 1000;

std::string brief(double number) {
  std::ostringstream out;
  out << number;
  return out.str();
}

}  // namespace

void Mapping::problem(const std::string& text, const std::string& key) {
  if (problems_.size() >= kProblemsMax) return;
  problems_.push_back(place(key) + ": " + text);
}

// What stands there and is not a path, whatever its name has in it.
void Mapping::refuse_dots(const std::string& section, const std::string& name,
                          std::string_view quote) {
  if (problems_.size() >= kProblemsMax) return;
  const auto pointer = (section.empty() ? pointer_ : pointer_of(section)) + "/" + name;
  problems_.push_back(document_.place(pointer) + ": " + std::string(quote) + name +
                      std::string(quote) + " is not known; write the parts of a key as sections");
}

std::string Mapping::pointer_of(const std::string& key) const {
  auto pointer = pointer_ + "/" + key;
  if (keys_ == Keys::kPaths) std::replace(pointer.begin(), pointer.end(), '.', '/');
  return pointer;
}

const json::Value* Mapping::find(const std::string& key) {
  known_.push_back(key);
  const auto* value = &value_;
  for (const auto part : split(key, keys_ == Keys::kPaths ? '.' : '\0')) {
    if (!value->is_object()) return nullptr;
    const auto it = value->find(std::string(part));
    if (it == value->end() || it->is_null()) return nullptr;
    value = &*it;
  }
  return value;
}

const json::Value* Mapping::list(const std::string& key) {
  const auto* value = find(key);
  if (value == nullptr || value->is_array()) return value;
  problem(key + " must be a list; it is left out", key);
  return nullptr;
}

const json::Value* Mapping::mapping(const std::string& key) {
  const auto* value = find(key);
  if (value == nullptr || value->is_object()) return value;
  problem(key + " must be a mapping; it is left out", key);
  return nullptr;
}

void Mapping::text(const std::string& key, std::string& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return problem(key + " must be a text", key);
  out = value->get<std::string>();
}

void Mapping::choice(const std::string& key, std::string& out,
                     const std::vector<std::string>& allowed) {
  auto value = out;
  text(key, value);
  if (value == out) return;
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    const auto rest = did_you_mean(value, allowed, "; allowed: " + join(allowed, ", "));
    return problem(key + " is '" + value + "'" + rest, key);
  }
  out = value;
}

std::vector<std::string> Mapping::texts(const std::string& key) {
  std::vector<std::string> result;
  const auto* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) problem(key + " must be a list of texts", key);
  for (const auto& item : *value) {
    if (item.is_string()) result.push_back(item.get<std::string>());
    if (!item.is_string()) problem("an item of " + key + " is no text", key);
  }
  return result;
}

void Mapping::boolean(const std::string& key, bool& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return problem(key + " must be true or false", key);
  out = value->get<bool>();
}

void Mapping::number(const std::string& key, double& out, double least, double most) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
    out = value->get<double>();
    return;
  }
  problem(key + " is " + json::dump(*value) + "; must be a number from " + brief(least) + " to " +
              brief(most),
          key);
}

std::optional<std::int64_t> Mapping::read_integer(const std::string& key, std::int64_t least,
                                                  std::int64_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer() && *value >= least && *value <= most) {
    return value->get<std::int64_t>();
  }
  problem(key + " is " + json::dump(*value) + "; must be an integer from " + std::to_string(least) +
              " to " + std::to_string(most),
          key);
  return std::nullopt;
}

std::string Mapping::suggestion(const std::string& word,
                                const std::vector<std::string>& names) const {
  const bool compared = problems_.size() < kProblemsMax && names.size() <= kNamesMax;
  return compared ? did_you_mean(word, names) : std::string();
}

std::vector<std::string> Mapping::names() const {
  std::vector<std::string> result;
  if (!value_.is_object()) return result;
  for (const auto& [key, value] : value_.items()) result.push_back(key);
  return result;
}

std::vector<std::string> Mapping::known_with_sections() const {
  auto keys = known_;
  for (const auto& known : known_) {
    const auto dot = keys_ == Keys::kPaths ? known.rfind('.') : std::string::npos;
    if (dot != std::string::npos) keys.push_back(known.substr(0, dot));
  }
  return keys;
}

void Mapping::refuse_unknown(std::string_view quote) {
  if (value_.is_object()) refuse_unknown(value_, {}, quote);
}

bool Mapping::is_section(const std::string& key) const {
  return keys_ == Keys::kPaths && std::any_of(known_.begin(), known_.end(), [&](const auto& known) {
           return known.starts_with(key + ".");
         });
}

void Mapping::refuse_unknown(const json::Value& value, const std::string& section,
                             std::string_view quote) {
  for (const auto& [name, member] : value.items()) {
    const auto key = section.empty() ? name : section + "." + name;
    if (keys_ == Keys::kPaths && name.find('.') != std::string::npos) {
      refuse_dots(section, name, quote);
      continue;
    }
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto quoted = std::string(quote) + key + std::string(quote);
    if (!is_section(key)) {
      problem(quoted + " is not known" + did_you_mean(key, known_with_sections()), key);
    } else if (member.is_object()) {
      refuse_unknown(member, key, quote);
    } else if (!member.is_null()) {
      problem(quoted + " must be a section of keys", key);
    }
  }
}

}  // namespace mx2::config
