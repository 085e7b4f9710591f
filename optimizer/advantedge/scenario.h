// An AdvantEDGE scenario as plain values: what its network emulation is computed from (path.h), and
// what binds its elements to ours (topology_of.h). From a file, or from a sandbox's `GET /active`;
// both are the same document.
//
// Reading never fails. The emulator's own front end exports explicit nulls, and its mobility of
// EDGE nodes duplicates and loses elements, so null is as good as absent, unknown members are
// ignored, and numbers beyond the emulator's own bounds are brought back to them. Of two elements
// with one name the last counts, as in the emulator, which knows elements by name; what is in the
// first is in the last, too. What could not be used as it stands is among the problems, one line
// each with the name of the element.
//
// Elements hold the index of what they are in: process -> node -> location -> zone -> domain.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/mx2/types.h"
#include "optimizer/model.h"

namespace mx2::optimizer::advantedge {

// What comes beyond is left out, and told once.
inline constexpr std::size_t kDomainsMax = 1000;
inline constexpr std::size_t kZonesMax = 10'000;
inline constexpr std::size_t kLocationsMax = 20'000;
inline constexpr std::size_t kNodesMax = 200'000;
inline constexpr std::size_t kProcessesMax = 400'000;
inline constexpr std::size_t kProblemsMax = 200;
inline constexpr std::size_t kNameBytesMax = 256;
inline constexpr std::size_t kUserMetaMax = 32;           // of one element
inline constexpr std::size_t kUserMetaBytesMax = 1024;    // of one value
inline constexpr std::size_t kSessionsOfUeMax = 16;       // PDU sessions of one UE
inline constexpr std::size_t kFileBytesMax = 64U << 20U;  // JSON; YAML has a bound of its own

// One crossing of an element, one way.
struct NetChar {
  double latency_ms = 0;    // 0 to 250 000
  double jitter_ms = 0;     // likewise
  double loss_percent = 0;  // 0 to 100
  double throughput_dl_mbps = 1000;
  double throughput_ul_mbps = 1000;
  bool operator==(const NetChar&) const = default;
};

enum class NodeType : std::uint8_t { kUe, kFog, kEdge, kDc };
enum class Connectivity : std::uint8_t { kOpen, kPdu };

struct Domain {
  std::string name;
  NetChar net;
};

struct Zone {
  std::string name;
  Index domain = 0;
  bool is_common = false;
  NetChar net;
};

// A network location: a point of access, or a zone's default place for EDGE and DC nodes.
struct Location {
  std::string name;
  Index zone = 0;
  bool is_default = false;
  NetChar net;
  std::optional<Position> position;
};

// A physical location.
struct Node {
  std::string name;
  NodeType type = NodeType::kUe;
  Index location = 0;
  bool connected = false;  // as in the emulator: not unless it says so
  NetChar net;
  std::optional<Position> position;
  std::string dnn;    // of a host: its data network
  bool ladn = false;  // which is a local one: reached from the host's own zone only
  std::map<std::string, std::string> user_meta;
  std::vector<Index> processes;

  [[nodiscard]] bool is_host() const { return type != NodeType::kUe; }
};

struct Process {
  std::string name;
  Index node = 0;
  NetChar net;
};

// UE's name -> data networks that it has a session to.
using PduSessions = std::unordered_map<std::string, std::set<std::string>>;

struct Scenario {
  std::string name;
  std::string version;  // empty: not said
  NetChar net;          // of the deployment: between domains
  Connectivity connectivity = Connectivity::kOpen;
  bool disable_d2d_via_network = false;
  std::vector<Domain> domains;
  std::vector<Zone> zones;
  std::vector<Location> locations;
  std::vector<Node> nodes;
  std::vector<Process> processes;
  // By name.
  std::unordered_map<std::string, Index> domain_index;
  std::unordered_map<std::string, Index> zone_index;
  std::unordered_map<std::string, Index> location_index;
  std::unordered_map<std::string, Index> node_index;
  std::unordered_map<std::string, Index> process_index;
  // Not part of the document: `GET /connectivity/pdu-session` tells them, read_pdu_sessions()
  // reads.
  PduSessions pdu_sessions;
  std::vector<std::string> problems;  // at most kProblemsMax
};

[[nodiscard]] Scenario read_scenario(const json::Value& document);

// `{"sessions":[{"ue","id","info":{"dnn"}}]}`. What is malformed is left out and told.
[[nodiscard]] PduSessions read_pdu_sessions(const json::Value& document,
                                            std::vector<std::string>& problems);

// YAML or JSON. An error, with its place, only if there is no document in the file at all.
[[nodiscard]] Result<Scenario> read_scenario_file(const std::string& path);

// kNone when there is none of the name.
[[nodiscard]] Index find(const std::unordered_map<std::string, Index>& index,
                         const std::string& name);

}  // namespace mx2::optimizer::advantedge
