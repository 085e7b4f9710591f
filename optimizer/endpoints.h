// The optimizer's own HTTP API. All but /health, /metrics and /openapi.yaml, its description, ask
// for the bearer token, if there is one; the first two are told as monitoring.h says.
//
//   GET  /health            how it is: ok, standby (with who leads), paused or failing
//   GET  /metrics           Prometheus text
//   GET  /status            the same and the last plan, when the next is due, the configuration
//   POST /pause, /resume    no plan of its own accord, whoever leads, until resumed
//   POST /plan              plans and sends now
//   GET  /plan?dry_run=true what it would do, as text
//   GET  /explain?ue=&app=  every host with each term of its cost, of the last plan
//   GET  /topology          UEs, where they are attached, the latency they have and could have; see
//                           topology_view.h
#pragma once

#include <string>

#include "api/base/metrics.h"
#include "api/http/monitoring.h"
#include "api/http/router.h"
#include "optimizer/control.h"
#include "optimizer/leadership.h"
#include "optimizer/status.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer {

// What the endpoints work with; must outlive the router.
struct Api {
  metrics::Registry& registry;
  const Status& status;
  Control& control;
  const Leadership& leadership;
  std::string token;                       // empty: nobody is asked for one
  const TopologySource* source = nullptr;  // null: there is none
  http::MonitoringAccess monitoring = http::open_to_all();
};

void add_endpoints(http::Router& router, Api& api);

}  // namespace mx2::optimizer
