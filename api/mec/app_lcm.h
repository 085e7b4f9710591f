// Life-cycle management of app instances: the data types of ETSI GS MEC 010-2 V2.1.1 (clause 6.2.2)
// as the MEO and the MEPM exchange them on Mm3, with what V3.1.1 adds and both use: FAILED_TEMP
// with cancel, fail and retry, communicationInterface, the state in notifications. Plain values;
// times are milliseconds since 1970.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/base/text.h"

namespace mx2 {

// The key of our hosts in a MECHostInformation.hostId, which is a list of key-value pairs.
inline constexpr const char* kMecHostIdKey = "hostId";

// Request header: see CreateAppInstanceRequest.
inline constexpr const char* kIdempotencyKeyHeader = "Idempotency-Key";

// How far the package and the resources of an instance are on its host.
enum class InstancePhase : std::uint8_t {
  kAbsent,
  kFetching,
  kInstalled,    // the package is there
  kAllocated,    // the instance has resources: it starts, runs or is stopped
  kDeallocated,  // terminated; the package may still be there
};

enum class OperationalState : std::uint8_t { kStarted, kStopped };

// What a subscription to instances is told of.
enum class AppInstanceState : std::uint8_t { kNotInstantiated, kStarted, kStopped };

enum class LcmOperation : std::uint8_t { kInstantiate, kOperate, kTerminate };

enum class OperationState : std::uint8_t {
  kStarting,
  kProcessing,
  kCompleted,
  kFailed,
  kFailedTemp,  // may be retried, or ended as failed
};

// `mx2` of an AppInstanceInfo: ours, for measurement and display. Durations are those of the last
// instantiation; none: that step was not needed, or is not over.
struct AppInstanceStatus {
  InstancePhase phase = InstancePhase::kAbsent;
  std::optional<std::int64_t> fetch_ms;    // the package came from the MEO
  std::optional<std::int64_t> install_ms;  // it was verified and unpacked
  std::optional<std::int64_t> start_ms;    // resources were found, the executable was started
  std::optional<std::int64_t> ready_ms;    // from there until it said, or showed, that it is ready
  std::int64_t restarts = 0;               // since it was instantiated
  std::string last_error;
  // What it was created with; empty: nothing; none: a MEPM that does not tell.
  std::optional<std::string> idempotency_key;
};

struct InstanceAddress {
  std::string host;
  std::uint16_t port = 0;
};

// AppInstanceInfo, clause 6.2.2.4.
struct AppInstanceInfo {
  std::string id;
  std::string app_instance_name;
  std::string app_instance_description;
  std::string app_d_id;
  std::string app_provider;
  std::string app_name;
  std::string app_soft_version;
  std::string app_d_version;
  std::string app_pkg_id;
  bool instantiated = false;
  OperationalState operational_state = OperationalState::kStopped;  // if instantiated; started:
                                                                    // and ready
  std::vector<InstanceAddress> ip_addresses;  // communicationInterface: where it serves
  AppInstanceStatus status;
};

struct CreateAppInstanceRequest {
  std::string app_d_id;
  std::string app_instance_name;  // for people: need not be unique
  std::string app_instance_description;
  // Header of the same name, IETF draft-ietf-httpapi-idempotency-key-header: creating again with
  // the same gives the same instance. Empty: each time another.
  std::string idempotency_key;
};

// InstantiateAppRequest, clause 6.2.2.7. What else ETSI allows there is ignored.
struct InstantiateAppRequest {
  struct Host {
    std::map<std::string, std::string> host_id;
    std::string host_name;
  };
  std::vector<Host> selected_mec_hosts;  // at least one

