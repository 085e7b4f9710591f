// Brings the λ instances of one MEC host to the number that is wanted, whatever happens in between:
// it looks at what is there, compares, and does the next step. Nothing has to be remembered from
// before a crash: what is found at the MEPM under a key of ours is adopted, or ended if it is too
// much; what somebody else has created, whatever its name, is left alone.
// Pattern: the level-triggered control loops of Kubernetes.
//
// An instance that is to go is first withdrawn from the model, so that contexts leave it, and ended
// a little later. An app that fails to start there is tried again after a pause that doubles; from
// the second failure in a row the host counts as unable, until a start succeeds, or nobody has
// wanted one for a while.
//
// Everything that is asked of a MEPM ends: a start that does not get on is cancelled, then failed,
// then deleted, and makes the host unable at once; while it lasts it does not hold up other starts.
// What cannot be ended is asked for ever more seldom, and no more of its app is begun there. A MEPM
// that never tells its instances makes its host unable for whatever is wanted.
//
// Threads: one, that which polls the driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
  int look_ms = 2000;        // how often the instances of a host are looked at
  int look_busy_ms = 50;     // the same while something goes on there
  int starts_max = 8;        // at once on a host
  int start_slow_ms = 2000;  // a start that takes longer counts for starts_max no more
  int operation_ms =
      20'000;              // for a start, beyond what its app allows, or an end, beyond its grace
  int fetch_ms = 300'000;  // for a start while its package is fetched
  int retire_ms = 1000;    // between withdrawing an instance and ending it
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

  // How long a package's λ may take until they are ready, in ms.
  using ReadyTimeOf = std::function<std::int64_t(const std::string& app_d_id)>;

  HostReconciler(std::string host_id, std::string mepm, lcm::LcmDriver& driver, IdGenerator& ids,
                 const ReconcileOptions& options, ReadyTimeOf ready_time_of);
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
  // Whether its MEPM, which answers, has not told them for too long.
  [[nodiscard]] bool deaf() const;
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
    Time wanted;  // last
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
  void allow_for_absence(Time now);
  void take(const std::vector<lcm::Instance>& seen, std::uint64_t look);
  void update(Slot& slot, const lcm::Instance& instance);
  void lost(Slot& slot);
  void compare(const Wanted& wanted, Time now);
  void forgive(const Wanted& wanted, Time now);
  void create(const std::string& app_d_id);
  void created(const std::string& app_d_id, lcm::Instance instance);
  void retire(const std::string& app_d_id, int surplus, Time now);
  void advance(Slot& slot, Time now);
  void instantiate(Slot& slot);
  void terminate(Slot& slot);
  void ask(Slot& slot);
  void remove(Slot& slot);
  [[nodiscard]] std::chrono::milliseconds limit(const Slot& slot) const;
  [[nodiscard]] bool overdue(const Slot& slot, Time now) const;
  void give_up(Slot& slot);
  void cancel(Slot& slot);
  void fail(Slot& slot);
  void pause(Slot& slot);
  [[nodiscard]] std::chrono::milliseconds pause_after(int failures) const;
  void failed(const std::string& app_d_id, const std::string& reason);
  void ended(Slot& slot, const lcm::Operation& operation);
  void end_again(Slot& slot);
  void forgotten(Slot& slot);
  [[nodiscard]] bool busy() const;
  [[nodiscard]] int starting() const;
  [[nodiscard]] int failures_of(const std::string& app_d_id) const;
  [[nodiscard]] bool is_blocked(const std::string& app_d_id) const;

  const std::string host_id_;
  const std::string mepm_;
  lcm::LcmDriver& driver_;
  IdGenerator& ids_;
  const ReconcileOptions options_;
  const ReadyTimeOf ready_time_of_;
  const std::shared_ptr<Alive> alive_;

  Time now_;
  Time heard_;     // when the instances were told last
  Wanted wanted_;  // in the last step
  Time look_at_;
  bool looking_ = false;
  bool known_ = false;
  std::uint64_t looks_ = 0;
  std::map<std::string, std::unique_ptr<Slot>> slots_;  // by appInstanceId
  std::map<std::string, App> apps_;
  std::vector<Failure> failures_;
};

}  // namespace mx2
