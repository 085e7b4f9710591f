#include "optimizer/advantedge/element.h"

#include <fmt/format.h>

#include <algorithm>

namespace mx2::optimizer::advantedge {
namespace {

constexpr double kLatencyMsMax = 250'000;
constexpr double kThroughputMbpsMax = 1'000'000;
constexpr double kThroughputMbps = 1000;  // of what says 0 or nothing
constexpr std::size_t kQuotedMax = 40;    // bytes of a bad value that are told
const std::string kNoName;

std::string quote(const json::Value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (!value.is_string()) return json::dump(value);
  return json::dump(value.get_ref<const std::string&>().substr(0, kQuotedMax));
}

// The slash is ours: it joins names.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kNameBytesMax && json::is_single_line(text) &&
         text.find('/') == std::string::npos;
}

double or_default(double mbps) { return mbps > 0 ? mbps : kThroughputMbps; }

}  // namespace

void Problems::add(std::string line) {
  if (lines_.size() >= kProblemsMax) return;
  if (std::find(lines_.begin(), lines_.end(), line) != lines_.end()) return;
  if (lines_.size() + 1 == kProblemsMax) line = "there are further problems";
  lines_.push_back(std::move(line));
}

Element::Element(const json::Value& value, const char* kind, Problems& problems)
    : value_(value), kind_(kind), problems_(problems), name_(&kNoName) {
  if (!value.is_object()) {
    problem("is " + quote(value) + ", no object");
    return;
  }
  const auto* name = find("name");
  const bool usable =
      name != nullptr && name->is_string() && is_name(name->get_ref<const std::string&>());
  if (usable) name_ = &name->get_ref<const std::string&>();
  if (!usable) problem("has no name that can be used: " + (name ? quote(*name) : "none"));
}

Element::Element(const json::Value& value, const char* kind, const std::string& name,
                 Problems& problems)
    : value_(value), kind_(kind), problems_(problems), name_(&name) {
  if (!value.is_object()) problem("is " + quote(value) + ", no object");
}

void Element::problem(const std::string& text) const {
  problems_.add(name_->empty() ? fmt::format("a {} {}", kind_, text)
                               : fmt::format("{} '{}': {}", kind_, *name_, text));
}

void Element::wrong(const char* key, const json::Value& value, const char* expected) const {
  problem(fmt::format("{} is {}, no {}; it is as good as absent", key, quote(value), expected));
}

const json::Value* Element::find(const json::Value& in, const char* key) const {
  const auto it = in.find(key);  // the end of what is no object
  return it == in.end() || it->is_null() ? nullptr : &*it;
}

const json::Value* Element::find(const char* key) const { return find(value_, key); }

const json::Value* Element::object(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr || value->is_object()) return value;
  wrong(key, *value, "object");
  return nullptr;
}

const json::Value* Element::list(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr || value->is_array()) return value;
  wrong(key, *value, "array");
  return nullptr;
}

std::string Element::text(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return {};
  const bool usable =
      value->is_string() && value->get_ref<const std::string&>().size() <= kNameBytesMax;
  if (usable) return value->get<std::string>();
  wrong(key, *value, "text that can be used");
  return {};
}

bool Element::flag(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  wrong(key, *value, "true or false");
  return false;
}

double Element::number(const json::Value& in, const char* key, Bounds bounds) const {
  const auto* value = find(in, key);
  if (value == nullptr) return 0;
  if (!value->is_number()) {
    wrong(key, *value, "number");
    return 0;
  }
  const auto given = value->get<double>();
  const auto kept = std::clamp(given, bounds.least, bounds.most);
  if (kept != given) problem(fmt::format("{} is {}; {} is used", key, quote(*value), kept));
  return kept;
}

NetChar Element::net() const {
  NetChar net;
  const auto* given = object("netChar");
  if (given == nullptr) return net;
  net.latency_ms = number(*given, "latency", {0, kLatencyMsMax});
  net.jitter_ms = number(*given, "latencyVariation", {0, kLatencyMsMax});
  net.loss_percent = number(*given, "packetLoss", {0, 100});
  net.throughput_dl_mbps = or_default(number(*given, "throughputDl", {0, kThroughputMbpsMax}));
  net.throughput_ul_mbps = or_default(number(*given, "throughputUl", {0, kThroughputMbpsMax}));
  return net;
}

std::optional<Position> Element::position() const {
  const auto* geo = object("geoData");
  const auto* location = geo == nullptr ? nullptr : find(*geo, "location");
  const auto* pair = location == nullptr ? nullptr : find(*location, "coordinates");
  if (pair == nullptr) return std::nullopt;
  const auto within = [&](std::size_t i, double most) {
    return (*pair)[i].is_number() && std::abs((*pair)[i].get<double>()) <= most;
  };
  if (pair->is_array() && pair->size() >= 2 && within(0, 180) && within(1, 90)) {
    return Position{(*pair)[0].get<double>(), (*pair)[1].get<double>(), std::nullopt};
  }
  wrong("geoData.location.coordinates", *pair, "[longitude, latitude]");
  return std::nullopt;
}

std::map<std::string, std::string> Element::user_meta() const {
  std::map<std::string, std::string> meta;
  const auto* given = object("userMeta");
  if (given == nullptr) return meta;
  for (const auto& [key, value] : given->items()) {
    if (value.is_null()) continue;
    // Whoever writes a scenario by hand forgets the quotes of a number.
    const auto text = value.is_string() ? value.get<std::string>() : json::dump(value);
    const bool usable = !value.is_structured() && key.size() <= kNameBytesMax &&
                        text.size() <= kUserMetaBytesMax && meta.size() < kUserMetaMax;
    if (usable) meta.emplace(key, text);
    if (!usable) problem("userMeta has more, or longer texts, than are kept");
  }
  return meta;
}

}  // namespace mx2::optimizer::advantedge
