// The real programs of a run: orchestrator, Optimizer, emulated hosts and their dispatchers as
// processes on loopback, with free ports and an empty store, set up as the scenario says.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/base/result.h"
#include "api/http/async_client.h"
#include "api/http/http_client.h"
#include "api/operator/types.h"
#include "emulator/network.h"
#include "emulator/real/program.h"
#include "emulator/scenario.h"

namespace mx2::emulator {

struct Programs {
  std::string directory;              // where mx2-orchestrator, mx2-optimizer and mx2-emulator are
  std::string scenario;               // file
  std::vector<std::string> settings;  // KEY=VALUE
  std::string work;                   // directory for configurations, store and logs
  std::uint64_t seed = 1;
};

class System {
 public:
  // Both must outlive this. unavailable when something does not start; invalid_argument when the
  // scenario needs what real mode has not.
  [[nodiscard]] static Result<System> start(const Scenario& scenario, const Network& network,
                                            Programs programs);

  [[nodiscard]] const std::string& mx2_url() const { return mx2_url_; }
  [[nodiscard]] const std::string& operator_url() const { return operator_url_; }
  // Of a referenceURI, the host's own or its dispatcher's, or of a row's target "host:<id>".
  [[nodiscard]] std::uint32_t host_of(const std::string& name) const;
  // To put the row that sends a UE to a host's dispatcher.
  [[nodiscard]] http::OutgoingRequest dispatcher_row(std::uint32_t ue, std::uint32_t host) const;
  // All of them at once.
  [[nodiscard]] Result<void> put_dispatcher_rows(const std::vector<std::uint32_t>& cell_of_ue);
  // The Optimizer learns in which cell each UE is, and plans at once.
  [[nodiscard]] Result<void> plan(const std::vector<std::uint32_t>& cell_of_ue);
  // The same; returns when the orchestrator has the plan.
  [[nodiscard]] Result<void> plan_and_wait(const std::vector<std::uint32_t>& cell_of_ue);
  // A program that should run and does not; empty when all is well.
  [[nodiscard]] std::string ended();

 private:
  System(const Scenario& scenario, const Network& network, Programs programs)
      : scenario_(&scenario), network_(&network), programs_(std::move(programs)) {}

  static constexpr int kStartMs = 30'000;
  static constexpr int kLookMs = 20;

  // With a configuration of its own; its log is beside it.
  [[nodiscard]] Result<Program> configured(const char* executable, const std::string& name,
                                           const std::string& configuration) const;
  // Of the port that a program says after `text`.
  [[nodiscard]] static Result<void> find_url(Program& program, const std::string& text,
                                             std::string& url);
  // False: it has ended, or takes too long.
  template <typename Done>
  [[nodiscard]] static bool wait_until(Program& running, Done done) {
    for (int ms = 0; ms < kStartMs && running.is_running(); ms += kLookMs) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
    }
    return false;
  }
  [[nodiscard]] Result<void> start_orchestrator();
  [[nodiscard]] Result<void> start_hosts();
  [[nodiscard]] Result<void> start_dispatchers();
  [[nodiscard]] Result<void> start_dispatcher(std::uint32_t host);
  [[nodiscard]] Result<void> wait_for_dispatcher(std::uint32_t host);
  [[nodiscard]] Result<void> put_apps();
  [[nodiscard]] Result<void> put_hosts();
  [[nodiscard]] Result<void> put_rows();
  [[nodiscard]] std::vector<TableChange> rows() const;
  [[nodiscard]] std::vector<TableChange> dispatcher_rows() const;
  [[nodiscard]] Result<void> start_optimizer();
  [[nodiscard]] Result<void> put(const std::string& path, const std::string& body,
                                 const char* method = "PUT");
  [[nodiscard]] Result<void> write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string topology_text(const std::vector<std::uint32_t>& cell_of_ue) const;
  [[nodiscard]] std::string path(const std::string& name) const {
    return programs_.work + "/" + name;
  }
  [[nodiscard]] std::string program(const char* name) const {
    return programs_.directory + "/" + name;
  }

  const Scenario* scenario_;
  const Network* network_;
  Programs programs_;
  std::string mx2_url_;
  std::string operator_url_;
  std::string optimizer_url_;
  std::vector<std::string> host_urls_;
  std::vector<std::string> dispatcher_urls_;  // of each host, if there are any
  std::unordered_map<std::string, std::uint32_t> host_of_;
  Program orchestrator_;
  Program optimizer_;
  std::vector<Program> hosts_;
  std::vector<Program> dispatchers_;
};

}  // namespace mx2::emulator
