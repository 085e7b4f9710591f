// An optimizer with a fake orchestrator: hosts near and far, UEs a and b, who are at far.
#pragma once

#include <string>

#include "optimizer/optimizer.h"
#include "optimizer/topology.h"
#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"
#include "tests/support/manual_clock.h"

namespace mx2::optimizer::test {

struct OptimizerBench {
  FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  Topology topology =
      read_topology(config::parse_yaml("hosts: [{id: near, capacity: 3}, {id: far}]\n"
                                       "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                                       "latency_ms: {x: {near: 2, far: 30}}\n",
                                       "t")
                        .value());
  OptimizerOptions options;
  Optimizer optimizer{orchestrator, orchestrator, options, topology, clock};

  OptimizerBench() {
    orchestrator.lists["hosts"] = {codec::to_json_with_status(host("far"), 0),
                                   codec::to_json_with_status(host("near"), 0)};
    for (const char* device : {"a", "b"}) {
      orchestrator.lists["contexts"].push_back(context(device, "far", "10.0.0.1"));
    }
  }
  void make_room() {
    topology.hosts["near"].capacity = 30;
    optimizer.configure(options, topology);
  }
  Plan plan() {
    auto outcome = optimizer.plan(false);
    REQUIRE(outcome.ok());
    return outcome->plan;
  }
};

inline mx2::json::Value pin(const char* ue, const char* host) {
  return {{"ue", ue}, {"app", "app"}, {"targets", {std::string("host:") + host}}};
}

}  // namespace mx2::optimizer::test
