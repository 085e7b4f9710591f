// A sandbox of AdvantEDGE as an HTTP client: three zones with a host each, two points of access in
// each, a dozen UEs. tests/advantedge/sandbox.py is the whole of it, over real HTTP.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "api/http/http_client.h"
#include "api/json/json.h"
#include "tests/catch.h"

namespace mx2::optimizer::advantedge::test {

using json::Value;

inline constexpr const char* kZone[] = {"zone1", "zone2", "zone3"};
inline constexpr int kZones = 3;
inline constexpr int kAccessPoints = 2;  // of a zone
inline constexpr int kUes = 12;

inline std::string poa(int zone, int i) {
  return std::string(kZone[zone]) + "-poa" + std::to_string(i + 1);
}

inline Value element(const std::string& name, const char* type, int latency_ms) {
  return {{"name", name}, {"type", type}, {"netChar", {{"latency", latency_ms}}}};
}

// As the location service keeps it.
struct Kept {
  std::string zone, callback, tag, correlator;
};

// The scenario as sandbox-ctrl has it, changed as its events change it.
class Sandbox final : public http::Client {
 public:
  Sandbox() {
    for (int i = 0; i < kUes; ++i) at["ue" + std::to_string(i)] = poa(i % kZones, 0);
    for (int z = 0; z < kZones; ++z) {
      node_ms["mep" + std::to_string(z + 1)] = 0;
      for (int i = 0; i < kAccessPoints; ++i) poa_ms[poa(z, i)] = 2 + i;
    }
  }

  Result<http::Reply> send(const std::string& method, const std::string& url,
                           const http::Headers& headers, const std::string& body) override {
    if (down) return unavailable("no connection");
    if (const auto end = url.find("/health"); end != std::string::npos) {
      if (const auto it = at_url.find(url.substr(0, end)); it != at_url.end()) {
        return http::json_reply(200, it->second);
      }
      return unavailable("nobody is there");
    }
    sent_headers = headers;
    const bool of_location = url.find("/location/") != std::string::npos;
    if (of_location && during_location) during_location();
    if (of_location && location_down) return unavailable("frozen");
    if (status != 200) return http::Reply{status, "text/plain", "injected", {}, false};
    if (url.find("/active") != std::string::npos) {
      if (during_reading) std::exchange(during_reading, {})();
      if (!active) return http::Reply{404, "text/plain", "No scenario is active", {}, false};
      const bool minimized = url.find("minimize=true") != std::string::npos;
      return http::json_reply(200, answer.empty() ? json::dump(scenario(!minimized)) : answer);
    }
    return subscriptions(method, url, body);
  }

  [[nodiscard]] Value scenario(bool whole = true) const {
    Value zones = Value::array();
    for (int z = 0; z < kZones; ++z) zones.push_back(zone(z, whole));
    Value domain = element("op", "OPERATOR", 6);
    domain["zones"] = std::move(zones);
    return {{"name", name},
            {"version", "1.9.2"},
            {"deployment",
             {{"netChar", {{"latency", 50}}},
              {"connectivity", {{"model", "OPEN"}}},
              {"d2d", {{"d2dMaxDistance", 100}}},
              {"domains", {domain}}}}};
  }

  std::string name = "s";
  std::map<std::string, std::string> at;  // UE -> access point; empty: disconnected
  std::map<std::string, int> poa_ms, node_ms;
  std::map<int, Kept> kept;                   // subscriptions, by id
  std::map<std::string, std::string> at_url;  // what answers elsewhere: its /health
  std::function<void()> during_reading, during_location;
  std::string answer;
  http::Headers sent_headers;  // with the last request to the sandbox
  bool active = true, down = false, location_down = false;
  int status = 200, delete_status = 204, next_id = 1, subscribed = 0;

 private:
  // Only the whole document has positions.
  static void set_position(Value& element, int z, bool whole) {
    if (!whole) return;
    const auto degrees = 7.0 + z;
    element["geoData"] = {{"location", {{"type", "Point"}, {"coordinates", {degrees, 43.5}}}}};
  }

  [[nodiscard]] Value zone(int z, bool whole) const {
    Value locations = Value::array();
    auto standard = element(std::string(kZone[z]) + "-DEFAULT", "DEFAULT", 1);
    standard["physicalLocations"] = Value::array();
    const auto host = "mep" + std::to_string(z + 1);
    if (const auto it = node_ms.find(host); it != node_ms.end()) {
      auto edge = element(host, "EDGE", it->second);
      edge["connected"] = true;
      set_position(edge, z, whole);
      standard["physicalLocations"].push_back(edge);
    }
    locations.push_back(standard);
    for (int i = 0; i < kAccessPoints; ++i) locations.push_back(access_point(z, i, whole));
    auto result = element(kZone[z], "ZONE", 5);
    result["networkLocations"] = std::move(locations);
    return result;
  }

  [[nodiscard]] Value access_point(int z, int i, bool whole) const {
    auto result = element(poa(z, i), "POA", poa_ms.at(poa(z, i)));
    set_position(result, z, whole);
    result["physicalLocations"] = Value::array();
    for (const auto& [ue, where] : at) {
      const bool gone = where.empty() && z == 0 && i == 0;  // it stays somewhere in the document
      if (where != poa(z, i) && !gone) continue;
      auto node = element(ue, "UE", 0);
      node["connected"] = !gone;
      result["physicalLocations"].push_back(node);
    }
    return result;
  }

  Result<http::Reply> subscriptions(const std::string& method, const std::string& url,
                                    const std::string& body) {
    if (method == "DELETE") {
      if (delete_status != 204) return http::Reply{delete_status, "text/plain", "no", {}, false};
      kept.erase(std::stoi(url.substr(url.rfind('/') + 1)));
      return http::no_content();
    }
    if (method == "POST") {
      const auto asked = json::parse(body).value()["zonalTrafficSubscription"];
      const auto& reference = asked["callbackReference"];
      kept[next_id++] = {asked["zoneId"], reference["notifyURL"], reference["callbackData"],
                         asked.value("clientCorrelator", "")};
      ++subscribed;
      return http::json_reply(201, body);
    }
    Value list = Value::array();
    for (const auto& [id, one] : kept) {
      list.push_back(
          {{"zoneId", one.zone},
           {"clientCorrelator", one.correlator},
           {"callbackReference", {{"notifyURL", one.callback}, {"callbackData", one.tag}}},
           {"resourceURL", "http://x/zonalTraffic/" + std::to_string(id)}});
    }
    Value outer{{"resourceURL", "http://x"}};
    if (!list.empty()) outer["zonalTrafficSubscription"] = list;  // absent when empty
    return http::json_reply(200, json::dump({{"notificationSubscriptionList", outer}}));
  }
};

inline std::string notice(const std::string& ue, const std::string& access_point,
                          const char* event = "Transferring", const char* tag = "tag") {
  return json::dump({{"zonalPresenceNotification",
                      {{"address", ue},
                       {"zoneId", access_point.substr(0, access_point.find('-'))},
                       {"currentAccessPointId", access_point},
                       {"userEventType", event},
                       {"callbackData", tag}}}});
}

}  // namespace mx2::optimizer::advantedge::test
