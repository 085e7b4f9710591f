// What the loop does.
#include <algorithm>
#include <limits>
#include <set>

#include "api/base/log.h"
#include "lcm/mepm/lifecycle.h"

namespace mx2::mepm {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr const char* kInstances = "app_instances";
constexpr const char* kOperations = "app_lcm_op_occs";

bool is_temporary(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded;
}

}  // namespace

void Lifecycle::step() {
  std::vector<BackendEvent> events;
  needs_.backend.step(needs_.steady.now_ms(), events);
  const std::lock_guard lock(mutex_);
  for (const auto& id : std::exchange(confirmed_, {})) needs_.backend.confirm_ready(id);
  for (const auto& event : events) take(event);
  auto pending = std::exchange(pending_, {});
  for (const auto& [id, record] : instances_) {
    if (record.step == Step::kFetching || record.step == Step::kNotifying) pending.push_back(id);
  }
  std::sort(pending.begin(), pending.end());
  pending.erase(std::unique(pending.begin(), pending.end()), pending.end());
  for (const auto& id : pending) {
    if (const auto it = instances_.find(id); it != instances_.end()) advance(it->second);
  }
}

std::int64_t Lifecycle::next_due_ms() const {
  const std::lock_guard lock(mutex_);
  if (!pending_.empty() || !confirmed_.empty()) return 0;
  auto due = kNever;
  for (const auto& [id, record] : instances_) {
    if (record.step == Step::kNotifying) due = std::min(due, record.deadline_ms);
  }
  return std::min(due, needs_.backend.next_due_ms());
}

void Lifecycle::advance(InstanceRecord& instance) {
  if (instance.step == Step::kFetching) return advance_fetch(instance);
  if (instance.step == Step::kNotifying) {
    const bool may_confirm = needs_.announcer.may_know_of_end(instance.info.id);
    if (may_confirm && needs_.steady.now_ms() < instance.deadline_ms) return;
    log::info(may_confirm ? "instance did not confirm its end in time"
                          : "instance cannot be told of its end",
              {{"instance", instance.info.id}});
    instance.step = Step::kStopping;
    save(instance);
  }
  if (instance.step != Step::kStopping) return;
  const auto before = state_of(instance.info);
  const auto operation = operations_.find(instance.operation_id);
  const bool graceful =
      operation != operations_.end() && operation->second.graceful && !operation->second.cancelled;
  instance.info.operational_state = OperationalState::kStopped;
  changed(instance, before);
  needs_.backend.stop(instance.info.id, graceful);
}

void Lifecycle::advance_fetch(InstanceRecord& instance) {
  auto& status = instance.info.status;
  const auto state = needs_.packages.state(instance.digest);
  switch (state.kind) {
    case PackageState::Kind::kFailed:
      return give_up(instance, state.error.cause, state.error.detail,
                     is_temporary(state.error.code));
    case PackageState::Kind::kInstalled: break;
    default: return;
  }
  if (status.phase == InstancePhase::kFetching) {
    status.fetch_ms = state.fetch_ms;
    status.install_ms = state.install_ms;
  }
  const auto& descriptor = state.package.descriptor;
  if (descriptor.app_d_id != instance.info.app_d_id) {
    return give_up(instance, "wrong-package",
                   "the package describes " + descriptor.app_d_id.substr(0, 64), false);
  }
  if (auto fine = needs_.backend.accepts(descriptor); !fine) {
    return give_up(instance, fine.error().cause, fine.error().detail, false);
  }
  status.phase = InstancePhase::kAllocated;
  instance.step = Step::kStarting;
  save(instance);
  needs_.backend.start(instance.info.id, state.package);
}

void Lifecycle::take(const BackendEvent& event) {
  const auto it = instances_.find(event.instance_id);
  if (it == instances_.end()) {  // an orphan
    if (event.kind != BackendEvent::Kind::kDown) needs_.backend.release(event.instance_id);
    return;
  }
  auto& instance = it->second;
  const auto before = state_of(instance.info);
  switch (event.kind) {
    case BackendEvent::Kind::kReady: take_ready(instance, event); break;
    case BackendEvent::Kind::kDown:
      instance.info.status.last_error = event.detail;
      ++instance.info.status.restarts;
      if (instance.step == Step::kRunning) instance.step = Step::kDown;
      if (instance.step == Step::kNotifying) {  // as good as a confirmation
        instance.step = Step::kStopping;
        pending_.push_back(event.instance_id);
      }
      instance.info.operational_state = OperationalState::kStopped;
      break;
    case BackendEvent::Kind::kFailed: take_failed(instance, event); break;
    case BackendEvent::Kind::kStopped: take_stopped(instance); break;
  }
  changed(instance, before);
}

void Lifecycle::take_ready(InstanceRecord& instance, const BackendEvent& event) {
  auto& info = instance.info;
  if (instance.step != Step::kStarting && instance.step != Step::kDown &&
      instance.step != Step::kRunning) {
    return;  // it is being stopped
  }
  info.instantiated = true;
  info.operational_state = OperationalState::kStarted;
  info.ip_addresses = {event.address};
  if (!instance.operation_id.empty()) {  // else it was taken over, or came back
    info.status.start_ms = event.start_ms;
    info.status.ready_ms = event.ready_ms;
    finish(instance, OperationState::kCompleted);
  }
  instance.step = Step::kRunning;
}

void Lifecycle::take_failed(InstanceRecord& instance, const BackendEvent& event) {
  log::warn("instance failed", {{"instance", instance.info.id},
                                {"app", instance.info.app_d_id},
                                {"cause", event.cause},
                                {"detail", event.detail}});
  if (instance.step == Step::kStopping || instance.step == Step::kNotifying) {
    return take_stopped(instance);  // what was wanted has come by itself
  }
  give_up(instance, event.cause, event.detail, event.temporary);
}

