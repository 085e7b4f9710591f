// Life-cycle management: where λ instances live, and how many. The slower loop beside the
// Optimizer's: that one maps contexts to what is there, this one sees to it that it is there.
//
// What is wanted of each (app, host) follows from clients, requests and service times (capacity.h),
// and at once from whoever needs a first instance. One HostReconciler for each host with a MEPM
// brings it about; what is ready is published in the model, and contexts follow it as they follow
// any other change. Nothing of it is stored but the model's instances: after a restart the MEPMs
// say what is there.
// Source: Cicconetti et al., IEEE Communications Magazine 2020 ("not implemented in our
// prototype"); A3-E's self-management loop.
//
// Threads: any may call; one thread of its own does the work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "lcm/driver.h"
#include "orchestrator/core/instantiation.h"
#include "orchestrator/lifecycle/abandoned.h"
#include "orchestrator/lifecycle/capacity_loop.h"
#include "orchestrator/lifecycle/host_reconciler.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {

struct LifecycleOptions {
  ReconcileOptions reconcile;
  CapacityLoopOptions capacity;
  int ready_wait_ms = 10'000;      // for an instance, at most
  int abandon_ms = 0;              // without any host that may serve an app, its contexts end;
                                   // 0: they do not
  std::size_t waiting_max = 1000;  // requests that wait for one at once
};

class Lifecycle final : public Instantiation {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What a host has reported last.
  using LoadOf = std::function<std::optional<HostLoad>(const std::string& host_id)>;

  Lifecycle(Core& core, ContextLedger& ledger, LoadOf load_of,
            std::unique_ptr<lcm::LcmDriver> driver, const LifecycleOptions& options,
            metrics::Registry& registry);
  ~Lifecycle() override;
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

  void start();
  // Whoever waits is answered. Idempotent.
  void stop();

  void want(const std::string& app_d_id, const std::string& host_id) override;
  void when_ready(const std::string& app_d_id, const std::string& host_id,
                  Callback<Result<void>> answer) override;
  // A MEPM says that something has changed at its host.
  void look_at(const std::string& host_id);

  // As they were a moment ago.
  [[nodiscard]] std::vector<ManagedInstance> instances() const;
  [[nodiscard]] std::vector<WantedInstances> wanted() const;

  // One round; then whatever answers arrive within `wait_ms`.
  void step(Time now, int wait_ms);

 private:
  using Cell = std::pair<std::string, std::string>;  // appDId, host
  struct ManagedHost {
    std::unique_ptr<HostReconciler> reconciler;
    bool reachable = true;
    bool known = false;                  // its instances, when capacity was looked at last
    bool accepts = true;                 // new contexts
    std::vector<AppInstance> published;  // as the model has it
    std::vector<std::string> unable;     // likewise
    Time publish_after;
    Time next;
  };
  struct Waiting {
    Cell cell;
    Time deadline;
    Callback<Result<void>> answer;
  };
  struct Inbox {
    std::vector<Cell> wanted;
    std::vector<Waiting> waiting;
    std::vector<std::string> hosts;  // to be looked at
  };

  void take_inbox(Time now);
  void take_model(Time now);
  void take_host(const HostEntry& entry);
  void adjust_capacity(Time now);
  void step_hosts(Time now);
  void publish(const std::string& host_id, ManagedHost& host, Time now);
  void answer_waiting(Time now);
  void show(Time now);
  [[nodiscard]] int until_next(Time now) const;
  [[nodiscard]] bool serves(const Cell& cell) const;

  Core& core_;
  ContextLedger& ledger_;
  const LoadOf load_of_;
  const std::unique_ptr<lcm::LcmDriver> driver_;
  const LifecycleOptions options_;
  metrics::Gauge& ready_;
  metrics::Counter& failures_;

  // Of the thread of its own.
  std::optional<std::uint64_t> generation_;  // of the model that this is of
  std::map<std::string, ManagedHost> hosts_;
  std::map<std::string, int> packaged_;  // appDId -> ms until its λ must be ready
  CapacityLoop capacity_;
  Time capacity_at_;
  AbandonedContexts abandoned_;
  Time show_at_;
  std::vector<Waiting> waiting_;
  std::map<Cell, std::string> failed_;  // in this round, with the reason

  mutable std::mutex mutex_;
  Inbox inbox_;
  std::size_t waiting_count_ = 0;
  std::vector<ManagedInstance> shown_;
  std::vector<WantedInstances> shown_wanted_;
  bool stopped_ = false;
  Worker worker_;
};

}  // namespace mx2
