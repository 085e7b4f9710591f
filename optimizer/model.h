// What a placement is decided on: plain values, indexes instead of names where there are many.
//
// Times are microseconds, loads are load units (one context of an app weighs AppModel::weight of
// them). All costs are in one unit, so that they can be added: a microsecond of one request's
// response time, times the utility of the app (evaluation.h has the sum that is minimised).
// Source of the load model: processor sharing, S_eq = S·min(C, R)/R (Cicconetti et al., the
// simulated computer of their prototype); see congestion.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/base/ip.h"
#include "api/operator/types.h"

namespace mx2::optimizer {

using Index = std::uint32_t;
__extension__ using Wide = __int128;  // for sums and products of costs that 64 bits may not hold
inline constexpr Index kNone = std::numeric_limits<Index>::max();

enum class Tier : std::uint8_t { kEdge, kRegional, kCloud };

using HostStatus = HostState;  // down: also what does not answer

// Of a host, as a topology says it.
struct HostTerms {
  Tier tier = Tier::kEdge;
  std::optional<Position> position;
  std::int64_t memory_mb = 0;       // 0: not known, as good as enough
  std::int64_t bandwidth_kbps = 0;  // likewise
  bool operator==(const HostTerms&) const = default;
};

struct HostModel : HostTerms {
  std::string id;
  std::string zone;
  Index parent = kNone;
  std::map<std::string, std::string> labels;
  HostStatus status = HostStatus::kUp;
  bool has_place = true;            // in the topology; nobody who is in it reaches one without
  std::int64_t capacity = 0;        // load units for our contexts; 0: takes nothing
  std::int64_t background = 0;      // load units in use besides, as measured; comes first
  bool takes_from_above = true;     // false: nobody comes down to it (stability.low_percent)
  std::int64_t ready_capacity = 0;  // of them, for everybody; the rest only without alternative,
  std::int64_t not_ready_us = 1'000'000;  // as each unit of it costs so much more
  std::int64_t units_max = std::numeric_limits<std::int64_t>::max();  // of it; for trials
  std::int64_t up_since_ms = 0;                                       // 0: long ago
  std::int64_t cores = 1;
  std::int64_t service_us = 1000;  // mean service time of one load unit when idle
  bool memory_full = false;        // measured: takes nothing new
};

// Serverledge's quality-of-service class, with a whole number as utility.
struct QosClass {
  std::string name = "standard";
  std::int64_t utility = 1;          // 1 to 1000: multiplies every cost of a context
  std::int64_t response_us_max = 0;  // 0: none; latency, waiting and service time together
  std::int64_t served_percent_min = 0;
};

// Of an app, as a topology says it.
struct AppTerms {
  std::int64_t required_latency_us = 0;  // 0: none
  std::int64_t weight = 1;               // load units of one context, at least 1
  QosClass qos;
  std::map<std::string, std::string> labels;  // a host must have all of them
  std::vector<std::string> zones;             // allowed zones; empty: all
  std::vector<Tier> tiers;                    // allowed tiers; empty: all
};

struct AppModel : AppTerms {
  std::string id;
  std::int64_t request_weight = 0;  // load units for each request a second; 0: not reckoned with
  std::int64_t memory_mb = 0;       // that a host must have; 0: any
  std::int64_t bandwidth_kbps = 0;  // likewise
  // By host; empty: all.
  std::vector<bool> instances;  // has an instance, or one can be started there
  std::vector<bool> running;    // has one
  std::vector<bool> in_area;    // in the app's locations
  Index default_host = kNone;   // what the row for everybody ("*") leads to
};

// Where UEs are attached to the network.
struct Attachment {
  std::string name;
  std::optional<Position> position;
  std::vector<IpPrefix> prefixes;
  std::vector<std::string> devices;  // associateDevAppId
  bool connected = true;  // false: nobody there can be reached; who is there stays where it is
};

// Attachment × host, in µs.
class LatencyMatrix {
 public:
  static constexpr std::int32_t kUnknown = -1;      // never measured, or too long ago
  static constexpr std::int32_t kUnreachable = -2;  // known not to be reachable

  LatencyMatrix() = default;
  LatencyMatrix(std::size_t attachments, std::size_t hosts)
      : hosts_(hosts), values_(attachments * hosts, kUnknown) {}

  // kUnknown for the attachment kNone.
  [[nodiscard]] std::int32_t at(Index attachment, Index host) const {
    return attachment == kNone ? kUnknown : values_[attachment * hosts_ + host];
  }
  void set(Index attachment, Index host, std::int32_t us) {
    values_[attachment * hosts_ + host] = us;
  }
  bool operator==(const LatencyMatrix&) const = default;
  [[nodiscard]] std::size_t attachments() const {
    return hosts_ == 0 ? 0 : values_.size() / hosts_;
  }
  // The longest that is known; kUnknown or kUnreachable when none is.
  [[nodiscard]] std::int32_t longest() const {
    return std::accumulate(values_.begin(), values_.end(), kUnreachable,
                           [](std::int32_t a, std::int32_t b) { return std::max(a, b); });
  }

