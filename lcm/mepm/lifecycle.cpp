// What requests do.
#include "lcm/mepm/lifecycle.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/base/units.h"

namespace mx2::mepm {
namespace {

Error wrong_state(const AppInstanceInfo& info, const char* what) {
  return conflict("instance " + info.id + " is " + what);
}

std::int64_t grace_ms(bool graceful, const std::optional<std::int64_t>& asked_s,
                      const LifecycleOptions& options) {
  if (!graceful) return 0;
  return asked_s ? std::min(*asked_s * whole::kMsPerSecond, options.grace_ms_max)
                 : options.grace_ms_max;
}

}  // namespace

Lifecycle::Lifecycle(Needs needs, LifecycleOptions options)
    : needs_(std::move(needs)), options_(options) {}

Result<std::optional<AppInstanceInfo>> Lifecycle::find(
    const CreateAppInstanceRequest& request) const {
  const std::lock_guard lock(mutex_);
  return known(request);
}

Result<std::optional<AppInstanceInfo>> Lifecycle::known(
    const CreateAppInstanceRequest& request) const {
  if (request.idempotency_key.empty()) return std::optional<AppInstanceInfo>();
  for (const auto& [id, record] : instances_) {
    if (record.info.status.idempotency_key != request.idempotency_key) continue;
    if (record.info.app_d_id == request.app_d_id) return std::optional(record.info);
    return conflict("this Idempotency-Key was used for another application");
  }
  return std::optional<AppInstanceInfo>();
}

Result<AppInstanceInfo> Lifecycle::create(const CreateAppInstanceRequest& request,
                                          const PackageInfo& package) {
  const std::lock_guard lock(mutex_);
  const auto there = known(request);
  if (!there) return there.error();
  if (*there) return **there;
  if (instances_.size() >= options_.instances_max) {
    return unavailable("this host has as many instances as it may have (" +
                       std::to_string(options_.instances_max) + ")");
  }
  InstanceRecord record;
  auto& info = record.info;
  info.id = needs_.ids.next();
  info.app_instance_name = request.app_instance_name;
  info.app_instance_description = request.app_instance_description;
  info.app_d_id = request.app_d_id;
  info.app_provider = package.app_provider;
  info.app_name = package.app_name;
  info.app_soft_version = package.app_soft_version;
  info.app_d_version = package.app_d_version;
  info.app_pkg_id = package.id;
  if (!request.idempotency_key.empty()) info.status.idempotency_key = request.idempotency_key;
  record.digest = package.digest;
  if (needs_.packages.state(record.digest).kind == PackageState::Kind::kInstalled) {
    info.status.phase = InstancePhase::kInstalled;
  }
  if (auto saved = needs_.state.put("app_instances", info.id, to_json(record)); !saved) {
    return saved.error();
  }
  return instances_.emplace(info.id, std::move(record)).first->second.info;
}

Result<void> Lifecycle::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_instance(id);
  if (!found) return found.error();
  auto& record = **found;
  if (record.info.instantiated) return wrong_state(record.info, "instantiated; terminate it first");
  if (!record.operation_id.empty()) finish(record, OperationState::kFailed);
  needs_.announcer.instance_gone(id);
  needs_.state.remove("app_instances", id);
  instances_.erase(id);
  return {};
}

// An instance that no operation is working on.
Result<InstanceRecord*> Lifecycle::idle_instance(const std::string& id) {
  const auto it = instances_.find(id);
  if (it == instances_.end()) return not_found("no app instance " + id);
  auto& record = it->second;
  const auto operation = operations_.find(record.operation_id);
  if (operation != operations_.end() &&
      operation->second.occurrence.state != OperationState::kFailedTemp) {
    return wrong_state(record.info, "busy with another operation");
  }
  return &record;
}

Result<OperationRecord*> Lifecycle::find_operation(const std::string& id) {
  const auto it = operations_.find(id);
  if (it == operations_.end()) return not_found("no operation occurrence " + id);
  return &it->second;
}

