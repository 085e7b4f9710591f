// What operators and the Optimizer see and change: hosts, applications, and the table
// (UE, λ) -> MEC host of Cicconetti et al., IEEE Communications Magazine 2020. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/ip.h"
#include "api/base/result.h"
#include "api/base/text.h"
#include "api/mx2/types.h"

namespace mx2 {

// One running λ on a MEC host.
struct AppInstance {
  std::string app_d_id;
  std::string app_instance_id;  // given by the orchestrator when empty
  std::string reference_uri;
  bool managed = false;  // started by life-cycle management; operators put the others
  bool operator==(const AppInstance&) const = default;
};

enum class HostState : std::uint8_t {
  kUp,
  kCordoned,  // keeps what it has, takes no new contexts
  kDraining,  // the same, and the Optimizer takes away what it has
  kDown,      // nothing is sent there
};

// What a host says of one λ it runs.
struct AppLoad {
  std::string app_d_id;
  std::optional<std::int64_t> instances;  // warm ones
  std::optional<std::int64_t> in_flight;  // requests
  std::optional<double> request_rate;     // requests a second
  std::optional<double> p50_ms;           // service time of a request
  std::optional<double> p95_ms;
};

// What a host says of itself. Nothing of it is stored: after a restart it is unknown.
struct HostLoad {
  std::optional<double> cpu;     // share in use, 0 to 1
  std::optional<double> memory;  // likewise
  std::optional<std::int64_t> in_flight;
  std::optional<double> request_rate;
  std::vector<AppLoad> apps;
  std::map<std::string, double> latency_ms;  // measured round trip, by name of the attachment
  std::int64_t reported_ms = 0;              // when the orchestrator received it: the date
  std::int64_t received_ms = 0;              // the same by its steady clock, for ages
  std::int64_t age_ms = 0;                   // how long ago that was, when it was answered
};

// A load with who reports it.
struct HostReport {
  HostLoad load;
  std::string mepm_key;  // as in a HostRegistration
};

struct Host {
  std::string id;
  std::string name;
  std::string zone;
  HostState state = HostState::kUp;
  std::map<std::string, std::string> labels;
  std::vector<LocationConstraints> service_area;  // empty: matches no location constraint
  std::vector<AppInstance> instances;             // several may be of one app
  std::string mepm_uri;       // apiRoot of its MEPM, which starts and stops λ there; empty: none
  std::string mepm_key;       // by which that MEPM is known again; empty: it has given none
  std::int64_t lease_ms = 0;  // it must report its load at least this often; 0: it need not
  std::string probe_uri;      // answers GET with 2xx while the host is well; empty: not asked

  // Status, never stored. Not reachable (lease or probe failed) is as good as down.
  bool reachable = true;
  std::optional<HostLoad> load;
  std::vector<std::string> unable;  // appDIds whose λ could not be started there lately

  [[nodiscard]] bool is_down() const { return state == HostState::kDown || !reachable; }
};

// What a MEPM says of its host when it begins to serve it.
struct HostRegistration {
  std::string id;
  std::string mepm_uri;
  std::string mepm_key;  // the same for all its lives, and of no other MEPM; empty: it has none
  std::int64_t lease_ms = 0;
  std::string name;  // this and what follows: as far as the operator has said nothing
  std::string zone;
  std::map<std::string, std::string> labels;
};

// What a change of the table means for contexts that exist.
enum class Strategy : std::uint8_t {
  kBaseline,      // nothing: they keep their endpoint
  kNotification,  // they move, and their device applications are told
  kMultiple,      // the same with several endpoints, in order of preference, for clients that probe
  kDispatching,   // they call a dispatcher near them, and follow that one; it knows the hosts
};

// A user application (λ) in the catalogue.
struct App {
  AppInfo info;
  std::optional<Strategy> strategy;  // none: the deployment's
  bool enabled = true;  // false: internal, as dispatchers always are: not listed, no new contexts
  std::vector<std::string> subjects;  // who may see and use it (token subjects); empty: everybody
};

// Left-hand side of a row: whose requests it is for.
struct UeSelector {
  enum class Kind : std::uint8_t { kAny, kIp, kDevApp };  // in order of precedence, least first
  Kind kind = Kind::kAny;
  std::string dev_app_id;  // kDevApp
  IpPrefix prefix;         // kIp

