// What the configurations of all daemons have alike.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "api/config/reader.h"
#include "api/http/monitoring.h"
#include "api/http/pistache_server.h"

namespace mx2::program {

struct LogOptions {
  std::string level = "info";   // as log::configure() takes it
  std::string format = "text";  // text | json
};

// Keys address and port of a section; what else there is to a listener is up to the program.
inline void read_listener(config::Reader& reader, const std::string& section,
                          http::ServerOptions& server) {
  reader.text(section + ".address", server.address);
  reader.integer(section + ".port", server.port, 0, 65535);
}

// Section metrics: who is told /health and /metrics.
inline void read_monitoring(config::Reader& reader, http::MonitoringAccess& access) {
  const std::vector<std::string> names = {http::kHealthName, http::kMetricsName};
  reader.token_file("metrics.token_file", access.token);
  reader.texts("metrics.open", access.open);
  const auto has = [](const std::vector<std::string>& some, const std::string& name) {
    return std::find(some.begin(), some.end(), name) != some.end();
  };
  for (const auto& name : access.open) {
    if (!has(names, name)) {
      reader.fail("metrics.open", "has '" + name + "'; allowed: " + join(names, ", "));
    }
  }
  const bool both_open = std::all_of(names.begin(), names.end(),
                                     [&](const auto& name) { return has(access.open, name); });
  if (!access.token.empty() && both_open) {
    reader.fail("metrics.token_file",
                "is asked of nobody: metrics.open has health and metrics; write metrics.open: [] "
                "or [health]");
  }
}

}  // namespace mx2::program