 private:
  std::size_t hosts_ = 0;
  std::vector<std::int32_t> values_;
};

// What decides where somebody may be served, and what for.
struct Demand {
  Index app = 0;
  Index attachment = kNone;
  Index area = kNone;  // in Snapshot::areas; kNone: anywhere
  bool operator==(const Demand&) const = default;
};

// The contexts of one UE and one app: they share a row of the table, so they move together.
//
// Those of strategy baseline do not follow their row. They are several groups, one after another:
// first their row, which has no contexts but is planned for those to come (newcomers.h), then those
// that are at each host, which stay.
struct Group : Demand {
  Index host = kNone;  // where they are, or their row leads; kNone: nowhere yet
  std::uint32_t contexts = 1;
  bool fixed = false;         // must not move: an operator's pin, or cannot
  bool resting = false;       // moved too recently: moves only if somebody is refused otherwise
  std::int64_t moved_ms = 0;  // 0: long ago
  std::uint32_t to_come = 0;  // contexts that the row of a baseline UE is planned for; it is fixed
  bool follows = true;        // false: keeps its host whatever its row says

  // Neither it nor its row is planned.
  [[nodiscard]] bool is_pinned() const { return fixed && to_come == 0; }
};

// What things cost beside latency and congestion, in µs for each request; times the utility.
struct CostModel {
  std::int64_t migration_us = 2000;             // for everybody who moves
  std::int64_t unknown_latency_us = 50'000;     // assumed where the latency is not known
  std::int64_t late_us = 100'000;               // for exceeding the app's or QoS class's limit
  std::int64_t unserved_us = 10'000'000;        // for having no host
  std::int64_t below_minimum_us = 100'000'000;  // the same, below the minimum served fraction
  std::int64_t off_tree_us = 2000;  // at a regional host or cloud that is not above the home host
  bool operator==(const CostModel&) const = default;
};

// What a group that may stay where it is gives up by leaving (stability.h). Nothing by default.
struct Hysteresis {
  std::int64_t gain_us_min = 0;          // µs for each request, times the utility
  std::int64_t gain_percent_min = 0;     // if more: percent of what a context costs where it is
  std::int64_t rest_us = 0;              // besides, while it rests; no utility multiplies it
  std::vector<std::int64_t> waiting_us;  // by host: of a load unit there, as it is now
  bool operator==(const Hysteresis&) const = default;
};

// All but who is served.
struct Landscape {
  std::vector<HostModel> hosts;  // by id, ascending
  std::vector<AppModel> apps;    // by id, ascending
  std::vector<Attachment> attachments;
  // Of attachments, by name; null: there is none. The first where several have a name.
  std::shared_ptr<const std::unordered_map<std::string, Index>> attachment_index;
  LatencyMatrix latency;
  std::vector<std::vector<bool>> areas;  // by host: serves the location that somebody asks for
  std::vector<bool> off_tree;            // attachment × host; empty: nobody is
  CostModel cost;
  Hysteresis hysteresis;
  std::vector<std::int64_t> waiting_us;  // by host: taken for a request's waiting; empty: none
};

struct Snapshot : Landscape {
  std::vector<Group> groups;                           // by app, then UE
  std::shared_ptr<const std::vector<std::string>> ue;  // of each group, e.g. "dev:car-7"
};

// The answer of a policy: a host for each group, kNone where there is none (unserved).
struct Placement {
  std::vector<Index> host_of_group;
  std::string degraded = {};  // why it is not what the policy should answer; empty: it is
};

// Is the host a regional one or a cloud to which overflow of the attachment's home is not expected
// to go?
[[nodiscard]] inline bool is_off_tree(const Snapshot& snapshot, Index attachment, Index host) {
  return attachment != kNone && !snapshot.off_tree.empty() &&
         snapshot.off_tree[attachment * snapshot.hosts.size() + host];
}

[[nodiscard]] inline bool is_connected(const Snapshot& snapshot, Index attachment) {
  return attachment >= snapshot.attachments.size() || snapshot.attachments[attachment].connected;
}

// Load units of a group.
[[nodiscard]] inline std::int64_t load_of(const Snapshot& snapshot, const Group& group) {
  return snapshot.apps[group.app].weight * group.contexts;
}

inline constexpr EnumTexts<3> kTiers{"edge", "regional", "cloud"};
[[nodiscard]] std::string_view to_text(Tier tier);

}  // namespace mx2::optimizer
