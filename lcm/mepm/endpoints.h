// The MEPM's HTTP API: MEC 010-2 /app_lcm/v1 (Mm3), MEC 011 /mec_app_support/v1 (Mp1), /health,
// /metrics and /openapi.yaml. Mm3 asks for the bearer token, if there is one; Mp1 does not: an
// instance proves itself by its identifier, which nobody else is told.
#pragma once

#include <functional>
#include <string>

#include "api/base/metrics.h"
#include "api/http/monitoring.h"
#include "api/http/router.h"
#include "lcm/mepm/lifecycle.h"
#include "lcm/mepm/notifications.h"
#include "lcm/mepm/package_cache.h"

namespace mx2::mepm {

// What the endpoints work with; must outlive the router.
struct Api {
  metrics::Registry& registry;
  Lifecycle& lifecycle;
  Notifications& notifications;
  PackageCache& packages;
  const SystemClock& clock;
  std::string host_id;
  std::string token;  // empty: nobody is asked for one
  std::string root;   // where this server is reached, "http://10.0.0.1:8090"
  std::function<json::Value()> health;
  http::MonitoringAccess monitoring;
};

void add_lcm_endpoints(http::Router& router, Api& api);
void add_support_endpoints(http::Router& router, Api& api);

using Answer = http::Reply (*)(Api&, const http::Request&, const http::PathValues&);
[[nodiscard]] http::Endpoint answering(Api& api, Answer answer);
// The reply to what was done, or why it was not.
[[nodiscard]] http::Reply reply_to(const Result<void>& done, http::Reply reply);

}  // namespace mx2::mepm
