// Which λ there are, and where their calls may go: pure functions of what the orchestrator holds.
//
// A destination is an app instance on a MEC host, known by address and port. Tiers follow rule S4
// of A3-E and Serverledge (local zone, then neighbours, then cloud):
//   local      on our host, in its zone, or anywhere at the edge when we know neither
//   neighbour  elsewhere at the edge
//   cloud      on a host with the cloud's label
//
// Source of the words: ServerlessOnEdge; its forwarding tables #0 (overall) and #1 (final).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operator/types.h"
#include "dispatcher/options.h"

namespace mx2::dispatcher {

enum class Tier : std::uint8_t { kLocal, kNeighbour, kCloud };
inline constexpr EnumTexts<3> kTierTexts{"local", "neighbour", "cloud"};
[[nodiscard]] std::string_view to_text(Tier tier);

enum class Admin : std::uint8_t {
  kReady,
  kDraining,  // gets calls only while nobody else can take them
  kDown,      // gets none
};
[[nodiscard]] std::string_view to_text(Admin admin);

struct Destination {
  std::string name;     // of the data plane's server: address and port, the same in every life
  std::string address;  // as the data plane takes it: "10.0.1.10:9000"
  std::string host_id;
  std::string reference_uri;
  Tier tier = Tier::kLocal;
  Admin admin = Admin::kReady;
  int latency_ms = 0;  // as configured; 0: nothing was
  bool final = true;   // false: another dispatcher, who forwards
  // Whose certificate it must have, also in the name; empty: plain HTTP.
  std::string tls_host;
  bool operator==(const Destination&) const = default;
};

struct Lambda {
  std::string app_d_id;
  std::string path;  // that all its destinations have before the caller's; empty or "/…"
  std::vector<Destination> destinations;
  std::vector<std::string> problems;  // destinations that cannot be used, and why
  bool operator==(const Lambda&) const = default;

  [[nodiscard]] bool has_other_dispatchers() const;
};

// scheme://host[:port][/path] of a referenceURI; none for what cannot be proxied to. With https the
// host has a name: HAProxy checks certificates by names alone.
struct ReferenceUri {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string path;  // without '/' at its end
};
[[nodiscard]] Result<ReferenceUri> parse_reference_uri(std::string_view uri);

// Whether HAProxy takes it for the address of a server, and calls that: an IP address in text,
// without a zone ("fe80::1%eth0" is of one machine alone) and not the unspecified one, which would
// lead back to us.
[[nodiscard]] bool is_callable(const std::string& address);

// What is known of the world outside.
struct World {
  std::map<std::string, Host> hosts;
  std::map<std::string, bool> apps;              // appDId: enabled
  std::map<std::string, std::string> addresses;  // of host names, as they were resolved
};

// What the options name and the world does not have, a sentence each with a suggestion: apps to
// serve, and hosts with a latency.
[[nodiscard]] std::vector<std::string> unknown_names(const World& world,
                                                     const DispatcherOptions& options);

// Host names in the world's referenceURIs, for somebody to resolve.
[[nodiscard]] std::vector<std::string> names_to_resolve(const World& world);

// By appDId.
using Lambdas = std::map<std::string, Lambda>;
[[nodiscard]] Lambdas find_lambdas(const World& world, const DispatcherOptions& options);

}  // namespace mx2::dispatcher
