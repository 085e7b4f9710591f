#include "api/mec/app_lcm.h"

namespace mx2 {

std::string_view to_text(InstancePhase phase) {
  switch (phase) {
    case InstancePhase::kFetching: return "fetching";
    case InstancePhase::kInstalled: return "installed";
    case InstancePhase::kAllocated: return "allocated";
    case InstancePhase::kDeallocated: return "deallocated";
    default: return "absent";
  }
}

std::string_view to_text(OperationalState state) {
  return state == OperationalState::kStarted ? "STARTED" : "STOPPED";
}

std::string_view to_text(AppInstanceState state) {
  switch (state) {
    case AppInstanceState::kStarted: return "STARTED";
    case AppInstanceState::kStopped: return "STOPPED";
    default: return "NOT_INSTANTIATED";
  }
}

std::string_view to_text(LcmOperation operation) {
  switch (operation) {
    case LcmOperation::kOperate: return "OPERATE";
    case LcmOperation::kTerminate: return "TERMINATE";
    default: return "INSTANTIATE";
  }
}

std::string_view to_text(OperationState state) {
  switch (state) {
    case OperationState::kStarting: return "STARTING";
    case OperationState::kProcessing: return "PROCESSING";
    case OperationState::kCompleted: return "COMPLETED";
    case OperationState::kFailedTemp: return "FAILED_TEMP";
    default: return "FAILED";
  }
}

AppInstanceState state_of(const AppInstanceInfo& instance) {
  if (!instance.instantiated) return AppInstanceState::kNotInstantiated;
  return instance.operational_state == OperationalState::kStarted ? AppInstanceState::kStarted
                                                                  : AppInstanceState::kStopped;
}

bool is_over(OperationState state) {
  return state == OperationState::kCompleted || state == OperationState::kFailed;
}

}  // namespace mx2
