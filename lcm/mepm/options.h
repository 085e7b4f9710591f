// The configuration of mx2-mepm. Every key, its default, unit and effect is in
// deploy/example/mepm.yaml.
#pragma once

#include <string>

#include "api/base/result.h"
#include "api/config/reader.h"
#include "api/program/options.h"
#include "lcm/mepm/lifecycle.h"
#include "lcm/mepm/notifications.h"
#include "lcm/mepm/orchestrator_link.h"
#include "lcm/mepm/package_cache.h"
#include "lcm/mepm/process/process_backend.h"

namespace mx2::mepm {

struct MepmOptions {
  http::ServerOptions server{.port = 8090};
  std::string token;  // read from its file; empty: nobody is asked for one
  http::MonitoringAccess monitoring = http::open_to_all();
  HostRegistration host{"host", {}, {}, 0, {}, {}, {}};
  std::string host_address = "127.0.0.1";
  std::string url;  // where others reach us; empty: http://<host.address>:<port>
  std::string state_dir = "mepm-state";
  bool end_on_stop = false;  // instances end with us; else they go on, and the next start has them
  OrchestratorAccess orchestrator{.timeout_ms = 5000};  // an empty url: there is none
  LinkOptions link;
  PackageCacheOptions packages;
  LifecycleOptions lifecycle;
  NotificationOptions notifications;
  process::ProcessOptions process;
  program::LogOptions log;
};

// All errors at once, with their places.
[[nodiscard]] Result<config::Loaded<MepmOptions>> read_mepm_options(
    const config::Document& document);

}  // namespace mx2::mepm
