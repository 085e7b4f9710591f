// What the MEPM remembers of an instance and of an operation on it, and how it is written down.
#pragma once

#include <string>

#include "api/json/json.h"
#include "api/mec/app_lcm.h"

namespace mx2::mepm {

// Where an instance is on its way. `AppInstanceInfo` is what of it the standard shows.
enum class Step : std::uint8_t {
  kIdle,      // not instantiated
  kFetching,  // its package comes
  kStarting,
  kRunning,
  kDown,       // between two lives; the back end is bringing it back
  kNotifying,  // it was told of its end and may answer
  kStopping,   // the back end is stopping it; the operation says what for
  kStopped,    // instantiated, but stopped on demand
};

struct InstanceRecord {
  AppInstanceInfo info;
  std::string digest;  // of the package it was created for
  Step step = Step::kIdle;
  std::string operation_id;      // in progress, or failed for the time being
  std::int64_t deadline_ms = 0;  // kNotifying: steady; not written down, as it ends with our life
};

struct OperationRecord {
  AppLcmOpOcc occurrence;
  // Of terminate and operate.
  bool graceful = true;
  std::int64_t grace_ms = 0;
  OperationalState target = OperationalState::kStarted;
  bool cancelled = false;
  std::int64_t number = 0;  // in the order in which they began, whatever the date was
};

[[nodiscard]] json::Value to_json(const InstanceRecord& record);
[[nodiscard]] json::Value to_json(const OperationRecord& record);
[[nodiscard]] Result<InstanceRecord> read_instance_record(const json::Value& document);
[[nodiscard]] Result<OperationRecord> read_operation_record(const json::Value& document);

}  // namespace mx2::mepm
