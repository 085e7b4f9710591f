// The capacity loop: how many instances of each app each host should have, from what the model and
// the hosts' reports say. capacity.h decides; this brings it its inputs, and remembers.
//
// Threads: that of Lifecycle.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/operator/types.h"
#include "orchestrator/lifecycle/capacity.h"

namespace mx2 {

struct CapacityLoopOptions {
  int period_ms = 10'000;
  int load_age_max_ms = 10'000;  // older reports of hosts are unknown
  capacity::Options app;
  // The app that hands on the calls of others (strategy `dispatching`): one instance on a host is
  // enough for all clients, and is there for them alone.
  std::string dispatcher;
};

// What is wanted of an app at a host, and why.
struct WantedInstances {
  std::string app_d_id;
  std::string host_id;
  std::int64_t instances = 0;
  std::string reason;
};

struct CapacityInputs {
  struct OfHost {
    std::map<std::string, int> ready;   // appDId -> instances
    std::map<std::string, int> living;  // the same with those that start
    bool accepts = true;
    std::optional<HostLoad> load;
  };
  // Apps that can be started -> the latency they require, in ms.
  std::map<std::string, std::optional<double>> apps;
  // (appDId, host) -> contexts there, or that the table leads there.
  std::map<std::pair<std::string, std::string>, std::size_t> clients;
  std::map<std::string, OfHost> hosts;  // those that are known
};

class CapacityLoop {
 public:
  using Cell = std::pair<std::string, std::string>;  // appDId, host

  explicit CapacityLoop(const CapacityLoopOptions& options);

  // At least one, from now on, and until nobody needs it. All times are of the steady clock.
  void want(const Cell& cell, std::int64_t now_ms);
  void adjust(const CapacityInputs& inputs, std::int64_t now_ms);

  [[nodiscard]] std::map<std::string, int> of_host(const std::string& host_id) const;
  [[nodiscard]] std::vector<WantedInstances> all() const;

 private:
  [[nodiscard]] std::set<Cell> cells(const CapacityInputs& inputs) const;
  [[nodiscard]] capacity::Inputs inputs_of(const Cell& cell, const CapacityInputs& inputs,
                                           std::int64_t now_ms) const;

  const CapacityLoopOptions options_;
  capacity::Policy policy_;
  capacity::States states_;
  std::map<std::string, std::map<std::string, WantedInstances>> wanted_;  // host, appDId
};

}  // namespace mx2
