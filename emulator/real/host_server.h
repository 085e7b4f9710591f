// An emulated MEC host in real time: an HTTP server with an endpoint for each λ, POST /<λ>, whose
// answer comes when the processor model says so. It computes nothing: a timer waits. The answer's
// first line is the host's identifier, if there is room for it.
//
// Of a call that a dispatcher forwards nobody else can delay the way from there: it has a header
// that says in which cell the dispatcher is, which the UE set and the dispatcher handed on. Such a
// call arrives later, and its answer leaves later, by delay and bandwidth of the links between;
// without waiting for other messages, of which a host knows nothing.
//
// Threads: those of the HTTP server, one that waits for tasks to be complete, and the caller's of
// report().
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/worker.h"
#include "api/http/http.h"
#include "api/operator/types.h"
#include "emulator/event_queue.h"
#include "emulator/network.h"
#include "emulator/processor.h"
#include "emulator/random.h"
#include "emulator/scenario.h"

namespace mx2::emulator {

inline constexpr const char* kFromCell = "Mx2-Emulated-Cell";

class HostServer final : public http::Handler {
 public:
  // The scenario must outlive this.
  HostServer(const Scenario& scenario, std::uint32_t host, std::uint64_t seed);
  HostServer(const HostServer&) = delete;
  HostServer& operator=(const HostServer&) = delete;

  void handle(http::Request request, http::Responder responder) override;
  // Load since the last report, as a host tells the orchestrator.
  [[nodiscard]] HostLoad report();

 private:
  struct Call {
    http::Responder responder;
    std::uint32_t container = 0;
    Task task;
    Time way_back = 0;
    bool refused = false;
  };

  [[nodiscard]] Time now() const;
  [[nodiscard]] Worker::Time real(Time time) const;
  [[nodiscard]] std::uint32_t cell_of_caller(const http::Request& request) const;
  [[nodiscard]] Time way(std::uint32_t cell, std::uint32_t bytes) const;
  [[nodiscard]] Task task_for(std::uint32_t lambda, std::uint32_t bytes);
  [[nodiscard]] Worker::Time step();
  void take_event(Time at);
  void arrive(std::uint32_t id, Time at);
  void answer(std::uint32_t id);

  const Scenario& scenario_;
  const HostSpec& spec_;
  const Network network_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::map<std::string, std::uint32_t> containers_;  // by path
  std::mutex mutex_;                                 // of all below but the worker
  Processor processor_;
  EventQueue ways_;  // calls that arrive, and answers that leave
  std::unordered_map<std::uint32_t, Call> calls_;
  std::vector<std::uint32_t> requests_;  // of each container since the last report
  Stream sizes_;
  Time reported_ = 0;
  std::uint32_t next_id_ = 0;
  Worker worker_;
};

// Runs host number `index` until SIGTERM: prints "port <number>", and reports its load to the
// orchestrator if `operator_url` is not empty.
[[nodiscard]] Result<void> run_host(const Scenario& scenario, std::uint32_t index,
                                    const std::string& operator_url, std::uint64_t seed);

}  // namespace mx2::emulator
