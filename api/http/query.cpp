#include "api/http/query.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::http {
namespace {

Result<std::string> decode(std::string_view raw) {
  std::string spaced(raw);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  auto text = percent_decode(spaced);
  if (!text)
    return invalid_argument("malformed percent-escape in query '" + std::string(raw) + "'");
  return std::move(*text);
}

Result<QueryParameter> parse_one(std::string_view pair) {
  const auto equals = pair.find('=');
  auto name = decode(pair.substr(0, equals));
  if (!name) return name.error();
  QueryParameter parameter{std::move(*name), {}};
  const auto raw = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
  for (const auto part : split(raw, ',')) {
    auto value = decode(part);
    if (!value) return value.error();
    parameter.values.push_back(std::move(*value));
  }
  return parameter;
}

}  // namespace

Result<std::vector<QueryParameter>> parse_query(std::string_view raw) {
  std::vector<QueryParameter> parameters;
  if (raw.empty()) return parameters;
  for (const auto pair : split(raw, '&')) {
    if (pair.empty()) continue;
    auto parameter = parse_one(pair);
    if (!parameter) return parameter.error();
    parameters.push_back(std::move(*parameter));
  }
  return parameters;
}

Result<SingleValued> SingleValued::parse(std::string_view raw, std::vector<std::string> known) {
  auto parameters = parse_query(raw);
  if (!parameters) return parameters.error();
  SingleValued result;
  for (auto& parameter : *parameters) {
    if (std::find(known.begin(), known.end(), parameter.name) == known.end()) {
      return invalid_argument("unknown query parameter '" + parameter.name + "'" +
                              did_you_mean(parameter.name, known));
    }
    for (const auto& earlier : result.parameters_) {
      if (earlier.name == parameter.name) {
        return invalid_argument("query parameter '" + parameter.name + "' is repeated");
      }
    }
    result.parameters_.push_back(std::move(parameter));
  }
  return result;
}

std::string SingleValued::text(std::string_view name) const {
  for (const auto& parameter : parameters_) {
    if (parameter.name != name) continue;
    std::string joined = parameter.values.front();
    for (std::size_t i = 1; i < parameter.values.size(); ++i) joined += "," + parameter.values[i];
    return joined;
  }
  return {};
}

Result<std::uint64_t> SingleValued::number(std::string_view name, std::uint64_t fallback,
                                           std::uint64_t least, std::uint64_t most) const {
  const bool given = std::any_of(parameters_.begin(), parameters_.end(),
                                 [&](const auto& parameter) { return parameter.name == name; });
  if (!given) return fallback;
  const auto parsed = parse_uint(text(name));
  if (!parsed || *parsed < least || *parsed > most) {
    return invalid_argument("query parameter '" + std::string(name) + "' must be a number from " +
                            std::to_string(least) + " to " + std::to_string(most));
  }
  return *parsed;
}

}  // namespace mx2::http
