// One run of a scenario in simulated time: a discrete-event simulation that is deterministic by its
// seed. UEs move and call as in every other run with that seed, whatever the strategy.
//
// Every run begins from the table that the Optimizer's first plan leaves, so that strategies differ
// by what they do about changes, not by how they begin.
//
// What is left out: loss, TCP, failures of hosts, and the notifier's own capacity.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "emulator/control_plane.h"
#include "emulator/processor.h"
#include "emulator/run.h"
#include "emulator/selection.h"

namespace mx2::emulator {

// A call that was answered, for whoever wants them all.
struct CallRecord {
  std::uint32_t ue = 0;
  std::uint32_t lambda = 0;
  std::uint32_t host = 0;
  Time sent = 0;
  Time response = 0;
  bool stale = false;
};

class Simulation final : private Run {
 public:
  // The scenario must outlive this.
  Simulation(const Scenario& scenario, std::uint64_t seed);

  // Called for every call that counts; before run().
  void on_call(std::function<void(const CallRecord&)> listener) { listener_ = std::move(listener); }
  // Once.
  [[nodiscard]] Results run();

 private:
  static constexpr std::uint16_t kNobody = 0xffff;

  enum class Leg : std::uint8_t {
    kToDispatcher,
    kInDispatcher,
    kToHost,
    kBackToDispatcher,
    kOutOfDispatcher,
    kToUe,
  };
  struct Call {
    std::uint32_t ue = 0;
    std::uint16_t host = 0;
    std::uint16_t dispatcher = kNobody;
    std::uint16_t cell = 0;  // where it is
    Leg leg = Leg::kToHost;
    bool stale = false;
    bool refused = false;
    Time forwarded = 0;  // by the dispatcher
    Time at_host = 0;
    Time service = 0;
  };
  struct Ue : Mover {
    std::uint8_t endpoints = 0;
    std::array<std::uint16_t, kEndpointsMax> endpoint{};  // the primary one first
    std::array<std::uint16_t, kEndpointsMax> coming{};    // of the new context
    Stream size;
  };
  struct HostState {
    Processor processor;
    Time scheduled = kNever;
    double load = 0;  // of the last report
    Moments utilisation;
    std::vector<std::uint32_t> container_of;  // λ -> container
    std::vector<std::uint32_t> requests;      // of each container, since the last report
  };
  // A dispatcher's choice among the hosts of a λ.
  struct Dispatch {
    std::unique_ptr<Selection> selection;
    const std::vector<std::uint32_t>* hosts = nullptr;
  };

  void set_up_hosts();
  void set_up_ues(std::uint64_t seed);
  void set_up_table();
  void set_up_dispatchers();
  void schedule_all();
  void handle(const Event& event, Time now);

  void send_to(std::uint32_t ue, std::uint16_t endpoint, Time now);
  void at_node(std::uint32_t id, Time now);
  void arrive(std::uint32_t id, Time now);
  void pick_host(Call& call, Time now);
  void serve(std::uint32_t id, Time now);
  void back_at_dispatcher(Call& call, Time now);
  void to_ue(std::uint32_t id, Time now);
  void task_done(std::uint32_t host, Time now);
  void watch(std::uint32_t host);
  void delivered(std::uint32_t id, Time now);

  [[nodiscard]] Mover& mover(std::uint32_t id) override { return ues_[id]; }
  void send(std::uint32_t id, Time now) override;
  void moved(std::uint32_t id, Time now) override;
  void find_dispatcher(std::uint32_t id, Time now) override;
  void end_context(std::uint32_t id, Time now) override;
  void use_context(std::uint32_t id) override;
  void notified(std::uint32_t id) override;
  void plan_all(Time now) override;
  void report(Time now) override;
  void look_up(std::uint32_t id, std::array<std::uint16_t, kEndpointsMax>& endpoints);
  void notify(std::uint32_t id, Time now);
  void rewritten(std::uint32_t id, Time now);

  [[nodiscard]] bool is_stale(std::uint32_t id, std::uint16_t endpoint);
  [[nodiscard]] std::uint32_t target_cell(const Call& call) const;

  const Time dispatch_time_;
  ControlPlane control_;
  std::vector<Ue> ues_;
  std::vector<HostState> hosts_;
  std::vector<std::vector<std::uint32_t>> hosts_of_;  // of each λ
  std::vector<Dispatch> dispatches_;                  // host × λ
  std::vector<Call> calls_;
  std::vector<std::uint32_t> free_;  // of calls_
  std::vector<std::uint32_t> done_;
  std::vector<std::uint32_t> found_;
  std::function<void(const CallRecord&)> listener_;
};

}  // namespace mx2::emulator