OperationRecord& Lifecycle::begin(InstanceRecord& instance, OperationRecord operation) {
  if (!instance.operation_id.empty()) finish(instance, OperationState::kFailed);
  auto& occurrence = operation.occurrence;
  occurrence.id = needs_.ids.next();
  occurrence.app_instance_id = instance.info.id;
  occurrence.start_ms = needs_.clock.now_ms();
  operation.number = ++operations_begun_;
  instance.operation_id = occurrence.id;
  auto& kept = operations_[occurrence.id] = std::move(operation);
  set_state(kept, OperationState::kStarting);
  run(instance, kept);
  forget_old_operations();
  return kept;
}

// From STARTING or FAILED_TEMP to PROCESSING; the rest is step()'s.
void Lifecycle::run(InstanceRecord& instance, OperationRecord& operation) {
  operation.cancelled = false;
  operation.occurrence.error_cause.clear();
  operation.occurrence.error_detail.clear();
  set_state(operation, OperationState::kProcessing);
  const bool starts = operation.occurrence.operation == LcmOperation::kInstantiate ||
                      (operation.occurrence.operation == LcmOperation::kOperate &&
                       operation.target == OperationalState::kStarted);
  if (starts) {
    auto& status = instance.info.status;
    status.last_error.clear();
    status.fetch_ms = status.install_ms = status.start_ms = status.ready_ms = std::nullopt;
    instance.step = Step::kFetching;
    const bool there =
        needs_.packages.state(instance.digest).kind == PackageState::Kind::kInstalled;
    if (!instance.info.instantiated) {
      status.phase = there ? InstancePhase::kInstalled : InstancePhase::kFetching;
    }
    needs_.packages.want(instance.info.id, instance.info.app_d_id, instance.digest);
  } else {
    end_gracefully(instance, operation);
  }
  save(instance);
  pending_.push_back(instance.info.id);
  needs_.wake();
}

void Lifecycle::end_gracefully(InstanceRecord& instance, const OperationRecord& operation) {
  const bool terminates = operation.occurrence.operation == LcmOperation::kTerminate;
  const bool told =
      operation.grace_ms > 0 && instance.step == Step::kRunning &&
      needs_.announcer.announce_end(
          instance.info.id, terminates ? OperationAction::kTerminating : OperationAction::kStopping,
          operation.grace_ms);
  instance.step = told ? Step::kNotifying : Step::kStopping;
  instance.deadline_ms = needs_.steady.now_ms() + operation.grace_ms;
}

Result<std::string> Lifecycle::instantiate(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_instance(id);
  if (!found) return found.error();
  auto& record = **found;
  if (record.info.instantiated) return wrong_state(record.info, "instantiated already");
  OperationRecord operation;
  operation.occurrence.operation = LcmOperation::kInstantiate;
  return begin(record, std::move(operation)).occurrence.id;
}

Result<std::string> Lifecycle::terminate(const std::string& id,
                                         const TerminateAppRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_instance(id);
  if (!found) return found.error();
  auto& record = **found;
  if (!record.info.instantiated) return wrong_state(record.info, "not instantiated");
  OperationRecord operation;
  operation.occurrence.operation = LcmOperation::kTerminate;
  operation.graceful = request.graceful;
  operation.grace_ms = grace_ms(request.graceful, request.graceful_timeout_s, options_);
  return begin(record, std::move(operation)).occurrence.id;
}

Result<std::string> Lifecycle::operate(const std::string& id, const OperateAppRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_instance(id);
  if (!found) return found.error();
  auto& record = **found;
  if (!record.info.instantiated) return wrong_state(record.info, "not instantiated");
  const bool stopped = record.step == Step::kStopped;
  if (stopped == (request.change_state_to == OperationalState::kStopped)) {
    return wrong_state(record.info, stopped ? "stopped already" : "started already");
  }
  OperationRecord operation;
  operation.occurrence.operation = LcmOperation::kOperate;
  operation.target = request.change_state_to;
  operation.graceful = request.graceful;
  operation.grace_ms = grace_ms(request.graceful, request.graceful_timeout_s, options_);
  return begin(record, std::move(operation)).occurrence.id;
}

