#include "tests/bench/large_scenario.h"

#include "api/json/json.h"

namespace mx2::bench {
namespace {

constexpr int kDomains = 4;
constexpr int kZones = 25;  // of a domain

using json::Value;

std::string number_of(int zone, int access_point = 0) {
  return std::to_string(zone) + "-" + std::to_string(access_point);
}

Value element(const std::string& name, const char* type, int latency_ms, int jitter_ms) {
  return {{"id", "00000000-0000-4000-8000-" + name},
          {"name", name},
          {"type", type},
          {"netChar",
           {{"latency", latency_ms},
            {"latencyVariation", jitter_ms},
            {"throughputDl", 1000},
            {"throughputUl", 1000}}}};
}

Value ue(int zone, int access_point, int number) {
  const auto name = "10." + std::to_string(zone) + "." + std::to_string(access_point) + "." +
                    std::to_string(number);
  Value ue = {{"id", "00000000-0000-4000-8000-" + name},
              {"name", name},
              {"type", "UE"},
              {"connected", number != kUesOfPoint - 1 || access_point != 0},
              {"networkLocationsInRange", {"poa-" + number_of(zone, access_point)}},
              {"wireless", true},
              {"wirelessType", "wifi,5g,4g,other"},
              {"dataNetwork", Value::object()},
              {"netChar", {{"throughputDl", 500}, {"throughputUl", 500}}},
              {"macId", "005C0A640003"}};
  if (number != 0) return ue;
  ue["processes"] = {element("cli-" + name, "UE-APP", 0, 0)};
  return ue;
}

Value host(const std::string& name, const char* type) {
  auto host = element(name, type, 0, 0);
  host["connected"] = true;
  host["processes"] = {element("app-" + name, "EDGE-APP", 0, 0)};
  return host;
}

Value access_point(int zone, int number) {
  auto location = element("poa-" + number_of(zone, number), "POA-4G", 1 + number, 1);
  location["physicalLocations"] = Value::array();
  // One EDGE and one FOG of a zone; the last one of a domain has its DC instead.
  const bool fog = number == 0 && zone % kZones != 0;
  if (fog) location["physicalLocations"].push_back(host("fog-" + number_of(zone), "FOG"));
  for (int i = 0; i < kUesOfPoint; ++i)
    location["physicalLocations"].push_back(ue(zone, number, i));
  return location;
}

Value zone(int number) {
  auto zone = element("zone-" + number_of(number), "ZONE", 5, 1);
  auto place = element("default-" + number_of(number), "DEFAULT", 1, 0);
  place["physicalLocations"] = {host("edge-" + number_of(number), "EDGE")};
  zone["networkLocations"] = {place};
  for (int i = 0; i < kPointsOfZone; ++i) {
    zone["networkLocations"].push_back(access_point(number, i));
  }
  return zone;
}

Value cloud() {
  auto place = element("PUBLIC-COMMON-DEFAULT", "DEFAULT", 1, 0);
  for (int i = 0; i < kDomains; ++i) {
    place["physicalLocations"].push_back(host("dc-" + std::to_string(i), "DC"));
  }
  auto common = element("PUBLIC-COMMON", "COMMON", 5, 1);
  common["networkLocations"] = {place};
  auto domain = element("PUBLIC", "PUBLIC", 6, 2);
  domain["zones"] = {common};
  return domain;
}

}  // namespace

std::string large_scenario() {
  Value domains = {cloud()};
  for (int d = 0; d < kDomains; ++d) {
    auto domain = element("operator-" + std::to_string(d), "OPERATOR-CELLULAR", 15, 3);
    for (int z = 0; z < kZones; ++z) domain["zones"].push_back(zone(d * kZones + z));
    domains.push_back(domain);
  }
  return json::dump({{"version", "1.9.2"},
                     {"name", "large"},
                     {"deployment",
                      {{"netChar", {{"latency", 50}, {"latencyVariation", 5}}},
                       {"connectivity", {{"model", "OPEN"}}},
                       {"d2d", {{"d2dMaxDistance", 100}}},
                       {"domains", domains}}}});
}

}  // namespace mx2::bench
