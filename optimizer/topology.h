// What the orchestrator does not know: capacities and tiers of hosts, where UEs are attached, what
// latency lies between, how important apps are. From a YAML file (deploy/example/topology.yaml) and
// the CSV files that it names (topology_csv.h).
//
// A bad entry is left out and told with its place; the rest is used. Latencies that are not given
// follow from the positions, if both are known:
//   base_us + us_per_km × great-circle distance + what the host's tier adds
// A host of the orchestrator that the topology does not place (Placed) is not reached by UEs that
// are attached somewhere in it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "optimizer/model.h"

namespace mx2::optimizer {

struct DistanceModel {
  std::int64_t base_us = 500;
  std::int64_t us_per_km = 20;  // light in fibre takes 5 µs one way; routes are no straight lines
  std::int64_t regional_extra_us = 2000;
  std::int64_t cloud_extra_us = 15'000;
};

// A host of the file; its state, zone, labels and instances are the orchestrator's.
struct TopologyHost : HostTerms {
  std::string parent;
  std::optional<std::int64_t> capacity;
  std::optional<std::int64_t> cores;
  std::optional<std::int64_t> service_us;
  bool operator==(const TopologyHost&) const = default;
};

struct TopologyApp : AppTerms {
  std::string policy;              // empty: the standard one
  bool weight_by_request = false;  // the weight is of one request a second, not of one context
};

// Latencies of a source that computes them all. Rows are matched by the attachment's name, columns
// by the host's; there may be rows and columns of neither.
struct ComputedLatency {
  std::vector<std::string> attachments;
  std::vector<std::string> hosts;
  LatencyMatrix us;
  bool operator==(const ComputedLatency&) const = default;
};

struct Topology {
  std::map<std::string, TopologyHost> hosts;
  std::map<std::string, TopologyApp> apps;
  std::vector<Attachment> attachments;
  // Device, and address as text, -> attachment: what counts instead of `devices` and `prefixes`.
  std::unordered_map<std::string, std::string> moved;
  std::unordered_map<std::string, std::string> moved_addresses;
  std::map<std::string, std::map<std::string, std::int32_t>> latency_us;  // attachment, host
  ComputedLatency computed;           // where latency_us says nothing
  std::vector<std::string> files;     // CSV files that it was read from, besides
  std::vector<std::string> problems;  // one line each, "file:line:column: …"
};

// Never fails: what cannot be used is among the problems.
[[nodiscard]] Topology read_topology(const config::Document& document);

// What the file says and what a live source says; where both say something, the file.
[[nodiscard]] Topology merged(const Topology& file, const Topology& live);

// What the topology names and the orchestrator does not have: hosts, unless a source computes their
// latencies, and apps. One sentence each with a suggestion, at most kUnknownMax.
inline constexpr std::size_t kUnknownMax = 100;
[[nodiscard]] std::vector<std::string> unknown_names(const Topology& topology,
                                                     const Snapshot& snapshot);

// Which hosts a topology places: those that are given a latency, and those of its list, or if a
// source computes all latencies those that it knows. One that says of no host where it is, with a
// latency or a position, places all: its list gives capacities and the like. Refers to the
// topology.
class Placed {
 public:
  explicit Placed(const Topology& topology);
  [[nodiscard]] bool contains(const std::string& host) const {
    return all_ || hosts_.contains(host);
  }

 private:
  std::unordered_set<std::string_view> hosts_;
  bool all_ = false;
};

// Great-circle distance.
[[nodiscard]] double distance_km(const Position& a, const Position& b);
[[nodiscard]] std::int32_t latency_of_distance(const DistanceModel& model, Tier tier, double km);

}  // namespace mx2::optimizer
