#include "api/mec/app_lcm.h"

namespace mx2 {

std::string_view to_text(InstancePhase phase) { return enum_text(phase, kInstancePhases); }
std::string_view to_text(OperationalState state) { return enum_text(state, kOperationalStates); }
std::string_view to_text(AppInstanceState state) { return enum_text(state, kInstanceStates); }
std::string_view to_text(LcmOperation operation) { return enum_text(operation, kLcmOperations); }
std::string_view to_text(OperationState state) { return enum_text(state, kOperationStates); }

AppInstanceState state_of(const AppInstanceInfo& instance) {
  if (!instance.instantiated) return AppInstanceState::kNotInstantiated;
  return instance.operational_state == OperationalState::kStarted ? AppInstanceState::kStarted
                                                                  : AppInstanceState::kStopped;
}

bool is_over(OperationState state) {
  return state == OperationState::kCompleted || state == OperationState::kFailed;
}

}  // namespace mx2
