#include "optimizer/topology_reader.h"

#include <algorithm>
#include <cmath>

#include "api/base/text.h"
#include "api/base/units.h"
#include "optimizer/model.h"

namespace mx2::optimizer {
namespace {

std::string unknown_key(const std::string& key, const std::vector<std::string>& known) {
  const auto hint = closest(key, known);
  return "'" + key + "' is not known" + (hint ? "; did you mean '" + *hint + "'?" : std::string());
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

void TopologyReader::problem(const std::string& pointer, const std::string& text) {
  if (problems_.size() < kTopologyProblemsMax)
    problems_.push_back(document_.place(pointer) + ": " + text);
}

const json::Value* TopologyReader::find(const char* key) {
  known_.emplace_back(key);
  if (!document_.value.is_object()) return nullptr;
  const auto it = document_.value.find(key);
  return it == document_.value.end() || it->is_null() ? nullptr : &*it;
}

const json::Value* TopologyReader::list(const char* key) {
  const auto* value = find(key);
  if (value == nullptr || value->is_array()) return value;
  problem("/" + std::string(key), std::string(key) + " must be a list; it is left out");
  return nullptr;
}

const json::Value* TopologyReader::mapping(const char* key) {
  const auto* value = find(key);
  if (value == nullptr || value->is_object()) return value;
  problem("/" + std::string(key), std::string(key) + " must be a mapping; it is left out");
  return nullptr;
}

void TopologyReader::refuse_unknown() {
  if (!document_.value.is_object()) return problem("", "must be a mapping of keys");
  for (const auto& [key, value] : document_.value.items()) {
    if (!contains(known_, key)) problem("/" + key, unknown_key(key, known_));
  }
}

TopologyEntry::TopologyEntry(TopologyReader& reader, const json::Value& value, std::string pointer)
    : reader_(reader), value_(value), pointer_(std::move(pointer)) {
  if (!value.is_object()) problem("must be a mapping; it is left out");
}

void TopologyEntry::problem(const std::string& text, const std::string& key) {
  reader_.problem(key.empty() ? pointer_ : pointer_ + "/" + key, text);
}

const json::Value* TopologyEntry::find(const std::string& key) {
  known_.push_back(key);
  if (!value_.is_object()) return nullptr;
  const auto it = value_.find(key);
  return it == value_.end() || it->is_null() ? nullptr : &*it;
}

std::optional<std::string> TopologyEntry::name(const char* key) {
  if (!value_.is_object()) return std::nullopt;
  const auto* value = find(key);
  if (value != nullptr && value->is_string() && !value->get<std::string>().empty()) {
    return value->get<std::string>();
  }
  problem(std::string(key) + " must be a text; the entry is left out");
  return std::nullopt;
}

std::optional<std::string> TopologyEntry::text(const char* key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  problem(std::string(key) + " must be a text", key);
  return std::nullopt;
}

std::optional<std::string> TopologyEntry::choice(const char* key,
                                                 const std::vector<std::string>& allowed) {
  auto value = text(key);
  if (!value || contains(allowed, *value)) return value;
  const auto hint = closest(*value, allowed);
  std::string list;
  for (const auto& name : allowed) list += (list.empty() ? "" : ", ") + name;
  problem(std::string(key) + " is '" + *value + "'; " +
              (hint ? "did you mean '" + *hint + "'?" : "allowed: " + list),
          key);
  return std::nullopt;
}

std::vector<std::string> TopologyEntry::texts(const char* key) {
  std::vector<std::string> result;
  const auto* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) problem(std::string(key) + " must be a list of texts", key);
  for (const auto& item : *value) {
    if (item.is_string()) result.push_back(item.get<std::string>());
    if (!item.is_string()) problem("an item of " + std::string(key) + " is no text", key);
  }
  return result;
}

std::map<std::string, std::string> TopologyEntry::labels(const char* key) {
  std::map<std::string, std::string> result;
  const auto* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_object()) {
    problem(std::string(key) + " must be a mapping of texts", key);
    return result;
  }
  for (const auto& [name, item] : value->items()) {
    if (item.is_string()) result[name] = item.get<std::string>();
    if (!item.is_string()) problem("label '" + name + "' must be a text", key);
  }
  return result;
}

std::optional<std::int64_t> TopologyEntry::integer(const char* key, std::int64_t least,
                                                   std::int64_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) {
    const auto number = value->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  problem(std::string(key) + " is " + json::dump(*value) + "; must be an integer from " +
              std::to_string(least) + " to " + std::to_string(most),
          key);
  return std::nullopt;
}

std::optional<std::int64_t> TopologyEntry::milliseconds(const std::string& key, double most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto ms = value->get<double>();
    if (ms >= 0 && ms <= most) return std::llround(ms * kUsPerMs);
  }
  problem(key + " is " + json::dump(*value) + "; must be milliseconds, not negative", key);
  return std::nullopt;
}

std::optional<std::int32_t> TopologyEntry::latency_us(const std::string& key, double most) {
  if (const auto* value = find(key); value != nullptr && *value == "unreachable") {
    return LatencyMatrix::kUnreachable;
  }
  const auto us = milliseconds(key, most);
  return us ? std::optional(static_cast<std::int32_t>(*us)) : std::nullopt;
}

std::optional<Position> TopologyEntry::position(const char* key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool pair =
      value->is_array() && value->size() == 2 && (*value)[0].is_number() && (*value)[1].is_number();
  if (pair) {
    const Position position{(*value)[0].get<double>(), (*value)[1].get<double>(), {}};
    if (std::abs(position.longitude) <= 180 && std::abs(position.latitude) <= 90) return position;
  }
  problem(std::string(key) + " must be [longitude, latitude] in degrees", key);
  return std::nullopt;
}

std::vector<std::string> TopologyEntry::names() const {
  std::vector<std::string> result;
  if (!value_.is_object()) return result;
  for (const auto& [key, value] : value_.items()) result.push_back(key);
  return result;
}

void TopologyEntry::refuse_unknown() {
  if (!value_.is_object()) return;
  for (const auto& [key, value] : value_.items()) {
    if (!contains(known_, key)) problem(unknown_key(key, known_), key);
  }
}

}  // namespace mx2::optimizer
