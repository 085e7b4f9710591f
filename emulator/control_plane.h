// The orchestrator and the Optimizer of a simulated run: the orchestrator's own table and look-up,
// the Optimizer's own replica, policies, stability rules and plans, without HTTP and store between
// them. What remains emulated is time: a plan is applied at once, and the caller delays its
// notifications. The replica is not told the strategy: contexts of baseline count where their rows
// lead here, not where they are as in the product (optimizer/newcomers.h), which makes little
// difference but where λ become hot faster than plans are made.
//
// Rows: "*" names an app's hosts in their order (the first that offers it takes everybody, as in
// the prototype); the Optimizer adds a row for each UE. With dispatching, one row for each cell's
// prefix names the nearest host, whose dispatcher takes all apps.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulator/network.h"
#include "emulator/scenario.h"
#include "emulator/topology_of.h"
#include "optimizer/decision.h"
#include "orchestrator/domain/model.h"

namespace mx2::emulator {

class ControlPlane {
 public:
  // Both must outlive this.
  ControlPlane(const Scenario& scenario, const Network& network);

  // The first `most` hosts that the table has for the UE, the preferred one first.
  void look_up(std::uint32_t ue, std::uint32_t cell, std::size_t most,
               std::vector<std::uint32_t>& hosts) const;

  // UE's context ends if it has one, and a new one is at `host`.
  void open(std::uint32_t ue, std::uint32_t cell, std::uint32_t host, Time now);
  // The UE's context is now at `host`, or its UE in another cell.
  void update(std::uint32_t ue, std::uint32_t cell, std::uint32_t host, Time now);
  void report(std::uint32_t host, const HostLoad& load, Time now);

  // Plans and rewrites the table; the UEs whose rows changed.
  [[nodiscard]] std::vector<std::uint32_t> plan(Time now);
  // The same for a UE alone that is in another cell now, on top of the last plan, as for an
  // Optimizer that is told of moves. False: its row is what it was.
  [[nodiscard]] bool place_moved(std::uint32_t ue, std::uint32_t cell, Time now);

  [[nodiscard]] const Model& model() const { return model_; }

 private:
  void add_apps();
  void add_hosts();
  void add_rows();
  void put_row(Association row);
  void apply(const optimizer::Plan& plan);
  [[nodiscard]] ContextPlace context(std::uint32_t ue, std::uint32_t cell,
                                     std::uint32_t host) const;

  const Scenario& scenario_;
  const Network& network_;
  const bool dispatching_;
  std::unordered_map<std::string, std::uint32_t> host_index_;
  Model model_;
  optimizer::Replica replica_;
  optimizer::Topology topology_;
  optimizer::OptimizerOptions options_;
  optimizer::Decision decision_;  // the last one
};

}  // namespace mx2::emulator
