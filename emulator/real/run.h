// One run of a scenario in real time: UEs on one thread that make real calls to emulated hosts and
// real requests to the orchestrator. They move and want to call exactly as in simulated time with
// the same seed.
//
// Delay and bandwidth are on our side of the sockets: a message is sent over loopback when it would
// have arrived, and its answer is taken to be there when it would have arrived. A message books
// each link of its way when it is sent; that others overtake it on the first link is not seen on
// the second. Between a dispatcher and a host, the host delays (host_server.h). Everything else is
// real: HTTP, the orchestrator's look-up, store and notifier, the Optimizer with its replica and
// feed, the dispatchers with their HAProxy, and their speed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/http/async_client.h"
#include "api/http/pistache_server.h"
#include "emulator/real/system.h"
#include "emulator/run.h"

namespace mx2::emulator {

class RealRun final : public http::Handler, private Run {
 public:
  // Both must outlive this.
  RealRun(const Scenario& scenario, System& system, std::uint64_t seed);
  ~RealRun() override;
  RealRun(const RealRun&) = delete;
  RealRun& operator=(const RealRun&) = delete;

  // Once; lasts as long as the scenario. unavailable when a program ends or the contexts cannot be
  // made.
  [[nodiscard]] Result<Results> run();

  // A notification; from threads of our HTTP server.
  void handle(http::Request request, http::Responder responder) override;

 private:
  static constexpr std::uint32_t kNobody = ~0U;

  struct Endpoint {
    std::uint32_t host = kNobody;
    std::string uri;
  };
  // One of each UE's at most for each of its endpoints; number UE · kEndpointsMax + endpoint.
  struct Call {
    Endpoint to;
    bool refused = false;
  };
  struct Ue : Mover {
    std::vector<std::uint32_t> named;  // hosts that the table names; several if they count
    std::vector<Endpoint> endpoints;   // that it calls, the primary one first
    std::vector<Endpoint> coming;      // of the new context, or of the last notification
    std::string context;               // identifier
  };
  struct Notice {
    std::uint32_t ue = 0;
    std::string context;
    std::string uri;
  };

  [[nodiscard]] Time now() const;
  [[nodiscard]] Result<void> set_up();
  [[nodiscard]] Result<void> open_all();
  [[nodiscard]] Result<void> follow_from_now();
  void schedule_all();
  void turn(Time until);
  void handle_event(const Event& event, Time now);
  void take_notices(Time now);

  void send_to(std::uint32_t id, std::uint32_t endpoint, Time now);
  void call_host(std::uint32_t call_id);
  void answered(std::uint32_t call_id, const Result<http::Reply>& reply);
  void count_forwarded(std::uint32_t from, const std::string& answer);
  void delivered(std::uint32_t call_id, Time now);
  [[nodiscard]] Mover& mover(std::uint32_t id) override { return ues_[id]; }
  void send(std::uint32_t id, Time now) override;
  void moved(std::uint32_t, Time) override {}
  void find_dispatcher(std::uint32_t id, Time now) override;
  void end_context(std::uint32_t id, Time now) override;
  void use_context(std::uint32_t id) override;
  void notified(std::uint32_t id) override { use_context(id); }
  void plan_all(Time now) override;
  void begin_context(std::uint32_t id);
  void context_made(std::uint32_t id, const Result<http::Reply>& reply);
  void poll_changes();
  void take_changes(const Result<http::Reply>& reply);
  void rewritten(std::uint32_t id, const json::Value& targets, Time now);

  [[nodiscard]] http::OutgoingRequest create_request(std::uint32_t id) const;
  [[nodiscard]] std::vector<std::uint32_t> cells() const;  // of all UEs
  [[nodiscard]] Time travel(Time now, std::uint32_t from, std::uint32_t to, std::uint32_t bytes);

  System& system_;
  http::CurlMulti client_;
  http::PistacheServer server_;
  Time origin_ = 0;  // of the steady clock
  std::vector<Ue> ues_;
  std::vector<Call> calls_;
  std::string body_;
  std::uint64_t position_ = 0;  // in the feed
  std::uint32_t on_their_way_ = 0;
  bool closing_ = false;
  std::mutex mutex_;
  std::vector<Notice> notices_;
  std::string problem_;
};

}  // namespace mx2::emulator
