// What the data plane is to look like, as values, and the difference between two of those as
// commands of HAProxy's Runtime API (management.txt of HAProxy 2.6, section 9.3). Pure functions.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "dispatcher/destinations.h"

namespace mx2::dispatcher {

inline constexpr int kWeightMax = 256;

struct Server {
  std::string address;
  int weight = 0;             // 0: gets no calls
  bool enabled = true;        // false: nor health checks
  std::string tls_host = {};  // whose certificate it must have; empty: plain HTTP
  bool operator==(const Server&) const = default;
};

// A λ has one backend, and one more if some of its destinations are dispatchers: that without them,
// for calls that come from a dispatcher.
struct Backend {
  std::string path;
  std::map<std::string, Server> servers;
};

struct Layout {
  bool complete = true;  // false: there are λ that we have not been told of yet
  std::string ca_file;   // of trusted certificates; never changes
  std::map<std::string, Backend> backends;
  std::map<std::string, std::string> routes;        // backend, by route_key()
  std::map<std::string, std::string> final_routes;  // the same for calls of other dispatchers
};

// Safe in a name of HAProxy, and different for different appDIds.
[[nodiscard]] std::string backend_name(const std::string& app_d_id, bool final);
// The λ's path segment, as HAProxy makes it of whatever a client sent.
[[nodiscard]] std::string route_key(const std::string& app_d_id);

// Adds a λ. `weights`: as many as it has destinations.
void add_lambda(Layout& layout, const Lambda& lambda, const std::vector<int>& weights);
// Adds one that cannot be configured: who calls it is told so.
void add_set_aside(Layout& layout, const std::string& app_d_id);
inline constexpr const char* kSetAsideBackend = "set-aside";  // of all of them; λ have others
// What a layout has of these λ.
[[nodiscard]] Layout part(const Layout& of, std::span<const std::string> app_d_ids);

// The next `count` of `all` after `last`, round and round.
[[nodiscard]] std::vector<std::string> in_turn(const std::set<std::string>& all,
                                               const std::string& last, std::size_t count);

// How a server is called: over TLS, if it has a tls_host, and never without. Begins with a space.
[[nodiscard]] std::string tls_arguments(const Server& server, const std::string& ca_file);

struct Difference {
  std::vector<std::string> commands;
  std::vector<std::string> leaving;  // servers ("backend/server") to delete when they are idle
  bool reload = false;               // there is more than commands can do
};

// What turns `running` into `wanted`. `server_arguments` follow name and address of a new server;
// `directory` is that of the maps. Backends that are no longer wanted stay, without servers.
[[nodiscard]] Difference difference(const Layout& running, const Layout& wanted,
                                    const std::string& server_arguments,
                                    const std::string& directory);

}  // namespace mx2::dispatcher