  // "dev:<associateDevAppId>", "ip:<address>[/<prefix>]" or "*".
  [[nodiscard]] static Result<UeSelector> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

// Right-hand side of a row: "host:<id>" (that host's instance of the app) or "endpoint:<address>".
struct Target {
  enum class Kind : std::uint8_t { kHost, kEndpoint };
  Kind kind = Kind::kHost;
  std::string value;

  [[nodiscard]] static Result<Target> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  bool operator==(const Target&) const = default;
};

enum class Writer : std::uint8_t {
  kOperator,  // a pin: the Optimizer never changes it
  kOptimizer,
};

// A row of the table.
struct Association {
  UeSelector ue;
  std::string app_d_id;
  std::vector<Target> targets;  // in order of preference, at least one
  Writer writer = Writer::kOperator;
  std::string reason;         // free text of whoever wrote it
  std::uint64_t version = 0;  // table version that wrote it
  std::int64_t updated_ms = 0;
};

// One line of a PATCH: put a row, or remove it.
struct TableChange {
  Association row;
  bool remove = false;
};

// One version of the table: what made it out of the version before.
struct TableVersion {
  enum class Kind : std::uint8_t { kPatch, kPlan, kRollback };
  std::uint64_t version = 0;
  Kind kind = Kind::kPatch;
  std::string summary;   // of whoever made it
  std::size_t rows = 0;  // put or removed
  std::int64_t created_ms = 0;
  bool finished = true;  // false: some of its rows are still to come
  std::string by = {};   // who, as far as that is known: "operator ada@ops from 192.0.2.7"
};

// A row that is not the same in two versions of the table; nothing: it is not there.
struct TableDifference {
  UeSelector ue;
  std::string app_d_id;
  std::optional<Association> before;
  std::optional<Association> after;
};

// What one attempt at a target led to; the rows of an explanation.
struct Explanation {
  struct Step {
    std::string ue;  // the row's selector; "location" for the search that no row decided
    std::string target;
    std::string verdict;  // "chosen", or why not
  };
  std::string app_d_id;
  std::string dev_app_id;
  std::string ip;
  std::uint64_t table_version = 0;
  std::vector<Step> steps;
  bool found = false;
  std::string host_id;  // empty for a literal endpoint
  std::string app_instance_id;
  std::string reference_uri;
};

// A context as operators see it.
struct ContextSummary {
  std::string context_id;
  std::string app_d_id;
  std::string dev_app_id;
  std::string client_ip;
  std::string host_id;
  std::string reference_uri;
  std::string ue;  // selector of the row that decided
  std::int64_t created_ms = 0;
  bool has_callback = false;
  std::optional<LocationConstraints> app_location;  // of the first instance, as asked for
};

// What a plan needs to know of a context.
struct ContextPlace {
  std::string context_id;
  std::string app_d_id;
  std::string dev_app_id;
  std::string client_ip;
  std::string host_id;                                      // empty: at a literal endpoint, or none
  std::shared_ptr<const LocationConstraints> app_location;  // of the first instance; null: none
};

// A notification that is owed, as operators see it.
struct OutboxItem {
  std::string context_id;
  std::string type;  // notificationType
  std::string callback_reference;
  std::uint32_t attempts = 0;
  std::int64_t written_ms = 0;
  std::int64_t due_ms = 0;  // not sent before
  bool dead = false;        // given up
  std::string last_error;
};

// A page of a list. `next` is the cursor of the following page; empty on the last one.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;
};

// The outbox in numbers, and a page of its entries.
struct OutboxPage {
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;
  std::optional<std::int64_t> oldest_ms;  // when the oldest pending entry was written
  std::string last_error;                 // of the entry tried last
  Page<OutboxItem> page;
};

inline constexpr EnumTexts<4> kHostStates{"up", "cordoned", "draining", "down"};
inline constexpr EnumTexts<4> kStrategies{"baseline", "notification", "multiple", "dispatching"};
inline constexpr EnumTexts<2> kWriters{"operator", "optimizer"};
inline constexpr EnumTexts<3> kTableVersionKinds{"patch", "plan", "rollback"};

[[nodiscard]] std::string_view to_text(HostState state);
[[nodiscard]] std::string_view to_text(Strategy strategy);
[[nodiscard]] std::string_view to_text(Writer writer);
[[nodiscard]] std::string_view to_text(TableVersion::Kind kind);

}  // namespace mx2