// What starts is stopped; what is only waiting for an answer of the instance goes on running.
Result<void> Lifecycle::cancel(const std::string& operation_id) {
  const std::lock_guard lock(mutex_);
  const auto found = find_operation(operation_id);
  if (!found) return found.error();
  auto& operation = **found;
  const auto it = instances_.find(operation.occurrence.app_instance_id);
  if (operation.occurrence.state != OperationState::kProcessing || it == instances_.end()) {
    return conflict("only an operation that is PROCESSING can be cancelled");
  }
  auto& instance = it->second;
  operation.cancelled = true;
  switch (instance.step) {
    case Step::kFetching:
    case Step::kStarting: instance.step = Step::kStopping; break;
    case Step::kNotifying:
      instance.step = Step::kRunning;
      finish(instance, OperationState::kFailedTemp, "cancelled", "cancelled on demand");
      break;
    default:
      operation.cancelled = false;
      return conflict("it is too late to cancel this operation");
  }
  save(instance);
  save(operation);
  pending_.push_back(instance.info.id);
  needs_.wake();
  return {};
}

Result<AppLcmOpOcc> Lifecycle::fail(const std::string& operation_id) {
  const std::lock_guard lock(mutex_);
  const auto found = find_operation(operation_id);
  if (!found) return found.error();
  auto& operation = **found;
  if (operation.occurrence.state != OperationState::kFailedTemp) {
    return conflict("only an operation that is FAILED_TEMP can be failed");
  }
  const auto it = instances_.find(operation.occurrence.app_instance_id);
  if (it == instances_.end()) return not_found("its instance is gone");
  finish(it->second, OperationState::kFailed);
  save(it->second);
  return operation.occurrence;
}

Result<void> Lifecycle::retry(const std::string& operation_id) {
  const std::lock_guard lock(mutex_);
  const auto found = find_operation(operation_id);
  if (!found) return found.error();
  auto& operation = **found;
  if (operation.occurrence.state != OperationState::kFailedTemp) {
    return conflict("only an operation that is FAILED_TEMP can be retried");
  }
  const auto it = instances_.find(operation.occurrence.app_instance_id);
  if (it == instances_.end()) return not_found("its instance is gone");
  run(it->second, operation);
  return {};
}

std::vector<AppInstanceInfo> Lifecycle::instances() const {
  const std::lock_guard lock(mutex_);
  std::vector<AppInstanceInfo> out;
  out.reserve(instances_.size());
  for (const auto& [id, record] : instances_) out.push_back(record.info);
  return out;
}

Result<AppInstanceInfo> Lifecycle::instance(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = instances_.find(id);
  if (it == instances_.end()) return not_found("no app instance " + id);
  return it->second.info;
}

std::vector<AppLcmOpOcc> Lifecycle::operations() const {
  const std::lock_guard lock(mutex_);
  std::vector<AppLcmOpOcc> out;
  out.reserve(operations_.size());
  for (const auto& [id, record] : operations_) out.push_back(record.occurrence);
  return out;
}

Result<AppLcmOpOcc> Lifecycle::operation(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = operations_.find(id);
  if (it == operations_.end()) return not_found("no operation occurrence " + id);
  return it->second.occurrence;
}

Result<void> Lifecycle::confirm_ready(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = instances_.find(id);
  if (it == instances_.end()) return not_found("no app instance " + id);
  const auto step = it->second.step;
  if (step != Step::kStarting && step != Step::kRunning && step != Step::kDown) {
    return wrong_state(it->second.info, "not started");
  }
  confirmed_.push_back(id);
  needs_.wake();
  return {};
}

Result<void> Lifecycle::confirm_termination(const std::string& id, OperationAction action) {
  const std::lock_guard lock(mutex_);
  const auto it = instances_.find(id);
  if (it == instances_.end()) return not_found("no app instance " + id);
  auto& record = it->second;
  const auto operation = operations_.find(record.operation_id);
  if (record.step != Step::kNotifying || operation == operations_.end()) {
    return wrong_state(record.info, "not about to be stopped or terminated");
  }
  const bool terminates = operation->second.occurrence.operation == LcmOperation::kTerminate;
  if (terminates != (action == OperationAction::kTerminating)) {
    return conflict("operationAction is not what the instance was notified of");
  }
  record.step = Step::kStopping;
  save(record);
  pending_.push_back(id);
  needs_.wake();
  return {};
}

}  // namespace mx2::mepm
