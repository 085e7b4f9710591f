// What daemons tell whoever watches them: GET /health, a JSON document, and GET /metrics,
// Prometheus text, at the same paths in each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/base/metrics.h"
#include "api/http/router.h"

namespace mx2::http {

// Whom they are told.
struct MonitoringAccess {
  std::string token;              // a scraper's, which opens these two alone; empty: there is none
  std::vector<std::string> open;  // of "health" and "metrics": told to whoever asks
};
inline constexpr const char* kHealthName = "health";
inline constexpr const char* kMetricsName = "metrics";
[[nodiscard]] inline MonitoringAccess open_to_all() { return {{}, {kHealthName, kMetricsName}}; }

// That of the program's API, as it is when somebody asks.
using ApiToken = std::function<std::string()>;

// Adds both, also below `alias` ("/operator/v1") if that is not empty. What is not open is told to
// those who bear the scraper's token or `api_token`, that of the program's API; if neither is set,
// to everybody. Adds to the registry what is alike for all: mx2_build_info and
// process_start_time_seconds. Access and token are copied; `registry` must outlive the router.
void add_monitoring(Router& router, metrics::Registry& registry, const MonitoringAccess& access,
                    const ApiToken& api_token, const Endpoint& health, const Endpoint& metrics,
                    const std::string& alias = {});
// The same of a program that makes its document by `health`, and whose metrics are always current.
void add_monitoring(Router& router, metrics::Registry& registry, const MonitoringAccess& access,
                    const std::string& api_token, std::function<std::string()> health);

// As Prometheus text.
[[nodiscard]] Reply metrics_reply(const metrics::Registry& registry);

}  // namespace mx2::http
