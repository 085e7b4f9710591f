// The life of app instances on this host: create, instantiate, operate, terminate, delete, and the
// operation occurrences these lead to (ETSI GS MEC 010-2 clause 6, with cancel, fail and retry of
// V3.1.1).
//
// A request checks, writes down and answers; the work is done by step(), which the MEPM's loop
// calls again and again. What is written down suffices to go on after kill -9: recover() has
// instances that still run taken over, the rest started again, and ends what nobody knows.
//
// An instance does one operation at a time. FAILED_TEMP (a package that cannot be fetched, an
// operation that was cancelled) leaves it as it was before: retry it, fail it, or ask for something
// else, which fails it. An instance that fails while it runs is NOT_INSTANTIATED afterwards and
// says why in its status.
//
// Refusals: not_found; conflict when the state of the instance or operation does not allow it;
// unavailable when there are too many instances.
//
// Threads: any, but for step(), recover() and next_due_ms(), which are the loop's, as Backend is.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/mec/app_support.h"
#include "lcm/mepm/backend.h"
#include "lcm/mepm/packages.h"
#include "lcm/mepm/records.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm {

// Who tells others what happens to instances. Called with the life cycle's lock held: must not call
// back.
class Announcer {
 public:
  virtual ~Announcer() = default;
  virtual void instance_changed(const AppInstanceInfo& instance) = 0;
  virtual void operation_changed(const AppLcmOpOcc& operation, const AppInstanceInfo& instance) = 0;
  // Tells the instance of its end. False: it will not hear of it, as it has not asked to or too
  // much is owed to others.
  virtual bool announce_end(const std::string& instance_id, OperationAction action,
                            std::int64_t grace_ms) = 0;
  // Whether it has been told of the end that was announced last, or may still be.
  [[nodiscard]] virtual bool may_know_of_end(const std::string& instance_id) const = 0;
  virtual void instance_gone(const std::string& instance_id) = 0;
};

struct LifecycleOptions {
  std::size_t instances_max = 1000;
  std::size_t operations_max = 1000;   // that are over and still remembered
  std::int64_t grace_ms_max = 60'000;  // a graceful end waits no longer for its confirmation
};

class Lifecycle {
 public:
  // Everything must outlive this. `wake` ends the loop's wait; callable from any thread.
  struct Needs {
    Backend& backend;
    Packages& packages;
    Announcer& announcer;
    StateDir& state;
    const SystemClock& clock;   // what people read
    const SteadyClock& steady;  // how long something may take
    IdGenerator& ids;
    std::function<void()> wake;
  };
  Lifecycle(Needs needs, LifecycleOptions options);

  // The instance that was created with this key, if there is one; conflict if it is of another app.
  [[nodiscard]] Result<std::optional<AppInstanceInfo>> find(
      const CreateAppInstanceRequest& request) const;
  [[nodiscard]] Result<AppInstanceInfo> create(const CreateAppInstanceRequest& request,
                                               const PackageInfo& package);
  [[nodiscard]] Result<void> remove(const std::string& id);

  // The identifier of the operation.
  [[nodiscard]] Result<std::string> instantiate(const std::string& id);
  [[nodiscard]] Result<std::string> terminate(const std::string& id,
                                              const TerminateAppRequest& request);
  [[nodiscard]] Result<std::string> operate(const std::string& id,
                                            const OperateAppRequest& request);
  [[nodiscard]] Result<void> cancel(const std::string& operation_id);
  [[nodiscard]] Result<AppLcmOpOcc> fail(const std::string& operation_id);
  [[nodiscard]] Result<void> retry(const std::string& operation_id);

  [[nodiscard]] std::vector<AppInstanceInfo> instances() const;
  [[nodiscard]] Result<AppInstanceInfo> instance(const std::string& id) const;
  [[nodiscard]] std::vector<AppLcmOpOcc> operations() const;
  [[nodiscard]] Result<AppLcmOpOcc> operation(const std::string& id) const;

  // Mp1: conflict unless the instance is instantiated, or is being.
  [[nodiscard]] Result<void> confirm_ready(const std::string& id);
  [[nodiscard]] Result<void> confirm_termination(const std::string& id, OperationAction action);

  void recover();
  void step();
  [[nodiscard]] std::int64_t next_due_ms() const;

 private:
  using Instances = std::map<std::string, InstanceRecord>;
  using Operations = std::map<std::string, OperationRecord>;

  // Of requests.
  [[nodiscard]] Result<std::optional<AppInstanceInfo>> known(
      const CreateAppInstanceRequest& request) const;
  [[nodiscard]] Result<InstanceRecord*> idle_instance(const std::string& id);
  [[nodiscard]] Result<OperationRecord*> find_operation(const std::string& id);
  OperationRecord& begin(InstanceRecord& instance, OperationRecord operation);
  void run(InstanceRecord& instance, OperationRecord& operation);
  void end_gracefully(InstanceRecord& instance, const OperationRecord& operation);

  // Of the loop.
  void advance(InstanceRecord& instance);
  void advance_fetch(InstanceRecord& instance);
  void take(const BackendEvent& event);
  void take_ready(InstanceRecord& instance, const BackendEvent& event);
  void take_failed(InstanceRecord& instance, const BackendEvent& event);
  void take_stopped(InstanceRecord& instance);
  void recover(InstanceRecord& instance, bool survived);
  void recover_records();

  void to_not_instantiated(InstanceRecord& instance);
  void give_up(InstanceRecord& instance, const std::string& cause, const std::string& detail,
               bool temporary);
  void finish(InstanceRecord& instance, OperationState state, const std::string& cause = {},
              const std::string& detail = {});
  void set_state(OperationRecord& operation, OperationState state);
  void changed(InstanceRecord& instance, AppInstanceState before);
  void save(const InstanceRecord& instance);
  void save(const OperationRecord& operation);
  void forget_old_operations();

  Needs needs_;
  LifecycleOptions options_;
  mutable std::mutex mutex_;
  Instances instances_;
  Operations operations_;
  std::int64_t operations_begun_ = 0;
  std::vector<std::string> pending_;    // instances that step() looks at, besides those that fetch
  std::vector<std::string> confirmed_;  // ready, they say
};

}  // namespace mx2::mepm