void Lifecycle::take_stopped(InstanceRecord& instance) {
  if (instance.step != Step::kStopping && instance.step != Step::kNotifying) return;
  const auto it = operations_.find(instance.operation_id);
  if (it == operations_.end()) return to_not_instantiated(instance);
  const auto& operation = it->second;
  if (operation.cancelled) return give_up(instance, "cancelled", "cancelled on demand", true);
  if (operation.occurrence.operation == LcmOperation::kOperate) {
    instance.step = Step::kStopped;
  } else {
    to_not_instantiated(instance);
  }
  finish(instance, OperationState::kCompleted);
}

// An instantiation that does not succeed leaves nothing; a start, a stopped instance.
void Lifecycle::give_up(InstanceRecord& instance, const std::string& cause,
                        const std::string& detail, bool temporary) {
  const auto it = operations_.find(instance.operation_id);
  const bool operating =
      it != operations_.end() && it->second.occurrence.operation == LcmOperation::kOperate;
  if (operating && instance.step != Step::kRunning && instance.step != Step::kDown) {
    instance.step = Step::kStopped;
  } else {
    to_not_instantiated(instance);
  }
  instance.info.status.last_error = detail;
  finish(instance, temporary ? OperationState::kFailedTemp : OperationState::kFailed, cause,
         detail);
  save(instance);
}

void Lifecycle::to_not_instantiated(InstanceRecord& instance) {
  auto& info = instance.info;
  needs_.backend.release(info.id);
  needs_.packages.let_go(info.id);
  needs_.announcer.instance_gone(info.id);
  const bool had_resources = info.status.phase == InstancePhase::kAllocated;
  info.status.phase = had_resources ? InstancePhase::kDeallocated : InstancePhase::kAbsent;
  info.instantiated = false;
  info.operational_state = OperationalState::kStopped;
  info.ip_addresses.clear();
  instance.step = Step::kIdle;
}

// Ends the operation in progress, if there is one.
void Lifecycle::finish(InstanceRecord& instance, OperationState state, const std::string& cause,
                       const std::string& detail) {
  const auto it = operations_.find(instance.operation_id);
  if (state != OperationState::kFailedTemp) instance.operation_id.clear();
  if (it == operations_.end()) return;
  auto& operation = it->second;
  if (!detail.empty()) {
    operation.occurrence.error_cause = cause;
    operation.occurrence.error_detail = detail;
  }
  set_state(operation, state);
}

void Lifecycle::set_state(OperationRecord& operation, OperationState state) {
  operation.occurrence.state = state;
  operation.occurrence.state_entered_ms = needs_.clock.now_ms();
  save(operation);
  const auto it = instances_.find(operation.occurrence.app_instance_id);
  if (it == instances_.end()) return;
  needs_.announcer.operation_changed(operation.occurrence, it->second.info);
}

void Lifecycle::changed(InstanceRecord& instance, AppInstanceState before) {
  save(instance);
  if (state_of(instance.info) != before) needs_.announcer.instance_changed(instance.info);
}

void Lifecycle::save(const InstanceRecord& instance) {
  (void)needs_.state.put(kInstances, instance.info.id, to_json(instance));
}

void Lifecycle::save(const OperationRecord& operation) {
  (void)needs_.state.put(kOperations, operation.occurrence.id, to_json(operation));
}

void Lifecycle::forget_old_operations() {
  while (operations_.size() > options_.operations_max) {
    auto oldest = operations_.end();  // by number: identifiers and times follow the date
    for (auto it = operations_.begin(); it != operations_.end(); ++it) {
      if (!is_over(it->second.occurrence.state)) continue;
      if (oldest == operations_.end() || it->second.number < oldest->second.number) oldest = it;
    }
    if (oldest == operations_.end()) return;
    needs_.state.remove(kOperations, oldest->first);
    operations_.erase(oldest);
  }
}

void Lifecycle::recover_records() {
  for (const auto& [id, document] : needs_.state.load(kOperations)) {
    auto record = read_operation_record(document);
    if (!record) continue;
    operations_begun_ = std::max(operations_begun_, record->number);
    operations_[id] = std::move(*record);
  }
  for (const auto& [id, document] : needs_.state.load(kInstances)) {
    auto record = read_instance_record(document);
    if (!record) {
      log::warn("instance left out",
                {{"instance", id}, {"at", record.error().pointer}, {"why", record.error().detail}});
      continue;
    }
    instances_[id] = std::move(*record);
  }
}

void Lifecycle::recover() {
  const auto list = needs_.backend.survivors();
  std::set<std::string> survivors(list.begin(), list.end());
  const std::lock_guard lock(mutex_);
  recover_records();
  for (auto& [id, record] : instances_) recover(record, survivors.erase(id) > 0);
  for (const auto& orphan : survivors) {
    log::warn("ending an orphan", {{"instance", orphan}});
    needs_.backend.stop(orphan, false);
  }
}

void Lifecycle::recover(InstanceRecord& instance, bool survived) {
  const auto& id = instance.info.id;
  switch (instance.step) {
    case Step::kIdle:
      if (survived) needs_.backend.stop(id, false);
      return;
    case Step::kStopped: break;
    case Step::kNotifying:  // whether it was told is not known
      instance.step = Step::kStopping;
      break;
    case Step::kStopping: break;
    default:
      if (instance.operation_id.empty() && !instance.info.instantiated) return;
      instance.step = Step::kFetching;
  }
  needs_.packages.want(id, instance.info.app_d_id, instance.digest);
  pending_.push_back(id);
}

}  // namespace mx2::mepm
