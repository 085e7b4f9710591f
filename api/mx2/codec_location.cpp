#include <algorithm>
#include <cmath>

#include "api/mx2/codec.h"

namespace mx2::codec {
namespace {

constexpr std::size_t kRingPositionsLeast = 4;  // RFC 7946 3.1.6: closed, four positions or more
constexpr std::int64_t kCaTypeMax = 255;        // RFC 4776: one octet
constexpr std::size_t kCivicElementsMax = 64;

Position read_position(const json::Value& value, const std::string& pointer,
                       std::optional<Error>& error) {
  const bool numbers =
      value.is_array() && (value.size() == 2 || value.size() == 3) &&
      std::all_of(value.begin(), value.end(), [](const json::Value& n) { return n.is_number(); });
  if (!numbers) {
    if (!error) error = invalid_argument("must be [longitude, latitude]", pointer);
    return {};
  }
  Position position{value[0].get<double>(), value[1].get<double>(), std::nullopt};
  if (value.size() == 3) position.altitude = value[2].get<double>();
  return position;
}

void check_ring(const std::vector<Position>& ring, const std::string& pointer,
                std::optional<Error>& error) {
  const auto out_of_range = [](const Position& p) {
    return std::abs(p.longitude) > 180 || std::abs(p.latitude) > 90;
  };
  if (ring.size() < kRingPositionsLeast || ring.front() != ring.back()) {
    error = invalid_argument("a ring has at least four positions, the last equal to the first",
                             pointer);
  } else if (std::any_of(ring.begin(), ring.end(), out_of_range)) {
    error = invalid_argument("longitude is within ±180 and latitude within ±90 degrees", pointer);
  }
}

void polygon_members(json::ObjectReader& reader, Polygon& polygon, Strictness strictness) {
  if (const auto* type = reader.find("type"); type != nullptr && *type != "Polygon") {
    reader.fail("must be \"Polygon\"", "type");
  }
  const auto* rings = reader.need("coordinates", json::Value::value_t::array);
  if (rings == nullptr) return;
  if (rings->empty()) reader.fail("must have at least one ring", "coordinates");
  auto& error = reader.error();
  std::size_t positions = 0;
  for (std::size_t i = 0; i < rings->size() && !error; ++i) {
    const auto ring_pointer = reader.at("coordinates") + "/" + std::to_string(i);
    const auto& ring = (*rings)[i];
    positions += ring.size();
    if (!ring.is_array() || positions > at_most(kPositionsMax, strictness)) {
      error = invalid_argument(
          ring.is_array() ? "polygon has too many positions" : "must be an array of positions",
          ring_pointer);
      break;
    }
    auto& out = polygon.rings.emplace_back();
    for (std::size_t j = 0; j < ring.size() && !error; ++j) {
      out.push_back(read_position(ring[j], ring_pointer + "/" + std::to_string(j), error));
    }
    if (strictness == Strictness::kFull && !error) check_ring(out, ring_pointer, error);
  }
}

void polygon_members(json::ObjectWriter& writer, const Polygon& polygon,
                     Strictness /*strictness*/) {
  auto rings = json::Value::array();
  for (const auto& ring : polygon.rings) {
    auto positions = json::Value::array();
    for (const auto& p : ring) {
      json::Value position{p.longitude, p.latitude};
      if (p.altitude) position.push_back(*p.altitude);
      positions.push_back(std::move(position));
    }
    rings.push_back(std::move(positions));
  }
  writer.required("type", "Polygon");
  writer.required("coordinates", rings);
}

constexpr auto kLocationConstraints = [](auto& io, auto& location, Strictness strictness) {
  io.optional("countryCode", location.country_code, chars({0, 2}, strictness));
  io.optional_items("civicAddressElement", location.civic_address_element,
                    at_most(kCivicElementsMax, strictness), [&](auto& item, auto& element) {
                      item.required("caType", element.ca_type, 0, kCaTypeMax);
                      item.required("caValue", element.ca_value, chars({0, 255}, strictness));
                    });
  io.optional_object("area", location.area, [&](auto& area, auto& polygon) {
    polygon_members(area, polygon, strictness);
  });
};

// The "shall" rules of clause 6.5.2.
void check_rules(json::ObjectReader& reader, const LocationConstraints& location) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto& code = location.country_code;
  if (code && (code->size() != 2 || !std::all_of(code->begin(), code->end(), capital))) {
    reader.fail("must be two capital letters (ISO 3166)", "countryCode");
  }
  if (!location.area && !code) {
    reader.fail("countryCode shall be present if area is absent");
  }
  if (location.area && !location.civic_address_element.empty()) {
    reader.fail("shall be absent if area is present", "civicAddressElement");
  }
}

}  // namespace

void location_members(json::ObjectReader& reader, LocationConstraints& location,
                      Strictness strictness) {
  kLocationConstraints(reader, location, strictness);
  if (strictness == Strictness::kFull && reader.ok()) check_rules(reader, location);
}

void location_members(json::ObjectWriter& writer, const LocationConstraints& location,
                      Strictness strictness) {
  kLocationConstraints(writer, location, strictness);
}

json::Value to_json(const LocationConstraints& location) {
  auto out = json::Value::object();
  json::ObjectWriter writer(out);
  location_members(writer, location, Strictness::kFull);
  return out;
}

}  // namespace mx2::codec