  [[nodiscard]] static InstantiateAppRequest on(std::string host_id) {
    return {{{{{kMecHostIdKey, std::move(host_id)}}, {}}}};
  }
};

struct TerminateAppRequest {
  bool graceful = true;
  std::optional<std::int64_t> graceful_timeout_s;
};

struct OperateAppRequest {
  OperationalState change_state_to = OperationalState::kStarted;
  bool graceful = false;
  std::optional<std::int64_t> graceful_timeout_s;
};

struct CancelRequest {
  bool graceful = true;
};

// AppInstanceLcmOpOcc, clause 6.2.2.13.
struct AppLcmOpOcc {
  std::string id;
  std::string app_instance_id;
  LcmOperation operation = LcmOperation::kInstantiate;
  OperationState state = OperationState::kStarting;
  std::int64_t state_entered_ms = 0;
  std::int64_t start_ms = 0;
  // Ours, `error` as in ETSI NFV: why it failed.
  std::string error_cause;  // slug, e.g. "not-ready"
  std::string error_detail;
};

// A subscription to the one or the other. Empty lists match everything.
struct LcmSubscription {
  enum class Kind : std::uint8_t { kInstances, kOperations };
  Kind kind = Kind::kInstances;
  std::string type_text;  // as the subscriber spells it, which is how it is answered
  std::string id;
  std::string callback_uri;
  std::vector<AppInstanceState> instance_states;  // kInstances
  std::vector<LcmOperation> operations;           // kOperations
  std::vector<OperationState> operation_states;   // kOperations
  // Of appInstanceSubscriptionFilter.
  std::vector<std::string> app_instance_ids;
  std::vector<std::string> app_names;
  std::vector<std::string> app_d_ids;
  std::vector<std::string> app_providers;
};

struct AppInstNotification {
  std::string id;
  std::string subscription_id;
  std::int64_t time_ms = 0;
  std::string app_instance_id;
  std::string app_pkg_id;
  std::string app_d_id;
  AppInstanceState state = AppInstanceState::kNotInstantiated;
};

struct AppLcmOpOccNotification {
  std::string id;
  std::string subscription_id;
  std::int64_t time_ms = 0;
  std::string app_lcm_op_occ_id;
  std::string app_instance_id;
  LcmOperation operation = LcmOperation::kInstantiate;
  OperationState state = OperationState::kStarting;
};

using LcmNotification = std::variant<AppInstNotification, AppLcmOpOccNotification>;

inline constexpr EnumTexts<5> kInstancePhases{"absent", "fetching", "installed", "allocated",
                                              "deallocated"};
inline constexpr EnumTexts<2> kOperationalStates{"STARTED", "STOPPED"};
inline constexpr EnumTexts<3> kInstanceStates{"NOT_INSTANTIATED", "STARTED", "STOPPED"};
inline constexpr EnumTexts<3> kLcmOperations{"INSTANTIATE", "OPERATE", "TERMINATE"};
inline constexpr EnumTexts<5> kOperationStates{"STARTING", "PROCESSING", "COMPLETED", "FAILED",
                                               "FAILED_TEMP"};

[[nodiscard]] inline std::string_view to_text(InstancePhase phase) {
  return enum_text(phase, kInstancePhases);
}
[[nodiscard]] inline std::string_view to_text(OperationalState state) {
  return enum_text(state, kOperationalStates);
}
[[nodiscard]] inline std::string_view to_text(AppInstanceState state) {
  return enum_text(state, kInstanceStates);
}
[[nodiscard]] inline std::string_view to_text(LcmOperation operation) {
  return enum_text(operation, kLcmOperations);
}
[[nodiscard]] inline std::string_view to_text(OperationState state) {
  return enum_text(state, kOperationStates);
}

[[nodiscard]] inline AppInstanceState state_of(const AppInstanceInfo& instance) {
  if (!instance.instantiated) return AppInstanceState::kNotInstantiated;
  return instance.operational_state == OperationalState::kStarted ? AppInstanceState::kStarted
                                                                  : AppInstanceState::kStopped;
}
// Completed or failed for good.
[[nodiscard]] inline bool is_over(OperationState state) {
  return state == OperationState::kCompleted || state == OperationState::kFailed;
}

}  // namespace mx2
