// What every example λ does alike: its command line, an HTTP server on the port it was given,
// health and statistics, readiness and termination over Mp1, an orderly end.
//
//   POST /            the λ's work on the body
//   GET  /            the same without input, for browsers and `mx2 run`
//   GET  /health      200 while it serves
//   GET  /mx2/stats   see stats.h
//
// With MX2_MP1_URI and MX2_APP_INSTANCE_ID in the environment it says confirm_ready (ETSI GS
// MEC 011) once it listens, and subscribes to its termination, which it confirms after the last
// answer. Without, SIGTERM ends it as well.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/http/http.h"
#include "api/json/json.h"

namespace mx2::lambda {

struct Options {
  std::string name;                 // told in every answer as "app"
  std::string address = "0.0.0.0";  // devices call it from elsewhere
  std::uint16_t port = 0;           // 0: any; the one in use is logged
  int threads = 2;                  // that work at the same time
  std::size_t waiting_max = 256;    // requests waiting for a thread; above: 503
  std::size_t body_bytes_max = 1 << 20;
  std::size_t connections_max = 2000;
  std::string instance_id;  // MX2_APP_INSTANCE_ID
  std::string mp1_uri;      // MX2_MP1_URI, e.g. "http://10.0.0.1:8090/mec_app_support/v1"
};

// Adds --name, --address, --port, --threads, and what the environment says instead. Of an option
// that is given twice, the last counts, here and for those added afterwards.
void add_options(CLI::App& app, Options& options);

// The work: from the request to the members of the answer, which "app", "host", "instance" and "ms"
// join. Called from one thread at a time; each thread has one of its own.
using Work = std::function<Result<json::Value>(const http::Request&)>;

// Serves until SIGTERM, SIGINT or termination over Mp1. `workers` has options.threads elements. The
// result is main()'s.
[[nodiscard]] int run(const Options& options, std::vector<Work> workers);

}  // namespace mx2::lambda
