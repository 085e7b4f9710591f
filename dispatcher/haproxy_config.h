// The configuration of HAProxy 2.6, as text. Pure functions; the reasons for its settings are in
// the .cpp file, beside them.
#pragma once

#include <cstddef>
#include <string>

#include "dispatcher/layout.h"
#include "dispatcher/options.h"

namespace mx2::dispatcher {

struct HaproxyFiles {
  std::string configuration;
  std::string script;        // in Lua
  std::string routes;        // the map of λ to backend
  std::string final_routes;  // the same for calls that come from another dispatcher
};

// Where a configuration's process is commanded: each generation has a socket of its own, so that
// nobody can take the old process for the new one.
[[nodiscard]] std::string command_socket(const std::string& directory, int generation);
// Where HAProxy tells of calls, and, apart so that those do not crowd them out, of servers that go
// down or come back.
[[nodiscard]] std::string call_log_socket(const std::string& directory);
[[nodiscard]] std::string server_log_socket(const std::string& directory);

inline constexpr std::size_t kLogLineBytes = 8192;  // of those two: names may be long

[[nodiscard]] HaproxyFiles haproxy_files(const Layout& layout, const DispatcherOptions& options,
                                         const std::string& directory, int generation);

// Health checks and limits of each server of `servers`; begins with a space.
[[nodiscard]] std::string server_arguments(const DispatcherOptions& options, std::size_t servers);

// Clients at once: as configured, if HAProxy may open enough files for so many beside those
// servers.
[[nodiscard]] int connections_max(const DispatcherOptions& options, std::size_t servers);

// Servers of a layout, in all backends.
[[nodiscard]] std::size_t count_servers(const Layout& layout);

}  // namespace mx2::dispatcher
