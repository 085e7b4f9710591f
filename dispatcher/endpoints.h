// The dispatcher's own HTTP API. /status asks for the bearer token, if there is one.
//
//   GET /health     ok, starting, or stale: the orchestrator cannot be followed
//   GET /metrics    Prometheus text
//   GET /-/stats    its own load; HAProxy hands it on, as /mx2/stats of a λ
//   GET /status     every λ with its destinations, weights and response times
#pragma once

#include <string>

#include "api/base/metrics.h"
#include "api/http/monitoring.h"
#include "api/http/router.h"
#include "dispatcher/dispatcher.h"

namespace mx2::dispatcher {

// All must outlive the router. An empty token: nobody is asked for one. `monitoring`: who is told
// /health and /metrics.
void add_endpoints(http::Router& router, metrics::Registry& registry, const Dispatcher& dispatcher,
                   const std::string& token, const http::MonitoringAccess& monitoring);

}  // namespace mx2::dispatcher
