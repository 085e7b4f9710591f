// Brings the λ instances of one MEC host to the number that is wanted, whatever happens in between:
// it looks at what is there, compares, and does the next step. Nothing has to be remembered from
// before a crash: what is found at the MEPM under a key of ours is adopted, or ended if it is too
// much; what somebody else has created, whatever its name, is left alone.
// Pattern: the level-triggered control loops of Kubernetes.
//
// An instance that is to go is first withdrawn from the model, so that contexts leave it, and ended
// a little later. An app that fails to start there is tried again after a pause that doubles; from
// the second failure in a row the host counts as unable, until a start succeeds.
//
// Threads: one, that which polls the driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/base/ids.h"
#include "api/operator/types.h"
#include "lcm/driver.h"

namespace mx2 {

struct ReconcileOptions {
  int look_ms = 2000;         // how often the instances of a host are looked at
  int look_busy_ms = 50;      // the same while something goes on there
  int starts_max = 8;         // at once on a host
  int retire_ms = 1000;       // between withdrawing an instance and ending it
  int terminate_grace_s = 5;  // for what it is doing then
  int lost_ms = 2000;         // so long an instance may be restarted before it is withdrawn
  int retry_first_ms = 1000;
  int retry_max_ms = 60'000;
};

// An instance as operators see it.
struct ManagedInstance {
  std::string host_id;
  lcm::Instance seen;
  std::string state;  // creating, starting, ready, restarting, retiring or ending
};

class HostReconciler {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Wanted = std::map<std::string, int>;  // appDId -> instances
  // What could not be started, and why.
  struct Failure {
    std::string app_d_id;
    std::string reason;
  };

  HostReconciler(std::string host_id, std::string mepm, lcm::LcmDriver& driver, IdGenerator& ids,
                 const ReconcileOptions& options);
  ~HostReconciler();
  HostReconciler(const HostReconciler&) = delete;
  HostReconciler& operator=(const HostReconciler&) = delete;

  [[nodiscard]] const std::string& mepm() const { return mepm_; }
  // The host may be another process, or have lost everything: look again at once.
  void look_now() { look_at_ = {}; }
  // Looks, compares, and begins what is due. Returns when to come again.
  Time step(Time now, const Wanted& wanted);

  // Whether the instances have been seen at all; until then nothing is known of the host.
  [[nodiscard]] bool known() const { return known_; }
  // By appDId: those that are there and to stay, ready or not.
  [[nodiscard]] std::map<std::string, int> living() const;
  // What contexts can be sent to.
  [[nodiscard]] std::vector<AppInstance> ready(Time now) const;
  [[nodiscard]] std::vector<std::string> unable() const;
  [[nodiscard]] std::vector<ManagedInstance> instances() const;
  // Since the last call.
  [[nodiscard]] std::vector<Failure> take_failures();

 private:
  struct Slot;
  struct App {
    int creating = 0;
    int failures = 0;  // in a row
    Time not_before;
  };
  // What outlives this object while calls are out; its pointer is null afterwards.
  struct Alive {
    HostReconciler* self;
  };

  template <typename T, typename F>
  Callback<Result<T>> when_alive(F&& use);
  // Of a call that concerns a slot, which counts as calling until then.
  template <typename T, typename F>
  Callback<Result<T>> answer_of(Slot& slot, F&& use);

  void look(Time now);
  void take(const std::vector<lcm::Instance>& seen, std::uint64_t look);
  void compare(const Wanted& wanted, Time now);
  void create(const std::string& app_d_id);
  void retire(const std::string& app_d_id, int surplus, Time now);
  void advance(Slot& slot, Time now);
  void instantiate(Slot& slot);
  void terminate(Slot& slot);
  void ask(Slot& slot);
  void remove(Slot& slot);
  void failed(const std::string& app_d_id, const std::string& reason);
  void ended(Slot& slot, const lcm::Operation& operation);
  [[nodiscard]] bool busy() const;
  [[nodiscard]] int starting() const;

  const std::string host_id_;
  const std::string mepm_;
  lcm::LcmDriver& driver_;
  IdGenerator& ids_;
  const ReconcileOptions options_;
  const std::shared_ptr<Alive> alive_;

  Time now_;
  Time look_at_;
  bool looking_ = false;
  bool known_ = false;
  std::uint64_t looks_ = 0;
  std::map<std::string, std::unique_ptr<Slot>> slots_;  // by appInstanceId
  std::map<std::string, App> apps_;
  std::vector<Failure> failures_;
};

}  // namespace mx2
