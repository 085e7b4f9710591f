// What is emulated: MEC hosts, λ, the network between cells, UEs with their calls and moves, the
// strategy and the Optimizer. Read from a YAML file in which every key has a default; the commented
// example with all of them is tests/experiments/strategies/scenario.yaml.
//
// There are as many cells as hosts unless network.cells says more; hosts are spread over them
// evenly, each at its cell's base station.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "emulator/processor.h"
#include "optimizer/stability.h"

namespace mx2::emulator {

inline constexpr std::uint32_t kCellsMax = 250;
inline constexpr std::uint32_t kUesMax = 1'000'000;
inline constexpr std::uint32_t kLambdasMax = 64;
inline constexpr std::uint32_t kEndpointsMax = 4;

struct LambdaSpec {
  std::string id;
  double ops_offset = 4e6;
  double ops_per_byte = 1e6;
  double memory_offset = 0;  // bytes
  double memory_per_byte = 100;
  bool exponential = false;  // its operations vary, exponentially distributed around that
};

struct HostSpec {
  std::string id;
  ProcessorSpec processor;
  int workers = 4;                     // of each λ's container
  std::vector<std::uint32_t> lambdas;  // indexes
  std::uint32_t cell = 0;
};

struct NetworkSpec {
  enum class Shape : std::uint8_t { kLine, kRing, kGrid };
  Shape shape = Shape::kGrid;
  std::uint32_t cells = 0;  // 0: as many as hosts
  double access_ms = 1;     // one way, UE to its base station
  double hop_ms = 10;       // one way, between neighbouring cells
  double access_mbps = 100;
  double hop_mbps = 100;
  std::uint32_t overhead_bytes = 300;  // of each message: headers of HTTP, TCP and IP
};

struct TrafficSpec {
  enum class Model : std::uint8_t { kClosedLoop, kOnOff, kBursts };
  enum class Interval : std::uint8_t { kConstant, kUniform, kExponential };
  Model model = Model::kClosedLoop;
  Interval interval = Interval::kConstant;
  double interval_s = 1;  // closed loop: mean time between two calls
  double on_s = 1;        // ON/OFF: mean times
  double off_s = 1;
  double period_s = 5;  // bursts: mean time between two
  double burst = 5;     // and mean calls in one
  double spacing_min_s = 0;
  double spacing_max_s = 0.1;  // within ON or a burst
};

struct MobilitySpec {
  double residence_s = 0;  // mean of the exponential time in a cell; 0: nobody moves
  bool to_any = false;     // to any cell, not only a neighbouring one
};

struct HotSpotSpec {
  enum class Of : std::uint8_t { kNone, kCells, kLambdas };
  Of of = Of::kNone;
  double period_s = 10;
  double factor = 4;  // UEs in it call so many times as often
};

struct UeSpec {
  std::uint32_t number = 40;
  TrafficSpec traffic;
  MobilitySpec mobility;
  std::uint32_t request_bytes = 10'000;
  std::uint32_t response_bytes = 1'000;
  double context_life_s =
      20;  // mean of the exponential life of an application context; 0: for ever
};

enum class StrategyKind : std::uint8_t {
  kStatic,        // everybody by the row for everybody
  kBaseline,      // a rewrite of the table affects only new contexts
  kNotification,  // those whose entry moved are told
  kDispatching,   // a dispatcher near the UE forwards each call
  kMultiple,      // several endpoints, probed by the client: uncoordinated access
};

enum class SelectionKind : std::uint8_t {
  kLeastImpedance,
  kDeficitRoundRobin,
  kPredicted,
  kShipped,  // what mx2-dispatcher does as it is shipped
};

struct StrategySpec {
  StrategyKind kind = StrategyKind::kNotification;
  SelectionKind selection = SelectionKind::kDeficitRoundRobin;
  bool follows = false;  // dispatching: UEs have rows of their own, for the dispatcher near them
  double dispatch_ms = 0.2;  // that a dispatcher takes for a message
  std::uint32_t endpoints = 2;
  double probe = 0.05;  // probability for each endpoint but the primary one

  [[nodiscard]] bool has_optimizer() const {
    return kind != StrategyKind::kStatic && kind != StrategyKind::kDispatching;
  }
  // Hosts that a UE has of the table.
  [[nodiscard]] std::uint32_t named() const {
    return kind == StrategyKind::kMultiple ? endpoints : 1;
  }
};

struct OptimizerSpec {
  std::string policy = "min-cost-flow";
  double period_s = 5;
  bool told_of_moves = false;  // of UEs, as by a location service; else it sees them when it plans
  optimizer::StabilityOptions stability;
  double report_s = 1;  // between two reports of a host's load
};

struct OrchestratorSpec {
  std::uint32_t cell = 0;
  double answer_ms = 1;                    // to create a context
  double notify_ms = 5;                    // from the rewrite until a notification leaves
  std::uint32_t notification_bytes = 700;  // of the POST and its answer
};

struct Scenario {
  std::string name = "scenario";
  double duration_s = 130;  // in which calls begin; those on their way are awaited
  double warmup_s = 10;     // calls that begin before are not counted
  std::vector<LambdaSpec> lambdas;
  std::vector<HostSpec> hosts;
  NetworkSpec network;
  UeSpec ues;
  HotSpotSpec hot_spot;
  StrategySpec strategy;
  OptimizerSpec optimizer;
  OrchestratorSpec orchestrator;
};

// A change of one key of the file: "strategy.kind=baseline", "hosts.0.count=9".
struct Setting {
  std::string key;
  std::string value;  // as in YAML
};

// All errors at once, with their places.
[[nodiscard]] Result<Scenario> read_scenario(config::Document document,
                                             const std::vector<Setting>& settings = {});

[[nodiscard]] const char* to_text(StrategyKind kind);
[[nodiscard]] const char* to_text(SelectionKind kind);

}  // namespace mx2::emulator
