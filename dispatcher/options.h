// The configuration of mx2-dispatcher. Every key, its default, unit and effect is in
// deploy/example/dispatcher.yaml.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/base/units.h"
#include "api/config/reader.h"
#include "api/orchestrator/access.h"
#include "api/program/options.h"

namespace mx2::dispatcher {

// Where this dispatcher is, which decides what is local to it.
struct PlaceOptions {
  std::string host_id;
  std::string zone;  // empty: that of the host
  std::string cloud_label = "tier=cloud";
  std::map<std::string, int> latency_ms;  // by host: what is assumed until it is measured
};

struct SelectionOptions {
  std::string policy = "predicted";
  int smoothing_percent = 95;  // weight of what was known in a new estimate
  int stale_ms = 10000;        // after which an estimate, or a sample of a fit, is too old
  int spill_percent = 200;     // of the next tier's response time: beyond, calls overflow there,
  int spill_ms = 5;            // if that gains so many milliseconds
  int period_ms = 100;         // between changes of weights

  [[nodiscard]] double alpha() const { return smoothing_percent / kPercent; }
};

struct RetryOptions {
  int attempts = 3;
  std::vector<std::string> on = {"conn-failure", "empty-response", "503"};
};

struct LimitOptions {
  std::int64_t body_bytes_max = 1 << 20;
  int buffer_bytes = 16384;  // a call larger than that is not made again
  int connections_max = 4000;
  int in_flight_max = 0;  // calls at one destination; 0: no limit
  int hops_max = 8;
};

struct TimeoutOptions {
  int connect_ms = 300;
  int queue_ms = 1000;
  int request_ms = 10000;   // for a client to send head, and what is buffered of the body
  int idle_ms = 60000;      // of a client's connection
  int response_ms = 30000;  // of a destination
};

struct HealthOptions {
  int interval_ms = 2000;       // of checks while all is well
  int down_interval_ms = 500;   // while it is not
  int failures = 3;             // connections in a row that fail, before nothing is sent there
  int checks_per_second = 100;  // of all destinations; with many, the interval grows
};

struct HaproxyOptions {
  std::string program = "/usr/sbin/haproxy";
  std::string directory;  // empty: one of its own, removed at the end
  int threads = 0;        // 0: as many as there are CPUs
  int reload_interval_ms = 1000;
  std::uint64_t files_max = 0;  // that it may open, as found at start, not configured; 0: any
  int drain_ms = 60000;         // that a configuration that was replaced may still finish calls
};

struct DispatcherOptions {
  FeedAccess orchestrator{{.timeout_ms = 10'000}};
  std::string listen_address = "0.0.0.0";
  std::uint16_t listen_port = 8070;
  http::ServerOptions server{.port = 8071, .threads = 1};  // of the API
  std::string token;  // of the API, read from its file; empty: none
  http::MonitoringAccess monitoring = http::open_to_all();
  std::string app_d_id = "dispatcher-1";  // the application that dispatchers are instances of
  std::vector<std::string> apps;          // those that are served; empty: the whole catalogue
  PlaceOptions place;
  SelectionOptions selection;
  RetryOptions retry;
  LimitOptions limits;
  TimeoutOptions timeouts;
  HealthOptions health;
  HaproxyOptions haproxy;
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";  // of https destinations; empty: none
  program::LogOptions log;
};

// The value of a variable of the environment; empty: there is none.
using Environment = std::function<std::string(const char* name)>;

// All errors at once, with their places. As an instance under a MEPM (api/mec/appd.h) a dispatcher
// learns from its environment where it is: the defaults of orchestrator.url, token_file and
// ca_file, dispatcher.port and host.id are then what that says, server.port is any, and
// haproxy.directory the working directory.
[[nodiscard]] Result<config::Loaded<DispatcherOptions>> read_dispatcher_options(
    const config::Document& document, const Environment& environment = {});

}  // namespace mx2::dispatcher
